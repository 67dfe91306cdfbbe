"""Everything learned, as a directory: the hybrid's nested parts included, and what older directories lack."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.build import Overrides, fit_tables
from llmrec.bundle import new_version, open_bundle
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError
from llmrec.index import Fitted, load, save
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.updating import News, read_news, updated

OVERRIDES = Overrides(encoder=HashingEmbedder(16))


@pytest.fixture(scope="module")
def fitted(films: Catalogue, interactions: Interactions) -> Fitted:
    return fit_tables(films, interactions, settings=Settings(), name="films", overrides=OVERRIDES)


@pytest.fixture
def directory(fitted: Fitted, tmp_path: Path) -> Path:
    save(fitted, tmp_path / "r")
    return tmp_path / "r"


def nested(directory: Path) -> list[Path]:
    files = open_bundle(directory).files
    return sorted(path for path in (files / "hybrid").rglob("*") if path.is_file())


def test_the_hybrid_comes_back_with_all_its_parts(fitted: Fitted, directory: Path) -> None:
    loaded, everybody = load(directory).retrievers["hybrid"], fitted.interactions.histories()
    expected = fitted.retrievers["hybrid"].score_histories(everybody)
    np.testing.assert_array_equal(loaded.score_histories(everybody), expected)
    parts = {path.relative_to(open_bundle(directory).files).parts[:3] for path in nested(directory)}
    assert {("hybrid", "parts", name) for name in ("ease", "transitions", "slit", "itemknn")} <= parts


def test_every_nested_file_is_in_the_manifest_and_checked(directory: Path) -> None:
    for path in nested(directory):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
        with pytest.raises(ArtifactError, match=f"{path} is damaged: its sha256"):
            load(directory)
        path.unlink()
        with pytest.raises(ArtifactError, match=f"{path} is missing"):
            load(directory)
        path.write_bytes(content)
    load(directory)


def test_a_copy_without_empty_folders_is_as_good(fitted: Fitted, directory: Path, tmp_path: Path) -> None:
    # Some archives and all version control keep files only.
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    assert load(directory).retrievers.keys() == fitted.retrievers.keys()


def test_an_update_fits_the_hybrid_on_everything(fitted: Fitted, directory: Path) -> None:
    rows = [{"user_id": "eve", "item_id": item, "timestamp": at} for at, item in enumerate("2345", start=9)]
    loaded = load(directory)
    changed = updated(loaded, read_news(loaded, News(interactions=rows)), overrides=OVERRIDES)
    afresh = fit_tables(
        changed.catalogue, changed.interactions, settings=fitted.settings, name="films", overrides=OVERRIDES
    )
    everybody = changed.interactions.histories()
    assert len(everybody) == 5
    np.testing.assert_array_equal(
        changed.retrievers["hybrid"].score_histories(everybody), afresh.retrievers["hybrid"].score_histories(everybody)
    )


def older(directory: Path) -> None:
    """The directory as it was written before there was a hybrid, and before the order of rows was recorded."""
    bundle = open_bundle(directory)
    about = {name: value for name, value in bundle.about.items() if name != "has_time"}
    with new_version(directory, about) as files:
        for path in bundle.files.rglob("*"):
            relative = path.relative_to(bundle.files)
            if path.is_file() and relative.parts[0] != "hybrid":
                (files / relative).parent.mkdir(parents=True, exist_ok=True)
                (files / relative).write_bytes(path.read_bytes())
        settings = json.loads((files / "settings.json").read_text())
        del settings["retrieval"]["hybrid"]
        settings["retrieval"] |= {"ease": 1.0, "transitions": 0.5}
        (files / "settings.json").write_text(json.dumps(settings))


def test_a_directory_from_before_the_hybrid_is_loaded_and_stays_without_one(directory: Path) -> None:
    older(directory)
    loaded = load(directory)
    assert "hybrid" not in loaded.retrievers
    assert loaded.settings.retrieval.hybrid == 0
    assert loaded.has_time
    changed = updated(loaded, read_news(loaded, News(remove=["10"])), overrides=OVERRIDES)
    assert changed.retrievers.keys() == {"bm25", "ease", "transitions", "popularity"}


def with_adapter(fitted: Fitted, adapter: Path | str) -> Fitted:
    return replace(fitted, settings=fitted.settings.changed([f"language_model.adapter={adapter}"]))


def stored_adapter(directory: Path) -> str:
    settings = json.loads((open_bundle(directory).files / "settings.json").read_text())
    return settings["language_model"]["adapter"]


def test_a_directory_is_moved_with_its_adapter(fitted: Fitted, directory: Path, tmp_path: Path) -> None:
    (directory / "adapters" / "mine").mkdir(parents=True)
    save(with_adapter(fitted, directory / "adapters" / "mine"), directory)
    assert stored_adapter(directory) == "adapters/mine"
    moved = directory.rename(tmp_path / "elsewhere")
    assert load(moved).settings.language_model.adapter == str(moved / "adapters" / "mine")
    # Nobody looks where it was, also when something stands there again.
    (tmp_path / "r" / "adapters" / "mine").mkdir(parents=True)
    save(load(moved), moved)
    assert load(moved).settings.language_model.adapter == str(moved / "adapters" / "mine")


def test_a_directory_is_named_from_anywhere(
    fitted: Fitted, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "adapters" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    save(with_adapter(fitted, "r/adapters/mine"), Path("r"))
    assert load(Path("r")).settings.language_model.adapter == str(directory / "adapters" / "mine")


def test_an_adapter_from_outside_stays_where_it_is(
    fitted: Fitted, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "lm").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    save(with_adapter(fitted, "runs/lm"), directory)
    monkeypatch.chdir(directory)
    assert load(directory).settings.language_model.adapter == str(tmp_path / "runs" / "lm")


def test_an_adapter_that_was_named_from_where_a_command_was_run_is_still_found(
    fitted: Fitted, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "lm").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    rewritten(directory, "runs/lm")
    assert load(directory).settings.language_model.adapter == "runs/lm"


def test_an_adapter_that_was_left_behind_is_looked_for_in_the_directory(directory: Path) -> None:
    rewritten(directory, "adapters/mine")
    assert load(directory).settings.language_model.adapter == str(directory / "adapters" / "mine")


def test_without_adapter_there_is_nothing_to_move(directory: Path) -> None:
    assert stored_adapter(directory) == load(directory).settings.language_model.adapter == ""


def rewritten(directory: Path, adapter: str) -> None:
    """The same version with another name of an adapter in its settings."""
    bundle = open_bundle(directory)
    with new_version(directory, dict(bundle.about)) as files:
        shutil.copytree(bundle.files, files, dirs_exist_ok=True)
        settings = json.loads((files / "settings.json").read_text())
        settings["language_model"]["adapter"] = adapter
        (files / "settings.json").write_text(json.dumps(settings))
