"""Results survive the way to disk and back, and say what is wrong with a directory."""

import json
from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ArtifactError
from llmrec.evaluation.estimates import Estimate
from llmrec.evaluation.protocol import DataRecord, ProtocolRecord
from llmrec.evaluation.results import Difference, Evaluation, GroupEstimate, ReliabilityBin, StageResult
from llmrec.types import UserId

RECORD = ProtocolRecord(
    protocol="leave-last-out",
    part="test",
    ties="file",
    core=5,
    data=DataRecord("films", "a" * 64, 3, 2, 9),
    split_sha256="b" * 64,
    seeds=(0, 1),
    commit="c0ffee",
)
GROUP = GroupEstimate("user activity", "most", "NDCG@10", 2, Estimate(0.5, (0.25, 0.75)))
BIN = ReliabilityBin(0.5, 1.0, 3, 0.75, 0.5)
STAGE = StageResult(
    "ease",
    {"NDCG@10": np.array([0.0, 1.0, np.nan])},
    {"coverage@10": 0.5},
    {"fit": 1.5, "score": 0.5, "p95": 0.01},
    np.array([2.0, 1.0]),
    (GROUP,),
    (GROUP,),
    (BIN,),
)
FOUND = Evaluation(
    RECORD,
    (UserId("ann"), UserId("bøb"), UserId("007")),
    {"ease": STAGE},
    (Difference("ease", "popularity", "NDCG@10", 0.25, (0.125, 0.375)),),
    np.array([3.0, 4.0]),
    ("a note",),
)


def test_a_stages_interval_is_the_bootstraps_and_stays_among_the_values() -> None:
    # One hit among five users: the normal interval would begin at -0.19; a sample without the hit has chance 0.8 ** 5.
    found = StageResult("ease", {"R@10": np.array([0.0, 0.0, 0.0, 0.0, 1.0, np.nan])}, {"gini@10": 0.5}).estimates
    assert found["R@10"] == Estimate(pytest.approx(0.2), (pytest.approx(0.0), pytest.approx(0.6)))
    assert found["gini@10"].mean == 0.5
    assert np.isnan(found["gini@10"].ci95).all()


def test_without_values_there_is_no_estimate() -> None:
    found = StageResult("ease", {"R@10": np.array([np.nan])}).estimates["R@10"]
    assert np.isnan([found.mean, *found.ci95]).all()


@pytest.mark.parametrize(("interval", "shown"), [((0.1, 0.2), True), ((-0.2, -0.1), True), ((-0.1, 0.1), False)])
def test_a_difference_is_shown_when_its_interval_excludes_0(interval: tuple[float, float], shown: bool) -> None:
    assert Difference("a", "b", "R@10", sum(interval) / 2, interval).is_shown is shown


def test_throughput_counts_users_by_second_of_scoring() -> None:
    assert STAGE.users_per_s == 6.0
    assert np.isnan(StageResult("ease", {}).users_per_s)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    FOUND.save(tmp_path / "run")
    loaded = Evaluation.load(tmp_path / "run")
    assert loaded.protocol == RECORD
    assert (loaded.users, loaded.differences, loaded.notes) == (FOUND.users, FOUND.differences, FOUND.notes)
    assert loaded.popularity.tolist() == [3.0, 4.0]
    stage = loaded.stages["ease"]
    assert stage.per_user.keys() == {"NDCG@10"}
    np.testing.assert_array_equal(stage.per_user["NDCG@10"], STAGE.per_user["NDCG@10"])
    assert (stage.overall, stage.seconds) == (STAGE.overall, STAGE.seconds)
    assert (stage.groups, stage.gaps, stage.exposure.tolist()) == ((GROUP,), (GROUP,), [2.0, 1.0])
    assert stage.reliability == (BIN,)


def test_the_record_has_the_shape_others_rely_on(tmp_path: Path) -> None:
    FOUND.save(tmp_path)
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["protocol"] == "leave-last-out"
    assert record["data"] == {"name": "films", "sha256": "a" * 64, "n_users": 3, "n_items": 2, "n_interactions": 9}
    assert (record["seeds"], record["commit"], record["n_tested"]) == ([0, 1], "c0ffee", 3)
    assert record["stages"]["ease"]["NDCG@10"]["mean"] == 0.5
    assert len(record["stages"]["ease"]["NDCG@10"]["ci95"]) == 2
    # What exists for all users together has no interval.
    assert record["stages"]["ease"]["coverage@10"] == {"mean": 0.5, "ci95": [None, None]}
    assert record["differences"] == [
        {"a": "ease", "b": "popularity", "metric": "NDCG@10", "mean": 0.25, "ci95": [0.125, 0.375]}
    ]


def test_results_from_before_limits_were_recorded_are_of_all_users(tmp_path: Path) -> None:
    FOUND.save(tmp_path)
    record = json.loads((tmp_path / "result.json").read_text())
    assert record.pop("limit_users") is None
    (tmp_path / "result.json").write_text(json.dumps(record))
    assert Evaluation.load(tmp_path).protocol == RECORD


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("result.json", b"{", r"result\.json is damaged"),
        ("result.json", b"[]", r"result\.json is damaged"),
        ("result.json", b'{"protocol": "leave-last-out"}', r"result\.json is damaged"),
        ("per_user.npz", b"PK", r"per_user\.npz is damaged or of another run"),
        ("result.json", None, r"holds no results: it has no result\.json"),
        ("per_user.npz", None, r"has no per_user\.npz"),
    ],
)
def test_damage_is_said_in_a_sentence(tmp_path: Path, file: str, content: bytes | None, message: str) -> None:
    FOUND.save(tmp_path)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ArtifactError, match=message):
        Evaluation.load(tmp_path)


def test_columns_of_the_wrong_length_are_noticed(tmp_path: Path) -> None:
    wrong = StageResult("ease", {"NDCG@10": np.zeros(2)})
    Evaluation(RECORD, FOUND.users, {"ease": wrong}).save(tmp_path)
    with pytest.raises(ArtifactError, match=r"NDCG@10 of ease has shape \(2,\), not \(3,\)"):
        Evaluation.load(tmp_path)


def test_a_stage_that_was_renamed_by_hand_is_noticed(tmp_path: Path) -> None:
    FOUND.save(tmp_path)
    path = tmp_path / "result.json"
    path.write_text(path.read_text().replace('"ease": {', '"mine": {'))
    with pytest.raises(ArtifactError, match=r"per_user\.npz has no values of the stage 'mine' that result\.json names"):
        Evaluation.load(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"there is no directory .*nowhere"):
        Evaluation.load(tmp_path / "nowhere")


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(ArtifactError, match="results cannot be written to"):
        FOUND.save(tmp_path / "run")
