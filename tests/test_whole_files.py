"""What is written is there whole, or what was there before is."""

from pathlib import Path

import pytest

from llmrec.errors import ArtifactError
from llmrec.whole_files import write_whole


def test_a_text_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("one", "deux é"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(ArtifactError, match=r"/a\.json cannot be written: .*; what was there before is"):
        write_whole(path, "new")
    assert list(tmp_path.iterdir()) == [path]
