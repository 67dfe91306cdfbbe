"""The parts of the side-by-side benchmark that need no peer: what is exported, tried, ranked, run and kept."""

import dataclasses
import json
import sys
import time
from math import log2
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import exchange
from benchmarks.peers.exchange import PeerTask, best_unseen, read_task, write_task
from benchmarks.side_by_side import running
from benchmarks.side_by_side.bench import BENCHES, Bench, Cut
from benchmarks.side_by_side.comparing import Plan, compare
from benchmarks.side_by_side.export import exported
from benchmarks.side_by_side.measuring import averaged, measured, ranks_of_answers
from benchmarks.side_by_side.running import Outcome, Request, Runner
from benchmarks.side_by_side.search import Trial, best_of
from benchmarks.side_by_side.systems import System, chosen_systems, read_systems
from benchmarks.side_by_side.table import differences, disagreements, note_look, sample_of
from benchmarks.side_by_side.verifying import Verified, verify
from benchmarks.side_by_side.workbench import Workbench
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Answers, Task, prepared, split
from llmrec.evaluation.results import StageResult
from llmrec.types import UserId


@pytest.fixture
def task(films: Catalogue, interactions: Interactions) -> Task:
    cut = split(prepared(films, interactions, core=0).interactions, protocol="leave-last-out")
    return cut.test[0]


def test_a_peer_gets_no_answer(task: Task, films: Catalogue, tmp_path: Path) -> None:
    export = exported(task, films)
    write_task(export.task, tmp_path)
    seen = read_task(tmp_path)
    pairs = {(user, int(export.catalogue_position[item])) for user, item in zip(seen.users, seen.items, strict=True)}
    answers = set(zip(task.users[task.answers.users].tolist(), task.answers.items.tolist(), strict=True))
    assert answers
    assert not pairs & answers


def test_other_answers_export_the_same_files(task: Task, films: Catalogue, tmp_path: Path) -> None:
    shuffled = dataclasses.replace(task, answers=Answers(task.answers.users, task.answers.items[::-1].copy()))
    first = write_task(exported(task, films).task, tmp_path / "a")
    assert write_task(exported(shuffled, films).task, tmp_path / "b") == first
    assert {path.name for path in (tmp_path / "a").iterdir()} == {exchange.TASK_FILE, exchange.TEXT_FILE}


def test_items_are_shuffled_and_rankings_come_back(task: Task, films: Catalogue) -> None:
    export = exported(task, films)
    assert not np.array_equal(export.catalogue_position, np.arange(len(films)))
    assert np.array_equal(export.catalogue_position[export.task.items], task.fit_on.items)
    toy_story = int(np.flatnonzero(export.catalogue_position == 0)[0])
    assert export.task.texts[toy_story].startswith("Toy Story")
    assert export.ours(np.array([[toy_story, -1]], dtype=np.int32)).tolist() == [[0, -1]]


def test_a_history_that_peers_would_not_know_is_refused(task: Task, films: Catalogue) -> None:
    elsewhere = dataclasses.replace(task, fit_on=task.fit_on.where(np.zeros(len(task.fit_on), dtype=bool)))
    with pytest.raises(SystemExit, match="history is not what is fitted on"):
        exported(elsewhere, films)


def test_places_count_from_each_users_oldest() -> None:
    users = np.array([0, 0, 2], dtype=np.int32)
    peer_task = PeerTask(users, users, np.ones(3, dtype=np.float32), 3, 3, users)
    assert peer_task.places.tolist() == [0, 1, 0]
    assert peer_task.starts.tolist() == [0, 2, 2, 3]


def test_the_best_unseen_items_leave_out_history_and_unknown_ones() -> None:
    column = np.array([0, 0], dtype=np.int32)
    peer_task = PeerTask(column, np.array([1, 3], dtype=np.int32), np.ones(2, dtype=np.float32), 1, 5, column[:1])
    ranked = best_unseen(peer_task, peer_task.tested, 4, lambda _: np.array([0.1, 9.0, 0.3, 8.0, -np.inf]))
    assert ranked.tolist() == [[2, 0, -1, -1]]


