"""Descriptions of films come from what the user has before anything is fetched, and what is missing is said."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from llmrec.assets import AssetStore
from llmrec.assets.progress import SilentProgress
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.enrichment import described_films
from llmrec.errors import DataError

ALIEN = {"title": "Alien", "year": 1979, "extract": "Alien is a film about a crew.", "cast": ["Ann Other"]}


@pytest.fixture
def offline(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "cache", offline=True)


def test_extracts_beside_the_users_data_need_no_network(
    tmp_path: Path, films: Catalogue, interactions: Interactions, offline: AssetStore
) -> None:
    (tmp_path / "wikipedia-films").mkdir()
    content = gzip.compress(json.dumps([ALIEN]).encode())
    (tmp_path / "wikipedia-films" / "movies-1970s.json.gz").write_bytes(content)
    untold = Catalogue(replace(film, description="") for film in films.values())
    described, notes = described_films(untold, interactions, offline, SilentProgress(), given=tmp_path)
    assert "Alien is a film about a crew." in described["2"].description
    assert described["2"].facts["cast"] == ("Ann Other",)
    assert any("extracts 1" in note for note in notes)
    assert not any("Without" in note for note in notes)


@pytest.mark.parametrize("has_folder", [True, False])
def test_without_them_the_store_is_asked_and_what_it_lacks_is_said(
    tmp_path: Path, films: Catalogue, interactions: Interactions, offline: AssetStore, has_folder: bool
) -> None:
    if has_folder:
        (tmp_path / "wikipedia-films").mkdir()
    described, notes = described_films(films, interactions, offline, SilentProgress(), given=tmp_path)
    assert "cast" not in described["2"].facts
    assert [note.partition(":")[0] for note in notes[1:]] == ["Without wikipedia-films", "Without movie-summaries"]


def test_damaged_extracts_are_named(
    tmp_path: Path, films: Catalogue, interactions: Interactions, offline: AssetStore
) -> None:
    (tmp_path / "wikipedia-films").mkdir()
    (tmp_path / "wikipedia-films" / "movies-1970s.json").write_text("[")
    with pytest.raises(DataError, match=r"movies-1970s\.json is not JSON"):
        described_films(films, interactions, offline, SilentProgress(), given=tmp_path)
