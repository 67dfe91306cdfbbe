"""The benchmark of speed on a tiny model: systems agree where they must, and shares are by hand."""

import json
from argparse import Namespace
from collections.abc import Sequence
from math import log2
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.lm_speed.arithmetic import Arithmetic, n_shared
from benchmarks.lm_speed.line_up import PLAIN, Models, line_up
from benchmarks.lm_speed.loaded import Loaded, with_adapter
from benchmarks.lm_speed.ours import Isolated, Mode, Text
from benchmarks.lm_speed.peers import DecisionPipeline, GenerateAndParse, PlainLetters, Pointwise, Stock, parsed_order
from benchmarks.lm_speed.report import ndcg_of_answer
from benchmarks.lm_speed.systems import System
from benchmarks.lm_speed.timing import Plan, measured, score_more
from benchmarks.lm_speed.users import Case, Users, found_users
from benchmarks.speed import as_text, main, measure
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Split, prepared, split
from llmrec.errors import ModelError
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.types import Interaction, Item, ItemId, Query, UserId
from tests.language_model.tiny import save_tiny_model, tiny_model

N_ITEMS, N_CANDIDATES = 12, 4
CPU = torch.device("cpu")


def walkers() -> tuple[Catalogue, Split]:
    """Users walk along a circle of items; the next one is not hard to find."""
    catalogue = Catalogue(
        Item(ItemId(str(n)), f"Part {n} ({1980 + n})", {"year": 1980 + n, "genres": ("Drama", "War", "Comedy")})
        for n in range(N_ITEMS)
    )
    rows = [
        Interaction(UserId(str(user)), ItemId(str((user + step) % N_ITEMS)), 1.0, float(step))
        for user in range(24)
        for step in range(5)
    ]
    data = prepared(catalogue, Interactions.from_rows(rows, catalogue), core=0)
    return data.catalogue, split(data.interactions, protocol="leave-last-out")


@pytest.fixture(scope="module")
def users() -> Users:
    catalogue, cut = walkers()
    cases = found_users(catalogue, cut, n_candidates=N_CANDIDATES, seed=0)
    record = ProtocolRecord.of([cut], name="walkers", part="validation", core=0, seeds=[0])
    return Users(catalogue, cases, record)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny", context=4096)


@pytest.fixture(scope="module")
def isolated(directory: Path, users: Users) -> Isolated:
    return Isolated(Loaded.of(directory, name="tiny", dtype=torch.float32, device=CPU), users.catalogue, Text())


def test_users_are_those_of_validation_whose_answer_was_retrieved(users: Users) -> None:
    assert len(users.cases) > 10
    for case in users.cases:
        seen = case.query.history.item_ids
        assert len(case.item_ids) == N_CANDIDATES
        assert case.answer in case.item_ids
        # Of five steps the last is the test's: the answer is the fourth, and three are known.
        assert [(int(seen[0]) + step) % N_ITEMS for step in (1, 2, 3)] == [*map(int, seen[1:]), int(case.answer)]


def test_the_same_seed_draws_the_same_order_and_candidates_do_not_stand_as_retrieved(users: Users) -> None:
    catalogue, cut = walkers()
    assert found_users(catalogue, cut, n_candidates=N_CANDIDATES, seed=0) == users.cases
    assert found_users(catalogue, cut, n_candidates=N_CANDIDATES, seed=1) != users.cases
    places = {case.item_ids.index(case.answer) + 1 - case.retrieved_at for case in users.cases}
    assert len(places) > 1


def test_one_plain_pass_says_the_same_as_all_levers_of_reading(isolated: Isolated, users: Users) -> None:
    for case in users.cases[:3]:
        plain = isolated.score_in_one_pass(case)
        assert isolated.score(case) == pytest.approx(plain, abs=1e-4)
        assert isolated.score_forgetting(case) == pytest.approx(plain, abs=1e-4)


def test_the_pointwise_peer_reads_the_very_text_of_the_isolated_ranker(
    directory: Path, isolated: Isolated, users: Users
) -> None:
    found = Pointwise(directory, isolated).score(users.cases[0])
    log_odds = np.array(isolated.score(users.cases[0]))
    # CrossEncoder passes its score through a sigmoid.
    assert found == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-4)


