"""What tends to follow what."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.interfaces import Retriever
from llmrec.retrieval.transitions import TransitionRetriever
from tests.contracts.retriever import RetrieverContract, asks
from tests.retrieval.test_collaborative import table


class TestTransitionRetriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, interactions: Interactions) -> Retriever:
        return TransitionRetriever.fit(interactions)


class TestLoadedTransitionRetriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, interactions: Interactions, films: Catalogue, tmp_path: Path) -> Retriever:
        TransitionRetriever.fit(interactions).save(tmp_path)
        return TransitionRetriever.load(tmp_path, films.ids)


def test_a_pair_counts_less_the_further_apart_it_stood() -> None:
    # a: 2 users, b: 2, c: 1; a-b once at step 1, twice in all; a-c at step 2 weighs 0.5.
    retriever = TransitionRetriever.fit(table("abc", "ab"), decay=0.5)
    np.testing.assert_allclose(retriever.scores(asks(history=("a",))), [0, 2 / 2, 0.5 / np.sqrt(2), 0], rtol=1e-6)


def test_pairs_beyond_the_window_and_across_users_do_not_count() -> None:
    retriever = TransitionRetriever.fit(table("abc", "d"), window=1)
    assert [c.item_id for c in retriever.retrieve(asks(history=("a",)), 9)] == ["b"]
    assert not retriever.retrieve(asks(history=("c",)), 9)


def test_order_matters() -> None:
    assert not TransitionRetriever.fit(table("ab")).retrieve(asks(history=("b",)), 9)


def test_newer_items_count_more() -> None:
    retriever = TransitionRetriever.fit(table("ac", "bd"), half_life=1.0)
    np.testing.assert_allclose(retriever.scores(asks(history=("a", "b"))), [0, 0, 0.5, 1.0])


def test_no_interactions_say_nothing(films: Catalogue) -> None:
    assert not TransitionRetriever.fit(Interactions.from_rows((), films)).retrieve(asks(history=("2",)), 5)


def test_numbers_out_of_range_are_refused(interactions: Interactions) -> None:
    with pytest.raises(ConfigError, match="window is 0"):
        TransitionRetriever.fit(interactions, window=0)
    with pytest.raises(ConfigError, match="half_life is -1"):
        TransitionRetriever.fit(interactions, half_life=-1)
