"""Retrievers for users who said something, and for users nobody knows."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.audiences import StrangerRetriever, WishRetriever
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from tests.contracts.retriever import BulkRetrieverContract, asks


@pytest.fixture
def dense(films: Catalogue, tmp_path: Path) -> DenseRetriever:
    return DenseRetriever(
        ExactVectorStore(films.ids, embed_resumable(films, HashingEmbedder(), tmp_path)), HashingEmbedder()
    )


class TestWishRetriever(BulkRetrieverContract):
    @pytest.fixture
    def retriever(self, dense: DenseRetriever) -> WishRetriever:
        return WishRetriever(dense)


@pytest.mark.parametrize("history", [(), ("2", "3")])
def test_a_wish_is_answered_as_ever_whatever_the_user_met(dense: DenseRetriever, history: tuple[str, ...]) -> None:
    query = asks("tense horror in space", history=history)
    assert WishRetriever(dense).retrieve(query, 5) == dense.retrieve(query, 5) != []


def test_items_alone_or_a_blank_are_no_wish(dense: DenseRetriever) -> None:
    query = asks(history=("2", "3"))
    assert dense.retrieve(query, 5)
    assert WishRetriever(dense).retrieve(query, 5) == []
    assert WishRetriever(dense).retrieve(asks("  ", history=("2",)), 5) == []


class TestStrangerRetriever(BulkRetrieverContract):
    @pytest.fixture
    def retriever(self, dense: DenseRetriever, films: Catalogue) -> StrangerRetriever:
        return StrangerRetriever(dense, films)


def test_a_stranger_is_answered_as_ever(dense: DenseRetriever, films: Catalogue) -> None:
    query = asks("tense horror in space")
    assert StrangerRetriever(dense, films).retrieve(query, 5) == dense.retrieve(query, 5) != []


def test_one_known_item_is_enough_to_be_no_stranger(dense: DenseRetriever, films: Catalogue) -> None:
    asked = StrangerRetriever(dense, films)
    assert asked.retrieve(asks("tense horror in space", history=("2",)), 5) == []
    # An item that the catalogue has no more, or that was disliked, says nothing.
    for query in (asks("tense", history=("gone",)), asks("tense", history=("2",), disliked=("2",))):
        assert asked.retrieve(query, 5) == dense.retrieve(query, 5) != []
