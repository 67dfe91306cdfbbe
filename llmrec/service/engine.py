"""The one owner of the language model: a bounded, fair queue before as many workers as the model has slots.

A worker that is free takes whatever waits and can share a call with what is next in turn: batches form by themselves
where there is a queue, and nobody waits for one to fill.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from llmrec.errors import LLMRecError
from llmrec.service.tickets import ClientLeft, Ticket, current_ticket

logger = logging.getLogger(__name__)
A = TypeVar("A")
T = TypeVar("T")

_NOBODY = ""
_MAX_RETRY_AFTER_S = 60
_FIRST_GUESS_S = 0.5  # of a model call, before any was timed
_SMOOTHING = 0.2  # share of the newest call in the running mean


class OverloadedError(LLMRecError):
    """The queue is full; `retry_after_s` says when it may have room."""

    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        """Keep the sentence and the seconds."""
        super().__init__(message, hint=f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class DeadlineError(LLMRecError):
    """The model's answer was not there at the deadline."""

    code = "deadline"


@dataclass(frozen=True, eq=False)
class SharedWork(Generic[A, T]):
    """Work that is done for several requests in one call.

    Attributes:
        do: The results for what was asked, in its order.
        at_most: How many requests one call may serve.
    """

    do: Callable[[Sequence[A]], Sequence[T]]
    at_most: int


@dataclass
class _Job(Generic[A, T]):
    work: SharedWork[A, T]
    asked: A
    ticket: Ticket
    result: Future[T] = field(default_factory=Future)

    @property
    def is_wanted(self) -> bool:
        return not self.ticket.is_gone and self.ticket.seconds_left > 0


AnyJob = _Job[Any, Any]  # calls of all kinds wait in one queue