def test_an_answer_that_is_not_listed_stands_behind_everything() -> None:
    rankings = np.array([[4, 2, 7], [1, 0, -1]], dtype=np.int32)
    answers = Answers(np.array([0, 1]), np.array([2, 5], dtype=np.int32))
    assert ranks_of_answers(rankings, answers, n_items=10).ranks.tolist() == [2, 10]


def _rankings(task: Task, place: int) -> np.ndarray:
    """Everything unseen, with the answer at `place` (from 0)."""
    rows = []
    for user in range(len(task.users)):
        seen = task.histories.items[task.histories.starts[user] : task.histories.starts[user + 1]]
        answer = int(task.answers.items[user])
        rest = [item for item in range(len(task.fit_on.item_ids)) if item not in seen and item != answer]
        rows.append([*rest[:place], answer, *rest[place:]][:5])
    return np.array(rows, dtype=np.int32)


def test_metrics_of_a_list_are_those_of_the_whole_ranking(task: Task) -> None:
    found = measured(_rankings(task, 1), task)
    assert found["NDCG@10"] == pytest.approx(1 / log2(3))
    assert found["R@1"] == pytest.approx(0)
    assert found["MRR@5"] == pytest.approx(0.5)
    assert "AUC" not in found


def test_a_ranking_that_breaks_the_protocol_is_refused(task: Task) -> None:
    seen = _rankings(task, 0)
    seen[0, 1] = task.histories.items[0]
    with pytest.raises(SystemExit, match="own history"):
        measured(seen, task)
    twice = _rankings(task, 0)
    twice[0, 1] = twice[0, 0]
    with pytest.raises(SystemExit, match="twice"):
        measured(twice, task)


def test_seeds_are_averaged_by_user() -> None:
    runs = [{"R@10": np.array([1.0, 0.0])}, {"R@10": np.array([0.0, 0.0])}]
    assert averaged("peer", runs, {}).per_user["R@10"].tolist() == [0.5, 0.0]


def _system(**changes: object) -> System:
    plain = System("implicit", "als", {"k": 1, "reg": 5}, {"k": [1, 2, 3], "reg": [5, 6]}, {}, {})
    return dataclasses.replace(plain, **changes)


def test_a_search_starts_with_the_defaults_and_tries_nothing_twice() -> None:
    tried = _system().trials(4, is_large=False)
    assert tried[0] == {"k": 1, "reg": 5}
    assert len({json.dumps(params) for params in tried}) == 4
    assert tried == _system().trials(4, is_large=False)


def test_a_search_ends_where_the_space_does() -> None:
    assert len(_system().trials(50, is_large=False)) == 6
    assert len(_system(space={}).trials(50, is_large=False)) == 1


def test_large_sets_are_searched_among_cheaper_choices() -> None:
    tried = _system(large={"k": [2]}).trials(20, is_large=True)
    assert {params["k"] for params in tried[1:]} == {2}
    assert _system(large_defaults={"reg": 6}).trials(1, is_large=True) == ({"k": 1, "reg": 6},)


def test_every_peer_has_a_script_and_pinned_requirements() -> None:
    for system in read_systems().values():
        assert (running.PEERS / f"{system.peer}_peer.py").is_file()
        pins = (running.PEERS / f"{system.peer}.txt").read_text().split()
        assert all("==" in pin for pin in pins)
        assert not set(system.large) - set(system.space) - set(system.large_defaults)


def test_systems_are_chosen_by_name_or_by_library() -> None:
    assert [system.name for system in chosen_systems(["cornac.ease"])] == ["cornac.ease"]
    assert {system.peer for system in chosen_systems(["lenskit"])} == {"lenskit"}
    with pytest.raises(SystemExit, match="no peer is called 'lensk'"):
        chosen_systems(["lensk"])


_PEER = """
import json, sys, time
import numpy as np
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
params = json.loads(options["--params"])
if params.get("sleep"):
    time.sleep(params["sleep"])
if params.get("fail"):
    raise SystemExit("no memory left")
np.savez(options["--out"], rankings=np.array([[3, 1]], dtype=np.int32), about=np.array(json.dumps({"fit_s": 1})))
"""


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "peers"
    place.mkdir()
    for name, text in (("implicit_peer.py", _PEER), ("exchange.py", ""), ("implicit.txt", "")):
        (place / name).write_text(text)
    monkeypatch.setattr(running, "PEERS", place)
    return place


