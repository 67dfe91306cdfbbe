"""Plain files of dialogues and catalogues, what is wrong with them, and what is counted."""

from pathlib import Path

import pytest

from llmrec.errors import DataError
from llmrec.evaluation.behaviour import Rates, play, rates
from llmrec.evaluation.dialogue_catalogues import read_catalogue
from llmrec.evaluation.dialogue_scripts import read_scripts
from tests.behaviour.catalogues import assistant_over

DIALOGUES = """using films

== one
> a western
! cards 1
! satisfies genres=Western
- says nothing of the kind
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "dialogues.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_held_is_counted_and_safety_with_it(tmp_path: Path) -> None:
    (script,) = read_scripts(written(tmp_path, DIALOGUES))
    outcomes = list(play(script, *assistant_over("films")))
    assert [outcome.held for outcome in outcomes] == [True, True, False, True]
    assert rates(outcomes)["films"] == Rates(1, must=(3, 3), should=(0, 1))
    assert rates(outcomes)["all"].to_json()["must"] == {"held": 3, "of": 3, "rate": 1.0}


@pytest.mark.parametrize(
    ("line", "message"),
    [("! shines brightly", "is no expectation"), ("? what", "is none of"), ("! state hair red", "the state has no")],
)
def test_a_line_that_says_nothing_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"using films\n== one\n> hi\n{line}\n")
    with pytest.raises(DataError, match=message):
        [outcome for script in read_scripts(path) for outcome in play(script, *assistant_over("films"))]


def test_an_item_that_is_not_there_cannot_be_expected(tmp_path: Path) -> None:
    (script,) = read_scripts(written(tmp_path, "using films\n== one\n> hi\n! absent Nothing Called So\n"))
    with pytest.raises(DataError, match="0 items are called"):
        list(play(script, *assistant_over("films")))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_scripts(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"has no \.txt file"):
        read_scripts(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_catalogue(tmp_path / "none.txt")


def test_a_table_with_a_short_row_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "# id | title | description\n1 | One\n")
    with pytest.raises(DataError, match="2 cells, not 3"):
        read_catalogue(path)
