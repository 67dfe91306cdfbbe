"""What tends to follow what."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.types import Interaction, ItemId, UserId
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import RetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract
from tests.retrieval.test_collaborative import table


class TransitionContract(RetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return TransitionRetriever.fit

    @pytest.fixture
    def retriever(self, fit: Fit, interactions: Interactions) -> TransitionRetriever:
        fitted = fit(interactions)
        assert isinstance(fitted, TransitionRetriever)
        return fitted

    @pytest.fixture
    def scorer(self, retriever: TransitionRetriever) -> TransitionRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: TransitionRetriever) -> TransitionRetriever:
        return retriever


class TestTransitionRetriever(TransitionContract):
    pass


class TestLoadedTransitionRetriever(TransitionContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> Fit:
        def fit_and_load(interactions: Interactions) -> TransitionRetriever:
            TransitionRetriever.fit(interactions, decay=0.5).save(tmp_path)
            return TransitionRetriever.load(tmp_path, films.ids)

        return fit_and_load


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


def test_read_backwards_they_say_what_came_before() -> None:
    # a b c: c follows a at step 2, at half weight; read backwards a is before c, and nothing is before a.
    retriever = TransitionRetriever.fit(table("abc"), decay=0.5, half_life=1.0)
    back = retriever.reversed()
    np.testing.assert_allclose(back.scores(asks(history=("c",))), [0.5, 1, 0, 0])
    assert not back.scores(asks(history=("a",))).any()
    # Newer items of the history count more there, too: c is older, b newer.
    np.testing.assert_allclose(back.scores(asks(history=("c", "b"))), [1.25, 0.5, 0, 0])
    np.testing.assert_allclose(retriever.scores(asks(history=("a",))), [0, 1, 0.5, 0])


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


def test_a_pair_that_stands_nowhere_any_more_is_gone_after_an_update(films: Catalogue) -> None:
    # a b with window 1; then c turns up between them, and b no longer follows a.
    def rows(*met: tuple[str, float]) -> Interactions:
        return Interactions.from_rows((Interaction(UserId("u"), ItemId(i), 1.0, at) for i, at in met), films)

    before, added = rows(("1", 1.0), ("2", 3.0)), rows(("3", 2.0))
    updated = TransitionRetriever.fit(before, window=1).update(before, added)
    assert [c.item_id for c in updated.retrieve(asks(history=("1",)), 9)] == ["3"]
