"""A search leaves in its file what earlier ones found for other stages, with where that was found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.evaluation.earlier_findings import EarlierFindings
from llmrec.evaluation.protocol import DataRecord, ProtocolRecord
from llmrec.evaluation.search_spaces import Values, settings_of, with_values
from llmrec.evaluation.trial_bench import Search
from llmrec.evaluation.trials import Outcome
from llmrec.evaluation.tuned_file import save_tuned
from llmrec.evaluation.tuning import StageTuning, Trial, Tuning
from llmrec.settings import Settings

RECORD = ProtocolRecord(
    protocol="leave-last-out",
    part="validation",
    ties="file",
    core=5,
    data=DataRecord("letters", "d" * 64, 7, 10, 35),
    split_sha256="e" * 64,
    seeds=(0,),
    commit="c0ffee",
)
EASE: Values = {"retrieval.ease_regularisation": 7.0, "retrieval.ease_half_life": 8.0}
BM25: Values = {"models.bm25_k1": 1.25}


def save(path: Path, found: dict[str, Values], *, record: ProtocolRecord = RECORD) -> EarlierFindings:
    """What a search of the stages of `found` does with the file at `path`; what of it was kept."""
    earlier = EarlierFindings.read(path).without(found)
    before = with_values(Settings(), earlier.values)
    stages, settings = [], before
    for stage, values in found.items():
        was = settings_of(stage, settings)
        settings = with_values(settings, values)
        trials = [
            Trial(0, was, Outcome(np.array([0.0, 0.5]), 1.0, "c0ffee")),
            Trial(1, settings_of(stage, settings), Outcome(np.array([1.0, 0.25]), 1.0, "c0ffee")),
        ]
        stages.append(StageTuning.of(stage, trials, "NDCG@10"))
    save_tuned(Tuning(record, Search(tuple(found), 2), tuple(stages), settings), path, earlier)
    return earlier


def comments(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]


def test_stages_that_are_not_searched_stay_with_where_they_were_found(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE})
    alone = comments(path)
    save(path, {"bm25": BM25}, record=replace(RECORD, data=replace(RECORD.data, name="digits")))
    assert Settings.from_file(path) == with_values(Settings(), {**EASE, **BM25})
    both = comments(path)
    assert both[1].startswith("# data: digits, ")
    assert both[5].startswith("# bm25: NDCG@10 0.6250 ")
    assert both[6:] == ["#", "# kept from an earlier run", *alone[1:]]


def test_a_third_run_keeps_both_and_its_own_stage_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    for found in ({"ease": EASE}, {"bm25": BM25}, {"dense": {"models.dense_n_items": 3}}):
        save(path, found)
    earlier = save(path, {"ease": {**EASE, "retrieval.ease_half_life": 9.0}})
    assert earlier.stages == ("bm25", "dense")
    assert Settings.from_file(path).retrieval.ease_half_life == 9.0
    assert [line.split(":")[0] for line in comments(path) if ": NDCG@10 0" in line] == ["# ease", "# dense", "# bm25"]
    assert len([line for line in comments(path) if line == "# kept from an earlier run"]) == 2


def test_the_same_search_again_begins_where_the_first_did(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE})
    text = path.read_text()
    assert save(path, {"ease": EASE}).values == {}
    assert path.read_text() == text


def test_what_the_hybrid_is_searched_with_is_what_was_found_for_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE})
    assert EarlierFindings.read(path).without({"hybrid"}).values == EASE
    save(path, {"hybrid": {"models.hybrid_l2": 0.5}})
    # Searched again, a part begins as before; the hybrid's own settings and the other parts' stay.
    kept = EarlierFindings.read(path).without({"ease"})
    assert kept.stages == ("hybrid",)
    assert kept.values["models.hybrid_l2"] == 0.5
    assert not EASE.keys() & kept.values.keys()
    assert "models.slit_l2" in kept.values


def test_networks_keep_what_is_their_own(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"sasrec": {"models.sequential_dim": 32}, "text_sequential": {"models.sequential_id_dropout": 0.25}})
    read = EarlierFindings.read(path)
    assert read.without({"text_sequential"}).values["models.sequential_dim"] == 32
    kept = read.without({"sasrec"}).values
    assert kept["models.sequential_id_dropout"] == 0.25
    assert "models.sequential_dim" not in kept


def test_findings_on_other_data_are_not_built_upon(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE})
    kept = EarlierFindings.read(path).without({"bm25"})
    kept.require_of("letters", path)  # its rows and split may have changed: the file says on which it was found
    with pytest.raises(
        ConfigError, match=r"holds what was found for ease on other data than letter \(letters, 7 users"
    ):
        kept.require_of("letter", path)
    EarlierFindings.read(path).without({"ease"}).require_of("letter", path)


def test_what_the_caller_sets_otherwise_is_no_longer_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE, "bm25": BM25})
    read = EarlierFindings.read(path)
    assert read.standing_in(with_values(Settings(), {**EASE, "models.bm25_k1": 3.0})).stages == ("ease",)


def test_without_a_file_there_is_nothing_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert EarlierFindings.read(tmp_path / "none.toml").values == {}
    path = tmp_path / "tuned.toml"
    save(path, {"ease": EASE})
    path.write_text(path.read_text().replace("ease_half_life", "ease_halflife"))
    with pytest.raises(
        ConfigError, match=r"what .*tuned\.toml holds of an earlier search cannot be kept: no setting is"
    ):
        EarlierFindings.read(path)
