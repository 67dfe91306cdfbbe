"""Retrieval by meaning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.interfaces import Retriever
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.types import ItemId, Vectors
from tests.contracts.retriever import RetrieverContract, asks

A, B, C = (ItemId(name) for name in "abc")


class CompassEmbedder:
    """Knows two texts; counts how often it is asked."""

    name = "compass"
    dim = 2

    def __init__(self) -> None:
        self.n_calls = 0

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        self.n_calls += 1
        return np.array([(1.0, 0.0) if text == "east" else (0.0, 1.0) for text in texts], dtype=np.float32)


@pytest.fixture
def store() -> ExactVectorStore:
    return ExactVectorStore([A, B, C], np.array([(1, 0), (0, 1), (0.6, 0.8)], dtype=np.float32))


class TestDenseRetriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, films: Catalogue, tmp_path: Path) -> Retriever:
        embedder = HashingEmbedder()
        return DenseRetriever(ExactVectorStore(films.ids, embed_resumable(films, embedder, tmp_path)), embedder)


def test_a_wish_alone_finds_the_items_nearest_to_its_words(store: ExactVectorStore) -> None:
    found = DenseRetriever(store, CompassEmbedder()).retrieve(asks("east"), 3)
    assert [(c.item_id, round(c.score, 6)) for c in found] == [("a", 1.0), ("c", 0.6), ("b", 0.0)]


def test_items_alone_are_averaged_over_the_newest(store: ExactVectorStore) -> None:
    vector = DenseRetriever(store, CompassEmbedder(), n_items=1).query_vector(asks(history=("a", "b")))
    np.testing.assert_allclose(vector, [0, 1])
    both = DenseRetriever(store, CompassEmbedder(), n_items=2).query_vector(asks(history=("a", "b")))
    np.testing.assert_allclose(both, [0.5**0.5, 0.5**0.5], rtol=1e-6)


def test_wish_and_items_are_blended_by_their_weights(store: ExactVectorStore) -> None:
    retriever = DenseRetriever(store, CompassEmbedder(), text_weight=3.0, items_weight=4.0)
    np.testing.assert_allclose(retriever.query_vector(asks("east", history=("b",))), [0.6, 0.8], rtol=1e-6)


def test_a_wish_is_encoded_once_and_two_retrievers_share_nothing(store: ExactVectorStore) -> None:
    embedder = CompassEmbedder()
    retriever = DenseRetriever(store, embedder)
    for text in ("east", "east", "north", "north"):
        retriever.retrieve(asks(text), 1)
    assert embedder.n_calls == 2
    DenseRetriever(store, embedder).retrieve(asks("north"), 1)
    assert embedder.n_calls == 3


def test_disliked_items_do_not_pull(store: ExactVectorStore) -> None:
    assert DenseRetriever(store, CompassEmbedder()).query_vector(asks(history=("a",), disliked=("a",))) is None


def test_weights_below_zero_are_refused(store: ExactVectorStore) -> None:
    with pytest.raises(ConfigError, match=r"dense weights -1.*too small"):
        DenseRetriever(store, CompassEmbedder(), text_weight=-1)
