"""Retrieval by meaning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.types import ItemId, Vectors
from tests.contracts.history_scorer import HISTORIES, QueryScorerContract, histories_of
from tests.contracts.retriever import BulkRetrieverContract, PartialRetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract

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


@pytest.fixture
def film_vectors(films: Catalogue, tmp_path: Path) -> ExactVectorStore:
    return ExactVectorStore(films.ids, embed_resumable(films, HashingEmbedder(), tmp_path))


class DenseContract(
    BulkRetrieverContract, PartialRetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract
):
    @pytest.fixture
    def retriever(self, film_vectors: ExactVectorStore) -> DenseRetriever:
        return DenseRetriever(film_vectors, HashingEmbedder())

    @pytest.fixture
    def fit(self, retriever: DenseRetriever) -> Fit:
        return lambda _: retriever

    @pytest.fixture
    def scorer(self, retriever: DenseRetriever) -> DenseRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: DenseRetriever) -> DenseRetriever:
        return retriever


class TestDenseRetriever(DenseContract):
    pass


class TestDenseRetrieverOfTheNewestTwo(DenseContract):
    @pytest.fixture
    def retriever(self, film_vectors: ExactVectorStore) -> DenseRetriever:
        return DenseRetriever(film_vectors, HashingEmbedder(), n_items=2, half_life=1.0)


class TestDenseRetrieverWithItemsWithoutVectors(DenseContract):
    @pytest.fixture
    def retriever(self, film_vectors: ExactVectorStore) -> DenseRetriever:
        matrix = film_vectors.matrix.copy()
        matrix[[1, 8]] = np.nan
        return DenseRetriever(ExactVectorStore(film_vectors.item_ids, matrix), HashingEmbedder(), n_items=2)


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


def test_newer_items_pull_harder_with_a_half_life(store: ExactVectorStore) -> None:
    vector = DenseRetriever(store, half_life=1.0).query_vector(asks(history=("a", "b")))
    np.testing.assert_allclose(vector, np.array([0.5, 1.0]) / 1.25**0.5, rtol=1e-6)


def test_vectors_alone_are_enough_until_somebody_wishes(store: ExactVectorStore) -> None:
    retriever = DenseRetriever(store)
    assert [c.item_id for c in retriever.retrieve(asks(history=("a",)), 3)] == ["a", "c", "b"]
    with pytest.raises(ConfigError, match="a wish needs an encoder"):
        retriever.retrieve(asks("east"), 3)


def test_an_item_without_a_vector_is_last_and_pulls_nothing(films: Catalogue, film_vectors: ExactVectorStore) -> None:
    matrix = film_vectors.matrix.copy()
    matrix[1] = np.nan  # film 2, the first of the first history
    table = DenseRetriever(ExactVectorStore(films.ids, matrix)).score_histories(histories_of(films, HISTORIES))
    assert table[0, 1] == -1.0
    np.testing.assert_allclose(table[0, 2], 1.0, rtol=1e-6)


def test_wish_and_items_have_their_shares_of_the_cosine(store: ExactVectorStore) -> None:
    # The blend is 3 east and 4 north, of length 5; c lies at (0.6, 0.8).
    retriever = DenseRetriever(store, CompassEmbedder(), text_weight=3.0, items_weight=4.0)
    parts = retriever.explain(asks("east", history=("b",)), C)
    assert parts.words == pytest.approx({"east": 0.6 * 3 / 5})
    assert parts.items == pytest.approx({"b": 0.8 * 4 / 5})
    assert parts.score == pytest.approx(1.0)