def _request(tmp_path: Path, **params: object) -> Request:
    return Request(_system(), params, 0, tmp_path, "sha")


def test_a_run_is_kept_and_not_repeated(peers: Path, tmp_path: Path) -> None:
    runner, request = Runner(tmp_path / "runs", limit_s=60, threads=1), _request(tmp_path)
    assert runner.known(request) is None
    first = runner.run(request, Path(sys.executable))
    assert (first.status, dict(first.about)) == ("done", {"fit_s": 1})
    assert runner.rankings(request).tolist() == [[3, 1]]
    assert runner.run(request, Path("/nowhere")) == first


def test_a_changed_script_or_parameter_is_another_run(peers: Path, tmp_path: Path) -> None:
    before = _request(tmp_path, k=1).key
    assert _request(tmp_path, k=2).key != before
    (peers / "implicit_peer.py").write_text(_PEER + "# changed")
    assert _request(tmp_path, k=1).key != before


def test_a_failure_is_recorded_with_its_words(peers: Path, tmp_path: Path) -> None:
    outcome = Runner(tmp_path / "runs", limit_s=60, threads=1).run(_request(tmp_path, fail=1), Path(sys.executable))
    assert (outcome.status, outcome.message) == ("failed", "no memory left")


def test_a_run_over_the_limit_counts_as_failed_until_there_is_more_time(peers: Path, tmp_path: Path) -> None:
    request = _request(tmp_path, sleep=30)
    outcome = Runner(tmp_path / "runs", limit_s=0.2, threads=1).run(request, Path(sys.executable))
    assert outcome.status == "over the limit"
    assert Runner(tmp_path / "runs", limit_s=0.1, threads=1).known(request) == outcome
    assert Runner(tmp_path / "runs", limit_s=60, threads=1).known(request) is None


