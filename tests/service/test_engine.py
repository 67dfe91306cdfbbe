"""The engine: callers take turns, the house has a limit, a deadline and a client that left end the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, LLMRecError, ModelError
from llmrec.interfaces import Ranker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.service.engine import DeadlineError, Engine, OverloadedError, SharedWork
from llmrec.service.rates import RateLimiter
from llmrec.service.settings import ServiceSettings
from llmrec.service.stages import QueuedRanker
from llmrec.service.tickets import ClientLeft, Ticket, working_for
from tests.contracts.ranker import QUERY, RankerContract, candidates_of

WAIT_S = 60.0


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Engine(slots=1, queue_size=4, patience_s=WAIT_S)
    yield one
    one.close()


class TestQueuedRanker(RankerContract):
    @pytest.fixture
    def ranker(self, engine: Engine) -> Ranker:
        return QueuedRanker(RetrievalOrderRanker(), engine)


def ticket(owner: str = "ann", deadline_s: float = WAIT_S) -> Ticket:
    return Ticket(owner, time.monotonic() + deadline_s)


class Caller(threading.Thread):
    """Asks the engine from a thread of its own, and keeps what came of it."""

    def __init__(self, engine: Engine, mine: Ticket, work: object, asked: object = None) -> None:
        super().__init__(daemon=True)
        self._engine, self._ticket, self._work, self._asked = engine, mine, work, asked
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        with working_for(self._ticket):
            try:
                if isinstance(self._work, SharedWork):
                    self.outcome = self._engine.run_shared(self._work, self._asked)
                else:
                    self.outcome = self._engine.run(self._work)  # type: ignore[arg-type]
            except (LLMRecError, ClientLeft) as error:
                self.outcome = error

    def ended(self) -> object:
        self.join(WAIT_S)
        assert not self.is_alive()
        return self.outcome


def until(condition: object) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.002)


def occupied(engine: Engine) -> tuple[threading.Event, Caller]:
    """The engine's one slot is taken until the event is set."""
    free = threading.Event()
    caller = Caller(engine, ticket("first"), lambda: free.wait(WAIT_S))
    until(lambda: engine.n_running == 1)
    return free, caller


def test_owners_take_turns_however_much_each_asks(engine: Engine) -> None:
    free, first = occupied(engine)
    done: list[str] = []
    callers = []
    for owner, name in [("ann", "a1"), ("ann", "a2"), ("ann", "a3"), ("bob", "b1"), ("cat", "c1")]:
        callers.append(Caller(engine, ticket(owner), lambda name=name: done.append(name)))
        until(lambda: engine.n_waiting == len(callers))
    free.set()
    for caller in [first, *callers]:
        caller.ended()
    assert done == ["a1", "b1", "c1", "a2", "a3"]


def test_what_work_raises_comes_out_where_it_was_asked(engine: Engine) -> None:
    def fail() -> None:
        raise ModelError("no")

    assert isinstance(Caller(engine, ticket(), fail).ended(), ModelError)
    assert Caller(engine, ticket(), lambda: 7).ended() == 7


def test_a_deadline_ends_the_wait_while_the_call_before_still_runs(engine: Engine) -> None:
    free, first = occupied(engine)
    assert isinstance(Caller(engine, ticket("bob", 0.05), lambda: 1).ended(), DeadlineError)
    assert engine.n_running == 1
    free.set()
    assert first.ended() is True


def test_a_call_whose_client_left_is_never_made(engine: Engine) -> None:
    free, first = occupied(engine)
    left, made = ticket("bob"), []
    caller = Caller(engine, left, lambda: made.append(1))
    until(lambda: engine.n_waiting == 1)
    left.leave()
    assert isinstance(caller.ended(), ClientLeft)
    free.set()
    first.ended()
    assert Caller(engine, ticket(), lambda: 1).ended() == 1
    assert made == []


def test_the_house_refuses_one_more_than_it_has_room_for(engine: Engine) -> None:
    inside = [engine.admit(owner="ann", deadline_s=1) for _ in range(5)]
    with pytest.raises(OverloadedError, match="5 requests") as refusal:
        engine.admit(owner="bob", deadline_s=1)
    assert refusal.value.retry_after_s >= 1
    engine.release(inside[0])
    assert engine.admit(owner="bob", deadline_s=1)


def test_as_many_calls_run_as_there_are_slots() -> None:
    engine = Engine(slots=2, queue_size=4, patience_s=WAIT_S)
    both = threading.Barrier(2)
    callers = [Caller(engine, ticket(name), lambda: both.wait(WAIT_S)) for name in ("ann", "bob")]
    assert sorted(caller.ended() for caller in callers) == [0, 1]  # type: ignore[type-var]
    engine.close()


def waiting_for(engine: Engine, work: SharedWork[int, int], asked: list[tuple[Ticket, int]]) -> list[Caller]:
    callers: list[Caller] = []
    before = engine.n_waiting
    for mine, number in asked:
        callers.append(Caller(engine, mine, work, number))
        until(lambda: engine.n_waiting == before + len(callers))
    return callers