class Engine:
    """Runs what needs the language model, `slots` calls at a time, callers in turn; the rest waits or is refused."""

    def __init__(self, *, slots: int, queue_size: int, patience_s: float) -> None:
        """Start the workers; `patience_s` is the deadline of a call that comes without a ticket, as the page's do."""
        self.slots = slots
        self._patience_s = patience_s
        self.queue_size = queue_size
        self._admitted = 0
        self._running = 0
        self._n_calls = 0
        self._n_served = 0
        self._call_s = _FIRST_GUESS_S
        self._waiting: OrderedDict[str, deque[AnyJob]] = OrderedDict()
        self._changed = threading.Condition()
        self._closing = False
        self._workers = [
            threading.Thread(target=self._work, name=f"llmrec-model-{number}", daemon=True) for number in range(slots)
        ]
        for worker in self._workers:
            worker.start()

    @property
    def is_open(self) -> bool:
        """Whether it still takes work."""
        return not self._closing

    @property
    def n_admitted(self) -> int:
        """Requests that are in the house: waiting, running, or on the way to the model."""
        return self._admitted

    @property
    def n_waiting(self) -> int:
        """Calls that wait for the model."""
        with self._changed:
            return sum(map(len, self._waiting.values()))

    @property
    def n_running(self) -> int:
        """Requests that the model works on."""
        return self._running

    @property
    def n_calls(self) -> int:
        """Calls of the model that have ended."""
        return self._n_calls

    @property
    def n_served(self) -> int:
        """Requests that those calls were for; several may share one."""
        return self._n_served

    @contextmanager
    def admitted(self, *, owner: str, deadline_s: float) -> Iterator[Ticket]:
        """A ticket for one request. Raises OverloadedError at once when the house is full."""
        ticket = self.admit(owner=owner, deadline_s=deadline_s)
        try:
            yield ticket
        finally:
            self.release(ticket)

    def admit(self, *, owner: str, deadline_s: float) -> Ticket:
        """The ticket of `admitted`, to be given to `release` when the request is over."""
        with self._changed:
            self.require_room()
            self._admitted += 1
        return Ticket(owner, time.monotonic() + deadline_s)

    def require_room(self) -> None:
        """Raise OverloadedError when the house is full."""
        if self._admitted >= self.slots + self.queue_size:
            raise OverloadedError(
                f"{self._admitted} requests are being answered already.", retry_after_s=self._retry_after_s()
            )

    def release(self, ticket: Ticket) -> None:
        """End a request; its calls that still wait are dropped."""
        ticket.leave()
        with self._changed:
            self._admitted -= 1

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done by a worker when its owner's turn comes. Raises as `run_shared`."""
        return self.run_shared(SharedWork[None, T](lambda asked: [work()], 1), None)

    def run_shared(self, work: SharedWork[A, T], asked: A) -> T:
        """What `work` gives for `asked`, in one call with others that wait for the same work.

        Raises:
            DeadlineError: The ticket's time was up first; a call that runs already ends unheard.
            ClientLeft: Nobody waits any more.
        """
        ticket = current_ticket() or Ticket(_NOBODY, time.monotonic() + self._patience_s)
        job = _Job(work, asked, ticket)
        with self._changed:
            if self._closing:
                raise DeadlineError("the service is stopping.")
            self._waiting.setdefault(ticket.owner, deque()).append(job)
            self._changed.notify()
        ends: list[Future[Any]] = [job.result, ticket.gone]  # of two kinds
        with ticket.away():
            wait(ends, timeout=ticket.seconds_left, return_when=FIRST_COMPLETED)
        if job.result.done():
            return job.result.result()
        if ticket.is_gone:
            raise ClientLeft
        raise DeadlineError("the language model's answer was not there at the deadline.")

    def close(self) -> None:
        """Take no more work; what waits is dropped, what runs ends by itself."""
        with self._changed:
            self._closing = True
            for jobs in self._waiting.values():
                for job in jobs:
                    job.result.set_exception(DeadlineError("the service is stopping."))
            self._waiting.clear()
            self._changed.notify_all()

    def _retry_after_s(self) -> int:
        waves = self._admitted / self.slots
        return max(1, min(_MAX_RETRY_AFTER_S, math.ceil(waves * self._call_s / 2)))

    def _work(self) -> None:
        while batch := self._next():
            started = time.monotonic()
            telling = _done(batch)
            # Counted first: who has an answer finds the call for it among those that have ended.
            with self._changed:
                self._running -= len(batch)
                self._n_calls += 1
                self._n_served += len(batch)
                seconds_each = (time.monotonic() - started) / len(batch)
                self._call_s += _SMOOTHING * (seconds_each - self._call_s)
            for tell in telling:
                tell()

    def _next(self) -> list[AnyJob]:
        """The wanted calls that are next in turn and can be one; none when the house closes."""
        with self._changed:
            while not self._closing:
                if (first := self._pop()) is None:
                    self._changed.wait()
                    continue
                batch = [first]
                while len(batch) < first.work.at_most and (job := self._pop(first.work)) is not None:
                    batch.append(job)
                self._running += len(batch)
                return batch
            return []

    def _pop(self, work: SharedWork[Any, Any] | None = None) -> AnyJob | None:
        """The oldest wanted call of the owner whose turn it is, among those for `work` where it is named."""
        for owner in list(self._waiting):
            jobs = self._waiting[owner]
            while jobs and not jobs[0].is_wanted:
                jobs.popleft()
            found = jobs.popleft() if jobs and work in (None, jobs[0].work) else None
            if not jobs:
                del self._waiting[owner]
            if found is not None:
                if jobs:
                    self._waiting.move_to_end(owner)  # owners take turns
                return found
        return None


def _done(batch: Sequence[AnyJob]) -> Sequence[Callable[[], None]]:
    """Do the work of `batch`; what tells each of its callers how it went."""
    try:
        results = batch[0].work.do([job.asked for job in batch])
        return [partial(job.result.set_result, result) for job, result in zip(batch, results, strict=True)]
    except BaseException as error:  # noqa: BLE001 - the callers' threads raise it again
        return [partial(job.result.set_exception, error) for job in batch]
