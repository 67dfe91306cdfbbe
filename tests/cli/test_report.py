"""`llmrec report` from the command line."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, call, write_tables


def test_pictures_of_a_user_and_of_the_catalogue_are_written(
    tmp_path: Path, films: Catalogue, interactions: Interactions, capsys: pytest.CaptureFixture[str]
) -> None:
    items, events = write_tables(tmp_path, films, interactions)
    directory = tmp_path / "shop"
    built = call(capsys, "build", "--items", items, "--interactions", events, "--out", directory, *LIGHT)
    assert built.code == 0, built.err
    done = call(capsys, "report", directory, "--user", "ann", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.out.strip() == str(tmp_path / "out" / "insights.html")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"kinds_0.light.png", "map.dark.png", "known.light.png", "popularity.dark.png", "insights.json"} <= names
    missing = call(capsys, "report", directory, "--feedback", tmp_path / "none", "--out", tmp_path / "out")
    assert (missing.code, "there is no feedback file" in missing.err) == (2, True)
