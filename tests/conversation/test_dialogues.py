import os
from pathlib import Path

import pytest

from llmrec.conversation.dialogues import named_lines, read_dialogues, read_named_dialogues, shipped_dialogues
from llmrec.conversation.files import json_rows, read_items, read_rows
from llmrec.errors import DataError
from tests.conversation.small import catalogue, dialogue, lines, scary


def test_messages_of_one_speaker_are_one_turn_and_the_user_comes_first(tmp_path: Path) -> None:
    items = catalogue(tmp_path)
    lines(tmp_path / "a.jsonl", [dialogue("1", ("a", "hi"), ("a", "liked @10 or @99?"), ("u", "no"))])
    (read,) = read_dialogues(tmp_path, items)
    assert [(turn.role, turn.text) for turn in read.turns] == [
        ("user", ""), ("assistant", "hi liked Alien (1979) or Gone (1999)?"), ("user", "no"),
    ]  # fmt: skip
    assert read.wishes[1] == "hi liked or ?"
    assert [(mention.item, mention.turn) for mention in read.mentions] == [(0, 1)]


def test_dialogues_of_rows_to_predict_are_held_out(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", [scary("1"), scary("2"), scary("3")])
    lines(tmp_path / "rows.jsonl", [{"dialog_id": "2", "context": ["hi"], "rec": ["A"]}])
    assert [read.id for read in read_dialogues(tmp_path, catalogue(tmp_path), without={"3"})] == ["1"]


def test_a_dialogue_in_two_files_counts_once(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", [scary("1")])
    lines(tmp_path / "b.jsonl", [scary("1")])
    assert len(read_dialogues(tmp_path, catalogue(tmp_path))) == 1


def test_a_directory_without_dialogues_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'holds no dialogues: a \.jsonl file whose lines have "messages"'):
        read_dialogues(tmp_path, catalogue(tmp_path))


def test_a_line_that_is_no_dialogue_is_named(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", [scary("1"), {"conversationId": "2", "messages": []}])
    with pytest.raises(DataError, match=r"line 2 of .* is no dialogue"):
        read_dialogues(tmp_path, catalogue(tmp_path))


def test_named_lines_read_back_as_they_were(tmp_path: Path) -> None:
    items = catalogue(tmp_path)
    lines(tmp_path / "a.jsonl", [scary("1")])
    before = read_dialogues(tmp_path, items)
    path = tmp_path / "named.jsonl"
    path.write_text("\n".join(named_lines(before, items)))
    assert read_named_dialogues(path, items) == before


@pytest.mark.data
def test_no_development_dialogue_is_learned_from() -> None:
    directory = Path(os.environ["LLMREC_TEST_DATA"]) / "redial"
    items = read_items(directory / "id2info.json.gz")
    measured = {row.dialogue for row in read_rows(directory / "valid_data_processed.jsonl.gz")}
    learned = {read.id for read in read_dialogues(directory, items)}
    held_out = {
        file: len({str(record["conversationId"]) for _, record in json_rows(directory / file)} & measured)
        for file in ("valid_data.jsonl.gz", "valid_data_kgsf.jsonl.gz", "train_subset_499_kepler.jsonl.gz")
    }
    assert list(held_out.values()) == [985, 86, 43]
    assert len(learned) == 1285
    assert learned.isdisjoint(measured)
    assert {read.id for read in shipped_dialogues(items)}.isdisjoint(measured)