def squares(batches: list[list[int]], *, at_most: int) -> SharedWork[int, int]:
    def do(asked: Sequence[int]) -> list[int]:
        batches.append(list(asked))
        return [number**2 for number in asked]

    return SharedWork(do, at_most)


def test_what_waits_for_the_same_work_shares_a_call_and_owners_take_turns(engine: Engine) -> None:
    free, first = occupied(engine)
    batches: list[list[int]] = []
    asked = [(ticket("ann"), 1), (ticket("ann"), 2), (ticket("ann"), 3), (ticket("bob"), 4), (ticket("cat"), 5)]
    callers = waiting_for(engine, squares(batches, at_most=3), asked)
    free.set()
    assert [caller.ended() for caller in callers] == [1, 4, 9, 16, 25]
    assert batches == [[1, 4, 5], [2, 3]]
    first.ended()
    until(lambda: engine.n_running == 0)
    assert (engine.n_calls, engine.n_served) == (3, 6)


def test_other_work_keeps_its_turn_and_is_no_part_of_a_batch(engine: Engine) -> None:
    free, first = occupied(engine)
    batches: list[list[int]] = []
    work = squares(batches, at_most=8)
    callers = waiting_for(engine, work, [(ticket("ann"), 1)])
    alone = Caller(engine, ticket("bob"), lambda: batches.append([0]))
    until(lambda: engine.n_waiting == 2)
    callers += waiting_for(engine, work, [(ticket("bob"), 2), (ticket("cat"), 3)])
    free.set()
    for caller in [first, alone, *callers]:
        caller.ended()
    assert batches == [[1, 3], [0], [2]]


def test_who_left_or_is_late_is_not_in_the_batch(engine: Engine) -> None:
    free, first = occupied(engine)
    batches: list[list[int]] = []
    gone, late = ticket("bob"), ticket("cat", 0.05)
    callers = waiting_for(
        engine, squares(batches, at_most=8), [(ticket("ann"), 1), (gone, 2), (late, 3), (ticket("dan"), 4)]
    )
    gone.leave()
    assert isinstance(callers[1].ended(), ClientLeft)
    assert isinstance(callers[2].ended(), DeadlineError)
    free.set()
    first.ended()
    assert (callers[0].ended(), callers[3].ended()) == (1, 16)
    assert batches == [[1, 4]]


def test_shared_work_that_fails_fails_for_all_that_share_it(engine: Engine) -> None:
    def fail(asked: Sequence[int]) -> list[int]:
        raise ModelError("no")

    free, first = occupied(engine)
    callers = waiting_for(engine, SharedWork(fail, 8), [(ticket("ann"), 1), (ticket("bob"), 2)])
    free.set()
    first.ended()
    assert all(isinstance(caller.ended(), ModelError) for caller in callers)


def test_closing_ends_every_wait(engine: Engine) -> None:
    free, first = occupied(engine)
    caller = Caller(engine, ticket("bob"), lambda: 1)
    until(lambda: engine.n_waiting == 1)
    engine.close()
    assert isinstance(caller.ended(), DeadlineError)
    free.set()
    first.ended()
    assert isinstance(Caller(engine, ticket(), lambda: 1).ended(), DeadlineError)


def test_a_late_ranking_is_the_retrievers_and_says_so(engine: Engine, films: Catalogue) -> None:
    free, first = occupied(engine)
    ranker, mine = QueuedRanker(RetrievalOrderRanker(), engine), ticket("bob", 0.02)
    candidates = candidates_of(films, 3)
    with working_for(mine):
        ranking = ranker.rank(QUERY, candidates)
    assert ranking.item_ids == tuple(candidate.item_id for candidate in candidates)
    assert ranking.ranked_by == "retrieval"
    assert mine.degraded == ranking.report.degraded == "the language model's answer was not there at the deadline."
    free.set()
    first.ended()


def test_a_bucket_fills_evenly_and_callers_have_their_own() -> None:
    moment = [0.0]
    rates = RateLimiter(2, now=lambda: moment[0])
    assert [rates.seconds_to_wait("ann") for _ in range(3)] == [0, 0, 30]
    assert rates.seconds_to_wait("bob") == 0
    moment[0] = 29.0
    assert rates.seconds_to_wait("ann") == 1
    moment[0] = 30.0
    assert rates.seconds_to_wait("ann") == 0
    assert rates.seconds_to_wait("ann") == 30


@pytest.mark.parametrize(
    "name", ["slots", "batch_size", "queue_size", "deadline_s", "max_body_bytes", "requests_per_minute"]
)
def test_a_bound_must_be_above_zero(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 0; it must be above 0"):
        ServiceSettings(**{name: 0})
    with pytest.raises(ConfigError, match="above 0"):
        ServiceSettings(**{name: float("nan")})
