"""The examples run as their first lines say; the shop from its own tables, the others where their data is."""

import os
import runpy
import sys
from pathlib import Path

import pytest

from llmrec.bundle import open_bundle

EXAMPLES = Path(__file__).parents[2] / "examples"
Capsys = pytest.CaptureFixture[str]


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


def replies(text: str) -> dict[str, list[str]]:
    """By what was said, the titles that were shown; what is said twice has its last reply."""
    found: dict[str, list[str]] = {}
    for part in text.split("\n> ")[1:]:
        said, _, reply = part.partition("\n")
        found[said] = [line[5:] for line in reply.splitlines() if line[2:3].isdigit() and line[3:5] == ". "]
    return found


def test_the_shop_sells_what_is_in_stock_and_learns_overnight(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capsys
) -> None:
    run(monkeypatch, "shop", "--light", "--out", tmp_path)
    shown = capsys.readouterr().out
    evening, morning = shown.split("-- the next morning")
    assert "Feather One tent" in replies(evening)["an ultralight tent"]
    assert "Feather One tent" not in replies(morning)["an ultralight tent"]  # it is sold out
    assert "Feather Two tent" in replies(morning)["an ultralight tent"]  # it is new
    cheap = replies(evening)["something for cooking on a hiking tour, price under 60"]
    assert cheap
    assert "price is 9.9, under 60" in evening
    assert len(replies(evening)["nothing from Karst"]) == 3
    assert open_bundle(tmp_path / "shop").about["name"] == "Tent & Trail"


def test_data_that_is_not_there_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is no directory .*nowhere\. It should hold the files of movielens"):
        run(monkeypatch, "films", "--light", "--out", tmp_path, "--data", tmp_path / "nowhere")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", ["films", "books", "games"])
def test_an_example_on_a_known_data_set_answers_every_turn(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capsys
) -> None:
    run(monkeypatch, name, "--light", "--out", tmp_path, "--data", os.environ["LLMREC_TEST_DATA"])
    shown = replies(capsys.readouterr().out)
    assert len(shown) >= 3
    assert next(iter(shown.values()))
