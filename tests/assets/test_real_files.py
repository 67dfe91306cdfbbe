"""The pins of the registry against real copies of the files."""

import os
from pathlib import Path

import pytest

from llmrec.assets import AssetStore

pytestmark = pytest.mark.data

FOLDERS = {
    "movielens-100k": "ml-100k",
    "movielens-latest-small": "ml-latest-small",
    "goodbooks-10k": "goodbooks-10k",
    "amazon-games": "amazon-games",
    "redial": "redial",
    "wikipedia-films": "wikipedia-films",
}


@pytest.fixture
def root() -> Path:
    root = os.environ.get("LLMREC_TEST_DATA")
    if not root:
        pytest.skip("LLMREC_TEST_DATA names no data directory")
    return Path(root)


@pytest.mark.parametrize(("name", "folder"), FOLDERS.items())
def test_a_real_copy_is_accepted(name: str, folder: str, root: Path, tmp_path: Path) -> None:
    store = AssetStore(tmp_path, offline=True)
    path = store.fetch(name, local=root / folder)
    assert store.path(name) == path
    assert store.fetch(name) == path


def test_published_line_ends_are_accepted_too(root: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in ("ratings.csv", "movies.csv", "tags.csv", "links.csv"):
        body = (root / "ml-latest-small" / name).read_bytes()
        (given / name).write_bytes(body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert AssetStore(tmp_path / "cache").fetch("movielens-latest-small", local=given)