def test_a_peer_sees_nothing_of_the_callers_environment(
    peers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMREC_TEST_DATA", "/data")
    (peers / "implicit_peer.py").write_text("import os, sys\nsys.exit(' '.join(sorted(os.environ)))")
    outcome = Runner(tmp_path / "runs", limit_s=60, threads=1).run(_request(tmp_path), Path(sys.executable))
    assert "LLMREC" not in outcome.message
    assert "OMP_NUM_THREADS" in outcome.message


def test_the_best_trial_is_chosen_and_failures_never_are() -> None:
    done, failed = Outcome("done", 1, 9, 1), Outcome("failed", 1, 9, 1)
    trials = [Trial({"k": 1}, done, 0.1), Trial({"k": 2}, failed, float("nan")), Trial({"k": 3}, done, 0.2)]
    assert best_of(trials) == {"k": 3}
    assert best_of(trials[1:2]) is None


def test_a_failed_trial_is_in_the_record() -> None:
    record = Trial({"k": 2}, Outcome("failed", 3.0, 9, 1, message="no memory left"), float("nan")).to_json()
    assert record["message"] == "no memory left"
    assert record["NDCG@10"] is None


def test_differences_are_paired_by_user() -> None:
    values = np.arange(40) % 2 * 1.0
    ours = StageResult("ease", {"NDCG@10": values + 0.5, "R@10": values})
    peer = StageResult("implicit.als", {"NDCG@10": values, "R@10": values})
    better, same = differences([ours], [peer])
    assert (better.a, better.b, better.metric) == ("ease", "implicit.als", "NDCG@10")
    assert (better.mean, *better.ci95) == pytest.approx((0.5, 0.5, 0.5))
    assert not same.is_shown


def test_the_sample_does_not_depend_on_the_order_of_users() -> None:
    users = [UserId(str(number)) for number in range(900)]
    chosen = {users[row] for row in sample_of(users)}
    assert len(chosen) == 500
    assert {users[::-1][row] for row in sample_of(users[::-1])} == chosen


def test_numbers_that_moved_beyond_the_tolerance_are_named() -> None:
    kept = {"cornac.ease": {"NDCG@10": 0.10, "R@10": 0.20}}
    found = {"cornac.ease": {"NDCG@10": 0.13, "R@10": 0.201}}
    (sentence,) = disagreements(kept, found, {"cornac.ease": 0.002})
    assert sentence == "cornac.ease: NDCG@10 on the sample is 0.1300, kept is 0.1000 (tolerance 0.002)"


def test_every_look_at_test_rows_leaves_a_line(tmp_path: Path) -> None:
    bench = Bench("movielens-100k", "leave-last-out")
    for _ in range(2):
        note_look(bench, "a test", ["ease"], results=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "test_looks.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0] | {"at": "", "commit": ""} == {
        "at": "", "commit": "", "dataset": "movielens-100k", "protocol": "leave-last-out", "ties": "file",
        "who": "a test", "systems": ["ease"],
    }  # fmt: skip


def test_a_validation_of_very_many_users_is_on_some_of_them_and_the_test_on_all(
    films: Catalogue, interactions: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepared(films, interactions, core=0)
    cut = Cut(Bench("any", "leave-last-out"), data, (split(data.interactions, protocol="leave-last-out"),), True)
    monkeypatch.setattr("benchmarks.side_by_side.bench.MAX_VALIDATION_USERS", 2)
    assert len(cut.task(0, "validation").users) == 2
    assert cut.task(0, "validation").users.tolist() == cut.task(0, "validation").users.tolist()
    assert len(cut.task(0, "validation").fit_on) == len(cut.splits[0].validation[0].fit_on)
    assert len(cut.task(0, "test").users) == 4


def test_random_ties_have_their_own_table() -> None:
    names = list(BENCHES)
    assert "movielens-latest-small-leave-last-out" in names
    assert "movielens-latest-small-leave-last-out-random-ties" in names


@pytest.fixture
def bench(films: Catalogue, interactions: Interactions, tmp_path: Path) -> Workbench:
    data = prepared(films, interactions, core=0)
    cut = Cut(Bench("any", "leave-last-out"), data, (split(data.interactions, protocol="leave-last-out"),), True)
    return Workbench(cut, runs=tmp_path / "runs", limit_s=9, threads=1)


def _plan(tmp_path: Path, systems: tuple[System, ...] = ()) -> Plan:
    stages = ("popularity", "transitions", "sasrec")
    return Plan(systems, stages, 1, (0,), True, tmp_path, runs=tmp_path / "runs", results=tmp_path / "results")


def test_a_kept_table_is_had_again_and_a_changed_number_is_noticed(bench: Workbench, tmp_path: Path) -> None:
    plan, said = _plan(tmp_path), list[str]()
    kept = compare(bench, plan, say=said.append)
    assert kept is not None
    # A peer that the table does not have is not asked for.
    plan = _plan(tmp_path, (_system(),))
    assert verify(bench, plan, deadline=time.monotonic() + 600, say=said.append).wrong == ()
    assert said[-2:] == [
        "any-leave-last-out: about 0.0 minutes",
        "any-leave-last-out: 3 systems recomputed on 4 users, 0 numbers are off",
    ]
    table = json.loads(kept.read_text())
    table["sample"]["stages"]["transitions"]["R@10"] += 0.1
    kept.write_text(json.dumps(table))
    (sentence,) = verify(bench, plan, deadline=time.monotonic() + 600, say=said.append).wrong
    assert sentence.startswith("any-leave-last-out: transitions: R@10 on the sample is ")


def test_what_would_not_end_in_time_is_not_recomputed(bench: Workbench, tmp_path: Path) -> None:
    plan, said = _plan(tmp_path), list[str]()
    compare(bench, plan, say=said.append)
    assert verify(bench, plan, deadline=time.monotonic() - 1, say=said.append) == Verified()
    assert "any-leave-last-out: sasrec not recomputed" in said
    first = {"popularity", "transitions"}
    later = verify(bench, plan, deadline=time.monotonic() + 600, say=said.append, before=first)
    assert said[-1] == "any-leave-last-out: 1 systems recomputed on 4 users, 0 numbers are off"
    assert later == Verified(systems=frozenset({*first, "sasrec"}))
    n_said = len(said)
    assert verify(bench, plan, deadline=time.monotonic() + 600, say=said.append, before=later.systems) == later
    assert len(said) == n_said
