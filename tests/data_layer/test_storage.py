"""What is stored comes back equal; damage is named."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.storage import load_catalogue, load_interactions, save_catalogue, save_interactions
from llmrec.errors import ArtifactError
from llmrec.types import Item, ItemId


def test_a_catalogue_comes_back_equal(films: Catalogue, tmp_path: Path) -> None:
    odd = Item(ItemId("007"), "line\nbreak \u2028 ☃", {"price": 1.5, "new": True, "tags": ("a|b",)}, url="https://x.y")
    catalogue = Catalogue([*films.values(), odd])
    save_catalogue(catalogue, tmp_path / "items.jsonl")
    loaded = load_catalogue(tmp_path / "items.jsonl")
    assert list(loaded.values()) == list(catalogue.values())
    assert loaded.content_hash == catalogue.content_hash


def test_interactions_come_back_equal(films: Catalogue, interactions: Interactions, tmp_path: Path) -> None:
    save_interactions(interactions, tmp_path)
    loaded = load_interactions(tmp_path, films)
    assert loaded.content_hash == interactions.content_hash
    assert loaded.user_ids == interactions.user_ids
    np.testing.assert_array_equal(loaded.items, interactions.items)


def test_a_damaged_file_is_named(films: Catalogue, interactions: Interactions, tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "1"}\n')
    with pytest.raises(ArtifactError, match=r"items\.jsonl cannot be read as a catalogue\. Build"):
        load_catalogue(tmp_path / "items.jsonl")
    save_interactions(interactions, tmp_path)
    (tmp_path / "columns.npz").write_bytes(b"no zip")
    with pytest.raises(ArtifactError, match=r"cannot be read as interactions"):
        load_interactions(tmp_path, films)


def test_interactions_of_a_larger_catalogue_are_refused(
    films: Catalogue, interactions: Interactions, tmp_path: Path
) -> None:
    save_interactions(interactions, tmp_path)
    with pytest.raises(ArtifactError, match=r"names items beyond the catalogue's 3"):
        load_interactions(tmp_path, Catalogue(list(films.values())[:3]))
