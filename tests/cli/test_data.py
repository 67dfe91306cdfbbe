import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmrec.assets import Asset, AssetStore, SilentProgress
from llmrec.assets.files import AssetFile
from llmrec.assets.sources import FolderSource
from llmrec.cli import data
from llmrec.errors import AssetError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no network, whatever the machine has."""
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    return tmp_path / "cache"


def run(*arguments: str) -> None:
    data.app(args=list(arguments), standalone_mode=False)


def given_games(root: Path) -> Path:
    root.mkdir(parents=True)
    for name in ("Games-6k.item", "Games-6k.valid.inter", "Games-6k.test.inter"):
        (root / name).write_text("1\tx\n")
    return root


def test_the_list_shows_licence_citation_and_whether_it_is_cached(capsys: pytest.CaptureFixture[str]) -> None:
    run("list")
    out = capsys.readouterr().out
    assert "movielens-100k  (dataset, 2.0 MB, not cached)" in out
    assert "Harper and Konstan (2015)" in out
    assert "research use, no redistribution" in out


def test_the_list_as_json_has_one_entry_per_asset(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "--json")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["assets"]}
    assert len(rows) == 12
    assert rows["redial"] | {"citation": "", "homepage": "", "licence": ""} == {
        "name": "redial", "kind": "dataset", "licence": "", "citation": "", "homepage": "", "size": None,
        "cached": False, "source": "", "path": str(cache / "assets" / "redial"),
    }  # fmt: skip


@pytest.mark.parametrize("folder", ["given", "given/amazon-games"])
def test_a_given_directory_is_the_asset_or_holds_it(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_games(tmp_path / folder)
    run("fetch", "amazon-games", "--from", str(tmp_path / "given"))
    out = capsys.readouterr().out
    assert out.startswith("amazon-games ")
    assert f"directory {tmp_path / folder}" in out
    assert len(out.splitlines()) == 1


def test_what_was_fetched_is_listed_as_cached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("fetch", "amazon-games", "--from", str(given_games(tmp_path / "given")), "--json")
    (fetched,) = json.loads(capsys.readouterr().out)["assets"]
    run("list", "--json")
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["assets"]}
    assert listed["amazon-games"] == fetched
    assert (fetched["cached"], fetched["size"]) == (True, 12)


def test_what_cannot_be_had_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"redial could not be fetched.*id2info\.json is not there"):
        run("fetch", "redial", "--from", str(given_games(tmp_path / "given")))


def test_without_names_the_demo_is_fetched_and_offline_says_what_is_missing() -> None:
    with pytest.raises(AssetError, match="all-MiniLM-L6-v2 is not in the cache and this run is offline"):
        run("fetch")


def texts(root: Path, *present: str) -> AssetStore:
    """A store that knows the two texts, of which those `present` can be had."""
    for name in present:
        (root / name).mkdir(parents=True)
        (root / name / "text.json").write_text("{}")
    files = (AssetFile("text.json"),)
    names = ("wikipedia-films", "movie-summaries")
    known = {
        name: Asset(name, "text", "CC0", "Nobody", "https://example.org", (FolderSource(root / name, files),))
        for name in names
    }
    return AssetStore(root / "cache", assets=known)


def test_the_first_text_to_be_had_will_do(tmp_path: Path) -> None:
    store = texts(tmp_path, "movie-summaries")
    row, reasons = data._fetch_one_of(store, None, SilentProgress())
    assert row is not None
    assert row["name"] == "movie-summaries"
    (reason,) = reasons
    assert reason.startswith("going on without wikipedia-films. wikipedia-films could not be fetched.")


def test_a_cached_text_keeps_the_others_from_being_asked_for(tmp_path: Path) -> None:
    store = texts(tmp_path, "movie-summaries", "wikipedia-films")
    store.fetch("movie-summaries")
    row, reasons = data._fetch_one_of(store, None, SilentProgress())
    assert (row or {})["name"] == "movie-summaries"
    assert (reasons, store.status("wikipedia-films").cached) == ([], False)


def test_having_no_text_at_all_is_no_error(tmp_path: Path) -> None:
    row, reasons = data._fetch_one_of(texts(tmp_path), None, SilentProgress())
    assert row is None
    assert len(reasons) == 2


def test_an_unknown_name_is_one_error() -> None:
    with pytest.raises(AssetError, match="No asset is called 'movielens'"):
        run("fetch", "movielens")


def test_help_needs_neither_torch_nor_the_store() -> None:
    code = "import sys; from llmrec.cli import data; print([m for m in sys.modules if m.startswith(('torch', 'tqdm'))])"
    root = Path(__file__).parents[2]
    # The package's own __init__ names every command; only this module is the subject here.
    stub = "import sys, types; p = types.ModuleType('llmrec.cli'); p.__path__ = ['llmrec/cli']; "
    stub += "sys.modules['llmrec.cli'] = p; "
    out = subprocess.run([sys.executable, "-c", stub + code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"
