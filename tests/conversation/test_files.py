import gzip
import json
from pathlib import Path

import pytest

from llmrec.conversation.files import read_items, read_rows
from llmrec.errors import DataError
from tests.conversation.small import catalogue, lines


def test_a_row_is_read_with_its_dialogue_context_and_gold(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "rows.jsonl", [{"dialog_id": "7", "context": ["", "hi"], "rec": ["A", "B", "A"], "entity": ["C"]}]
    )
    (row,) = read_rows(path)
    assert (row.dialogue, row.context, row.gold, row.mentioned) == ("7", ("", "hi"), ("A", "B"), ("C",))


def test_packed_rows_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"context": ["hi"], "rec": ["A"]}\n'))
    assert read_rows(path)[0].gold == ("A",)


def test_without_a_name_a_context_that_goes_on_is_the_same_dialogue(tmp_path: Path) -> None:
    contexts = [["hi"], ["hi", "A?", "no"], ["hello"]]
    path = lines(tmp_path / "rows.jsonl", [{"context": context, "rec": ["A"]} for context in contexts])
    assert [row.dialogue for row in read_rows(path)] == ["line 1", "line 1", "line 3"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"rec": ["A"]}, 'line 2 of .* has null as "context"; a list of texts is needed'),
        ({"context": ["hi"], "rec": "A"}, 'line 2 of .* has "A" as "rec"; a list of texts'),
        ({"context": ["hi"], "rec": []}, 'line 2 of .* has an empty "rec"'),
        ({"context": ["hi"], "rec": ["A"], "entity": [3]}, 'has \\[3\\] as "entity"'),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, record: dict[str, object], message: str) -> None:
    path = lines(tmp_path / "rows.jsonl", [{"context": ["hi"], "rec": ["A"]}, record])
    with pytest.raises(DataError, match=message):
        read_rows(path)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"context": ["hi"], "rec": ["A"]}\nnonsense\n')
    with pytest.raises(DataError, match=r"line 2 of .* it is not JSON"):
        read_rows(path)


def test_an_item_keeps_its_facts_and_the_year_of_its_name(tmp_path: Path) -> None:
    items = catalogue(tmp_path)
    alien = items[items.ids[0]]
    assert (alien.title, alien.description) == ("Alien (1979)", "A crew in space.")
    assert alien.facts == {"genre": ("horror", "sci-fi"), "star": ("Ann Weaver",), "year": 1979}


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "must hold one object"), ("{", "is not JSON"), ('{"1": {"plot": "x"}}', "item '1' of .* has no \"name\"")],
)
def test_a_bad_catalogue_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "items.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_items(path)


def test_items_without_an_empty_fact(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"1": {"name": "A", "star": [], "genre": None}}))
    assert read_items(path)[read_items(path).ids[0]].facts == {}