def test_every_peer_says_something_of_every_candidate(directory: Path, users: Users) -> None:
    stock, case = Stock.of(directory), users.cases[0]
    for peer in (PlainLetters, DecisionPipeline, GenerateAndParse):
        scores = peer(stock, users.catalogue).score(case)
        assert len(scores) == N_CANDIDATES
        assert np.isfinite(scores).all()
    assert sum(DecisionPipeline(stock, users.catalogue).score(case)) == pytest.approx(1.0, abs=1e-4)


def test_a_written_list_is_read_as_its_numbers_once_each_and_the_rest_as_given() -> None:
    assert parsed_order("[3] > [1] > [3] > [9] and [2x]", 4) == [2, 0, 1, 3]
    assert parsed_order("", 3) == [0, 1, 2]


def test_shorter_text_is_shorter_and_leaves_the_catalogue_as_it_was(isolated: Isolated, users: Users) -> None:
    case = users.cases[0]
    short = Isolated(isolated.loaded, users.catalogue, Text(n_history=1, shown="short"))
    assert short.ids(case).n_tokens < isolated.ids(case).n_tokens
    _, candidates = short.texts(case)
    assert candidates[0].rstrip().startswith("Part ")
    assert candidates[0].rstrip().endswith(" | Drama, War, Comedy Answer:")
    assert "(19" not in candidates[0]
    assert "(19" in isolated.texts(case)[1][0]


def test_the_arithmetic_of_a_ranking_by_hand() -> None:
    arithmetic = Arithmetic(tiny_model())
    # Two layers: q and o 32 x 32, k and v 16 x 32, three of the network 64 x 32.
    n_weights = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32)
    assert arithmetic.layers_flop(10) == 2 * n_weights * 10
    # Three tokens of which one is known, then candidates of two and one: they see 2 + 3, 4 + 5 and 4 tokens.
    ids = CandidateIds([1, 2, 3], [[4, 5], [6]])
    all_wanted = 2 * n_weights * 5 + 4 * (2 * 32) * (5 + 9 + 4)
    head = 2 * (935 * 32)
    # In the last layer the two new tokens of the prompt need keys and values alone, and are not attended from.
    n_for_asked = 2 * 32 * 32 + 3 * 64 * 32
    of_candidates = all_wanted - 2 * n_for_asked * 2 - 4 * 32 * 5
    assert arithmetic.ranking_flop(ids, range, n_known=1) == of_candidates + 3 * head
    # When the last tokens alone are wanted, so does the first of the first candidate, which sees four.
    of_last = of_candidates - 2 * n_for_asked - 4 * 32 * 4
    assert arithmetic.ranking_flop(ids, lambda n: range(n - 1, n), n_known=1) == of_last + 2 * head
    assert n_shared(ids, CandidateIds([1, 2, 9, 9], [])) == 2


def stub(name: str, calls: list[tuple[str, str]], *, is_dear: bool = False) -> System:
    def score(case: Case) -> Sequence[float]:
        calls.append((name, case.answer))
        return [1.0, 0.0]

    return System(name, name, score, is_dear=is_dear)


def stub_cases(n: int) -> tuple[Case, ...]:
    return tuple(Case(Query(), (ItemId(str(n)), ItemId("x")), ItemId(str(n)), 1) for n in range(n))


def test_systems_take_turns_and_dear_ones_rank_for_the_first_users_of_each_round() -> None:
    calls: list[tuple[str, str]] = []
    systems = [stub("a", calls), stub("b", calls), stub("dear", calls, is_dear=True)]
    said: list[str] = []
    found = measured(systems, stub_cases(5), Plan(2, 4, 2), tell=said.append)
    assert calls[:3] == [("a", "4"), ("b", "4"), ("dear", "4")]  # warm-up, with nobody of the rounds
    assert calls[3:8] == [("a", "0"), ("b", "0"), ("dear", "0"), ("b", "1"), ("a", "1")]
    assert [answer for name, answer in calls[3:] if name == "dear"] == ["0", "2"]
    assert [len(one) for one in found["a"].seconds] == [2, 2]
    assert len(found["a"].users_per_s) == 2
    assert len(said) == 5


