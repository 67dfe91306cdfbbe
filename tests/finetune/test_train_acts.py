"""Annotated dialogues become situations; what is measured on them comes from dialogues nothing was learned from."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.acts import scores
from finetune.act_dialogues import dialogue_ids, label_matrix, read_dialogues
from finetune.act_folds import Heard, cross_fitted, f1, f1_interval
from finetune.train_acts import main
from llmrec.dialogue.act_model import HEARD, SHIPPED, trained_on
from llmrec.errors import DataError


def utterance(place: int, role: str, text: str, *codes: str) -> dict[str, object]:
    return {"utterance_pos": place, "role": role, "utterance_text": text, "sub-intent/action": list(codes)}


def dialogue() -> dict[str, object]:
    turns = [
        utterance(1, "seeker", "Hi, any horror like @1 <It (2017)> ?", "OTH", "IQU"),
        utterance(2, "recommender", "How about @2 <The Ring (2002)> ?", "REC-S"),
        utterance(3, "seeker", "The ring was great, seen it", "SEE"),
        utterance(4, "recommender", "Good! What else do you like?", "REQ"),
        utterance(5, "seeker", "I love @3 <Saw (2004)>", "PRO", "ANS"),
    ]
    return {"dialogue_info": {f"U{turn['utterance_pos']}": turn for turn in turns}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "iard_dev.json"
    path.write_text(json.dumps({str(n): dialogue() for n in range(12)}), encoding="utf-8")
    return path


def test_a_situation_knows_what_stands_around_the_message(file: Path) -> None:
    first, second, third = read_dialogues(file)[0].situations
    assert first.text.split() == ["Hi,", "any", "horror", "like", "ttl", "?"]
    assert (first.before, first.n_turns, first.is_offered, first.names_new) == ("", 0, False, True)
    assert second.text.split() == ["ttl", "was", "great,", "seen", "it"]  # named without its mark
    assert (second.is_offered, second.was_offered, second.names_offered) == (True, True, True)
    assert (third.n_turns, third.is_offered, third.was_offered, third.names_new) == (2, False, True, True)


def test_codes_are_acts_and_others_are_left_out(file: Path) -> None:
    labels = label_matrix(read_dialogues(file)[:1])
    heard = [{HEARD[j] for j in np.flatnonzero(row)} for row in labels]
    assert heard == [{"request"}, {"seen"}, {"preference", "answer"}]


def test_dialogues_that_are_developed_on_are_dropped(file: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl.gz"
    with gzip.open(rows, "wt", encoding="utf-8") as lines:
        lines.write(json.dumps({"dialog_id": 3}) + "\n")
    assert "3" not in {dialogue.id for dialogue in read_dialogues(file, without=dialogue_ids(rows))}
    out = tmp_path / "acts.safetensors"
    assert main(["--dialogues", str(file), "--without", str(rows), "--out", str(out)]) == 0
    assert "3" not in trained_on(out)
    assert len(trained_on(out)) == 11


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"1": {}}', encoding="utf-8")
    with pytest.raises(DataError, match="no annotated dialogues"):
        read_dialogues(tmp_path / "x.json")


def test_what_is_plain_is_heard_out_of_fold(file: Path) -> None:
    heard = cross_fitted(read_dialogues(file), n_folds=3, penalty=0.1, seed=0)
    assert (heard.predicted == heard.labels).all()


def test_f1_by_hand_and_its_interval() -> None:
    predicted, labels = (np.array(rows, dtype=np.bool_) for rows in ([[1], [1], [0]], [[1], [0], [1]]))
    assert f1(predicted, labels).tolist() == [0.5]  # one hit, two heard, two real
    interval = f1_interval(Heard(predicted, labels, np.arange(3)), n_draws=200, seed=0)
    assert interval.shape == (2, 2)
    assert interval[0, 0] <= 0.5 <= interval[0, 1]
    found = scores(Heard(predicted, labels, np.arange(3)))
    assert found["acts"]["request"]["f1"] == 0.5


@pytest.mark.data
def test_the_shipped_model_was_trained_on_no_dialogue_that_is_developed_on() -> None:
    rows = Path(os.environ["LLMREC_TEST_DATA"]) / "redial" / "valid_data_processed.jsonl.gz"
    assert trained_on(SHIPPED)
    assert not set(trained_on(SHIPPED)) & dialogue_ids(rows)
