"""`llmrec evaluate --protocol behaviour` plays dialogues from plain files, and makes its own where there are none."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, call, write_tables

Capsys = pytest.CaptureFixture[str]
TABLE = """# id | title | year | genres[] | description
1 | Dust (1968) | 1968 | Western | Two gunmen.
2 | Ink (1996) | 1996 | Comedy | A clerk.
"""
DIALOGUES = """using small
== one
> a western
! cards 1
- says comedy
"""
ASKED = ("evaluate", "--protocol", "behaviour")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "small.txt").write_text(TABLE, encoding="utf-8")
    (tmp_path / "dialogues.txt").write_text(DIALOGUES, encoding="utf-8")
    return tmp_path


def test_rates_and_what_failed_are_printed(place: Path, capsys: Capsys) -> None:
    done = call(capsys, *ASKED, "--data", place / "dialogues.txt", "--catalogue", place / "tables")
    assert done.code == 0
    assert done.out.splitlines() == [
        "small: 1 dialogues, must 2 of 2, should 0 of 1",
        "all: 1 dialogues, must 2 of 2, should 0 of 1",
        "- dialogues.txt:5 > a western | says comedy | Western:",
    ]


def test_json_has_the_same(place: Path, capsys: Capsys) -> None:
    done = call(capsys, *ASKED, "--data", place / "dialogues.txt", "--catalogue", place / "tables", "--json")
    assert done.json["rates"]["small"] == {
        "dialogues": 1,
        "must": {"held": 2, "of": 2, "rate": 1.0},
        "should": {"held": 0, "of": 1, "rate": 0.0},
    }
    assert len(done.json["failed"]) == 1


def test_without_dialogues_they_are_generated(place: Path, capsys: Capsys) -> None:
    done = call(capsys, *ASKED, "--catalogue", place / "tables" / "small.txt", "--seeds", "2", "--json")
    assert done.json["rates"]["small"]["dialogues"] == 100
    assert done.json["rates"]["all"]["must"]["rate"] == 1.0


def test_a_recommender_is_played_against(
    place: Path, films: Catalogue, interactions: Interactions, capsys: Capsys
) -> None:
    items, events = write_tables(place, films, interactions)
    call(capsys, "build", "--items", items, "--interactions", events, "--out", place / "r", *LIGHT)
    (place / "mine.txt").write_text("== one\n> a comedy\n! satisfies genres=Comedy\n", encoding="utf-8")
    done = call(capsys, "evaluate", place / "r", "--protocol", "behaviour", "--data", place / "mine.txt")
    assert done.code == 0
    assert "must 2 of 2" in done.out


def test_something_to_play_against_is_needed(capsys: Capsys) -> None:
    done = call(capsys, *ASKED)
    assert done.code != 0
    assert "--catalogue" in done.err