def test_further_users_are_scored_and_not_timed() -> None:
    calls: list[tuple[str, str]] = []
    systems, cases, plan = [stub("a", calls), stub("b", calls)], stub_cases(6), Plan(1, 2, 1, n_more=9)
    found = measured(systems, cases, plan, tell=lambda _: None)
    score_more(systems[:1], cases, plan, found)
    assert sorted(found["a"].scores) == [0, 1, 2, 3, 4]
    assert sorted(found["a"].by_user) == sorted(found["b"].scores) == [0, 1]


def test_an_answer_gains_by_its_rank_and_equals_share() -> None:
    assert ndcg_of_answer([0.1, 0.9, 0.5], 1) == 1.0
    assert ndcg_of_answer([0.1, 0.9, 0.5], 2) == pytest.approx(1 / log2(3))
    assert ndcg_of_answer([0.5, 0.9, 0.5], 2) == pytest.approx((1 / log2(3) + 1 / 2) / 2)
    assert ndcg_of_answer([1.0] * 10 + [0.0], 10) == 0.0


def asked(directory: Path) -> Namespace:
    return Namespace(
        model=directory, adapter=None, fast_model=directory, fast_adapter=None, fast_mode="isolated",
        repeats=2, users=2, dear_users=1,
        more_users=1, candidates=N_CANDIDATES, short_history=1, short_text="short", mode="isolated",
    )  # fmt: skip


def test_one_run_reports_all_systems_levers_shares_and_targets(directory: Path, users: Users, tmp_path: Path) -> None:
    found = json.loads(json.dumps(measure(asked(directory), users, tmp_path), allow_nan=False))
    assert set(found["systems"]) == {
        "isolated", "isolated_plain", "isolated_fast", "listwise", "generate_parse", "pointwise", "decision_pipeline",
        "plain_letters",
    }  # fmt: skip
    for row in found["systems"].values():
        assert row["users_per_s"] > 0
        assert 0 <= row["ndcg@10"] <= 1
    assert found["systems"]["pointwise"]["n_users_timed"] == 1
    plain = found["systems"][PLAIN]
    assert (plain["n_users_timed"], plain["n_users_ndcg"]) == (2, 3)
    assert plain["ndcg@10_over_isolated_plain"]["absolute"]["mean"] == 0.0
    assert plain["gemm_share"]["median"] > 0
    assert [row["lever"] for row in found["levers"]][2:] == [PLAIN, "+ number format", "isolated"]
    assert found["gemm_gflops"]["float32"] > 0
    assert len(found["targets"]) == 7
    assert found["provenance"]["data_sha256"] == users.protocol.data.sha256
    assert "isolated_fast" in as_text(found)


def test_candidates_may_also_be_ranked_by_how_likely_they_are_to_come_next(directory: Path, users: Users) -> None:
    found = line_up(Models(directory), users, Text(shown="title"), mode="likelihood")
    case = users.cases[0]
    exact = next(system for system in found.systems if system.name == PLAIN)
    assert all(score < 0 for score in exact.score(case))
    assert [lever.name for lever in found.levers] == [PLAIN, "+ number format", "isolated"]
    # Every token of a candidate passes the head, not its last one alone.
    asks, foretells = (line_up_reading(directory, users, mode) for mode in ("isolated", "likelihood"))
    assert asks == N_CANDIDATES < foretells


def line_up_reading(directory: Path, users: Users, mode: Mode) -> int:
    loaded = Loaded.of(directory, name="tiny", dtype=torch.float32, device=CPU)
    ranker = Isolated(loaded, users.catalogue, Text(), mode=mode)
    return len(ranker.ids(users.cases[0]).columns(ranker.wanted))


def test_without_a_fast_model_its_system_is_left_out(directory: Path, users: Users) -> None:
    names = [system.name for system in line_up(Models(directory), users, Text()).systems]
    assert "isolated_fast" not in names


def test_what_is_missing_is_said_in_a_sentence(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        with_adapter(directory, tmp_path, tmp_path / "scratch")
    with pytest.raises(SystemExit, match="error: "):
        main([str(directory), "--data", str(tmp_path / "nowhere")])
