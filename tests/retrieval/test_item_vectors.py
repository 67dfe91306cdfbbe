"""Encoding a catalogue in pieces that survive an interruption."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, ModelError
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import EmbeddingProgress, embed_resumable
from llmrec.types import Item, ItemId, Vectors


class CountingEmbedder(HashingEmbedder):
    """Counts texts and stops working after a number of calls."""

    def __init__(self, *, calls_left: int = 99) -> None:
        super().__init__(dim=16)
        self.n_texts = 0
        self.calls_left = calls_left

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        if self.calls_left == 0:
            raise ModelError("out of power")
        self.calls_left -= 1
        self.n_texts += len(texts)
        return super().embed(texts, kind=kind)


def test_vectors_stand_in_catalogue_order(films: Catalogue, tmp_path: Path) -> None:
    vectors = embed_resumable(films, CountingEmbedder(), tmp_path, shard_size=3)
    expected = HashingEmbedder(16).embed([item_document(item) for item in films.values()], kind="document")
    np.testing.assert_array_equal(vectors, expected)


def test_an_interrupted_run_goes_on_where_it_stopped(films: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="out of power"):
        embed_resumable(films, CountingEmbedder(calls_left=2), tmp_path, shard_size=3)
    second = CountingEmbedder()
    embed_resumable(films, second, tmp_path, shard_size=3)
    assert second.n_texts == 4


def test_an_update_encodes_only_what_changed(films: Catalogue, tmp_path: Path) -> None:
    embed_resumable(films, CountingEmbedder(), tmp_path)
    items = [*list(films.values())[1:], Item(ItemId("new"), "Lamp"), Item(ItemId("twin"), "Lamp")]
    embedder = CountingEmbedder()
    vectors = embed_resumable(Catalogue(items), embedder, tmp_path)
    assert embedder.n_texts == 1
    np.testing.assert_array_equal(vectors[-1], vectors[-2])


def test_another_encoder_does_not_get_these_vectors(films: Catalogue, tmp_path: Path) -> None:
    embed_resumable(films, CountingEmbedder(), tmp_path)
    assert embed_resumable(films, HashingEmbedder(32), tmp_path).shape == (10, 32)


def test_a_damaged_or_unfinished_shard_is_encoded_again(films: Catalogue, tmp_path: Path) -> None:
    embed_resumable(films, CountingEmbedder(), tmp_path, shard_size=5)
    damaged, whole = sorted(tmp_path.glob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    (tmp_path / "cut.partial").write_bytes(b"half")
    embedder = CountingEmbedder()
    embed_resumable(films, embedder, tmp_path, shard_size=5)
    assert embedder.n_texts == 5
    assert whole.exists()


def test_progress_counts_up_to_all_items_with_the_seconds_left(films: Catalogue, tmp_path: Path) -> None:
    seen: list[EmbeddingProgress] = []
    embed_resumable(films, CountingEmbedder(), tmp_path, shard_size=4, progress=seen.append)
    assert [(p.n_done, p.n_total) for p in seen] == [(4, 10), (8, 10), (10, 10)]
    assert seen[0].eta_s > 0
    assert seen[-1].eta_s == 0


def test_an_empty_catalogue_has_no_vectors(tmp_path: Path) -> None:
    assert embed_resumable(Catalogue([]), CountingEmbedder(), tmp_path).shape == (0, 16)
    with pytest.raises(ConfigError, match="shard_size is 0"):
        embed_resumable(Catalogue([]), CountingEmbedder(), tmp_path, shard_size=0)
