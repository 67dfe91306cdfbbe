"""The file of a search is read back as the settings found, says what it was found on, and replaces no other file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.evaluation.protocol import DataRecord, ProtocolRecord
from llmrec.evaluation.search_spaces import Values, settings_of, with_values
from llmrec.evaluation.trial_bench import Search
from llmrec.evaluation.trials import Outcome
from llmrec.evaluation.tuned_file import require_writable, save_tuned, tuned_text
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
BETTER: Values = {"retrieval.ease_regularisation": 1e-05, "retrieval.ease_half_life": 7.5}


def found(settings: Settings | None = None, *, record: ProtocolRecord = RECORD, better: Values = BETTER) -> Tuning:
    before = settings or Settings()
    trials = [
        Trial(0, settings_of("ease", before), Outcome(np.array([0.0, 0.5]), 1.0, "c0ffee")),
        Trial(1, better, Outcome(np.array([1.0, 0.25]), 1.0, "c0ffee")),
    ]
    stage = StageTuning.of("ease", trials, "NDCG@10")
    return Tuning(record, Search(("ease",), 2), (stage,), with_values(before, better))


def test_the_file_is_read_back_as_the_settings_found(tmp_path: Path) -> None:
    changed = with_values(
        Settings(),
        {"models.hybrid_parts": ("ease", "slit"), "models.itemknn_weighting": "bm25", "ranking.slate_size": 5},
    )
    save_tuned(found(changed), tmp_path / "tuned.toml")
    read = Settings.from_file(tmp_path / "tuned.toml")
    assert read == with_values(changed, BETTER)
    assert list(tmp_path.iterdir()) == [tmp_path / "tuned.toml"]


def test_what_was_tuned_is_written_even_where_it_is_the_default(tmp_path: Path) -> None:
    text = tuned_text(found(better=settings_of("ease", Settings())))
    assert "\n[retrieval]\nease_regularisation = 500.0\nease_half_life = 20.0\n" in text
    assert "[models]" not in text


def test_the_comments_say_what_it_was_found_on() -> None:
    comments = [line for line in tuned_text(found()).splitlines() if line.startswith("#")]
    assert comments[0] == "# Settings found by `llmrec tune` on validation; no answer of the test part was used."
    assert comments[1] == f"# data: letters, 7 users, 10 items, 35 interactions, sha256 {'d' * 64}"
    assert comments[2] == f"# split: leave-last-out, ties file, core 5, validation, sha256 {'e' * 64}"
    assert comments[3:5] == ["# code: c0ffee", "# search: NDCG@10, at most 2 trials for each stage, seed 0"]
    assert comments[5].startswith(
        "# ease: NDCG@10 0.6250 (95 % interval 0.2500 to 1.0000) after 2 trials, 0.2500 before; no "
    )


def test_names_cannot_break_out_of_a_comment_nor_text_out_of_its_quotes(tmp_path: Path) -> None:
    hostile = replace(RECORD, data=replace(RECORD.data, name='x\n[models]\nslit_l2 = "\u2028\r'))
    quoted = Settings().changed(['encoder.model=a"b\\c\x7f\nü😀'])
    save_tuned(found(quoted, record=hostile), tmp_path / "tuned.toml")
    assert Settings.from_file(tmp_path / "tuned.toml") == with_values(quoted, BETTER)


def test_devices_are_not_written(tmp_path: Path) -> None:
    elsewhere = Settings().changed(["encoder.device=cuda:1", "models.sequential_device=cuda"])
    assert "device" not in tuned_text(found(elsewhere))


def test_a_file_of_someone_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tuned.toml"
    require_writable(path)
    assert not path.parent.exists()
    save_tuned(found(), path)
    require_writable(path)
    (tmp_path / "mine.toml").write_text("[models]\n")
    for wrong, message in (
        (tmp_path / "mine.toml", "is there already and was not written by `llmrec tune`"),
        (tmp_path, "is a directory"),
        (tmp_path / "tuned.json", "would be read as JSON"),
        (tmp_path / "mine.toml" / "tuned.toml", r"no settings file can be written to .*: .*mine\.toml is a file; name"),
    ):
        with pytest.raises(ConfigError, match=message):
            require_writable(wrong)
