"""Exact search, and what it keeps on disk."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ArtifactError, ConfigError, UnknownItemError
from llmrec.interfaces import VectorStore
from llmrec.retrieval.vector_stores import ExactVectorStore
from tests.contracts.vector_store import EAST, NORTH, WEST, A, B, BulkVectorStoreContract, C, D, rows


class TestExactVectorStore(BulkVectorStoreContract):
    @pytest.fixture
    def store(self) -> VectorStore:
        return ExactVectorStore([A, B, C, D], dim=2)


def test_a_stored_index_comes_back_and_may_grow_in_memory(tmp_path: Path) -> None:
    store = ExactVectorStore([A, B, C], dim=2)
    store.add([A, C], rows(EAST, NORTH))
    store.save(tmp_path)
    loaded = ExactVectorStore.load(tmp_path, [A, B, C])
    assert loaded.search(rows(EAST)[0], 3) == [(A, 1.0), (C, 0.0)]
    loaded.add([B], rows(WEST))
    assert len(loaded) == 3
    assert len(ExactVectorStore.load(tmp_path, [A, B, C])) == 2


def test_an_index_of_other_items_is_refused(tmp_path: Path) -> None:
    ExactVectorStore([A, B], dim=2).save(tmp_path)
    with pytest.raises(ArtifactError, match="was made for other items than this catalogue's"):
        ExactVectorStore.load(tmp_path, [B, A])


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    ExactVectorStore([A, B], dim=2).save(tmp_path)
    (tmp_path / "vectors.npy").write_bytes(b"no array")
    with pytest.raises(ArtifactError, match=r"vectors\.npy cannot be read"):
        ExactVectorStore.load(tmp_path, [A, B])
    with pytest.raises(ArtifactError, match="cannot be read"):
        ExactVectorStore.load(tmp_path / "nowhere", [A, B])


def test_similarity_is_the_cosine_or_nan_where_a_vector_is_missing() -> None:
    store = ExactVectorStore([A, B, C, D], dim=2)
    store.add([A, B, C], rows(EAST, NORTH, WEST))
    np.testing.assert_array_equal(store.similarity(A, [C, D, B, A]), [-1.0, np.nan, 0.0, 1.0])
    assert np.isnan(store.similarity(D, [A, B])).all()


def test_unknown_items_and_wrong_shapes_are_refused() -> None:
    store = ExactVectorStore([A, B], dim=2)
    with pytest.raises(UnknownItemError, match="no item has the id 'd'"):
        store.add([A, D], rows(EAST, NORTH))
    assert len(store) == 0
    with pytest.raises(ConfigError, match="2 vectors of length 2 are needed"):
        store.add([A, B], rows(EAST))
    with pytest.raises(ConfigError, match=r"vectors of shape \(1, 2\) do not fit 2 items"):
        ExactVectorStore([A, B], rows(EAST))
