"""Finished trials are found again, whatever a run that was killed left behind."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ArtifactError
from llmrec.evaluation.trials import TRIALS_FILE, VALUES_DIRECTORY, Outcome, TrialLog, key_of

OUTCOME = Outcome(np.array([0.0, 0.5, 1.0]), 1.5, "c0ffee")


def test_what_is_added_is_found_by_the_next_run(tmp_path: Path) -> None:
    TrialLog(tmp_path / "work").add("a", OUTCOME, {"stage": "ease"})
    log = TrialLog(tmp_path / "work")
    found = log.find("a")
    assert (len(log), log.find("b")) == (1, None)
    assert found is not None
    assert (found.values.tolist(), found.mean, found.seconds, found.commit) == ([0.0, 0.5, 1.0], 0.5, 1.5, "c0ffee")
    assert '"stage": "ease"' in (tmp_path / "work" / TRIALS_FILE).read_text(encoding="utf-8")


def test_half_a_line_costs_that_trial_and_no_other(tmp_path: Path) -> None:
    TrialLog(tmp_path).add("a", OUTCOME, {})
    path = tmp_path / TRIALS_FILE
    path.write_text(path.read_text(encoding="utf-8") + '{"key": "b", "sec', encoding="utf-8")
    log = TrialLog(tmp_path)
    assert (len(log), log.find("b")) == (1, None)
    log.add("c", OUTCOME, {})
    again = TrialLog(tmp_path)
    assert len(again) == 2
    assert again.find("a") is not None
    assert again.find("c") is not None


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_a_trial_without_its_values_is_not_finished(tmp_path: Path, content: bytes | None) -> None:
    TrialLog(tmp_path).add("a", OUTCOME, {})
    path = tmp_path / VALUES_DIRECTORY / "a.npy"
    path.unlink() if content is None else path.write_bytes(content)
    assert TrialLog(tmp_path).find("a") is None


def test_values_of_another_kind_are_not_taken(tmp_path: Path) -> None:
    TrialLog(tmp_path).add("a", OUTCOME, {})
    np.save(tmp_path / VALUES_DIRECTORY / "a.npy", np.zeros((2, 2)))
    assert TrialLog(tmp_path).find("a") is None


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("mine")
    with pytest.raises(ArtifactError, match=r"trials cannot be kept in .*work"):
        TrialLog(tmp_path / "work")


def test_a_key_does_not_depend_on_the_order_of_writing() -> None:
    assert key_of({"a": 1, "b": (2.0, "x")}) == key_of({"b": [2.0, "x"], "a": 1}) != key_of({"a": 1, "b": [2.0]})
