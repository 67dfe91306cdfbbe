"""What every HistoryScorer promises: subclass the suite and give a `scorer` fixture over the shared films."""

from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.retrieval.best import Scores
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.types import Histories, Query
from tests.contracts.retriever import asks

HISTORIES = [("2", "3"), (), ("7",), ("9", "2", "9", "10", "2"), ("1", "2", "3", "4", "5", "6", "7", "8")]


def histories_of(catalogue: Catalogue, rows: list[tuple[str, ...]]) -> Histories:
    """Histories of items named by id, oldest first, without times."""
    items = np.array([catalogue.ids.index(item_id) for row in rows for item_id in row], dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Histories(starts, items, np.ones(len(items), np.float32), np.full(len(items), np.nan))


class HistoryScorerContract:
    @pytest.fixture
    def histories(self, films: Catalogue) -> Histories:
        return histories_of(films, HISTORIES)

    def test_every_user_gets_a_finite_score_of_every_item(
        self, scorer: HistoryScorer, histories: Histories, films: Catalogue
    ) -> None:
        table = scorer.score_histories(histories)
        assert table.shape == (len(HISTORIES), len(films))
        assert table.dtype == np.float32
        assert np.isfinite(table).all()

    def test_a_user_alone_and_among_others_gets_the_same_scores(
        self, scorer: HistoryScorer, histories: Histories
    ) -> None:
        together = scorer.score_histories(histories)
        for users, part in batches(histories, 2):
            np.testing.assert_allclose(scorer.score_histories(part), together[users], atol=1e-6)

    def test_no_users_get_an_empty_table(self, scorer: HistoryScorer, films: Catalogue) -> None:
        assert scorer.score_histories(histories_of(films, [])).shape == (0, len(films))

    def test_it_prefers_some_items_to_others(self, scorer: HistoryScorer, histories: Histories) -> None:
        assert np.ptp(scorer.score_histories(histories), axis=1).any()

    def test_scores_are_the_callers_to_change(self, scorer: HistoryScorer, histories: Histories) -> None:
        first = scorer.score_histories(histories)
        expected = first.copy()
        first[:] = -np.inf
        np.testing.assert_array_equal(scorer.score_histories(histories), expected)


class QueryScorer(HistoryScorer, Protocol):
    """Scores one user, too."""

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]."""
        ...


class QueryScorerContract(HistoryScorerContract):
    """For scorers that also score one query: both ways agree."""

    @pytest.mark.parametrize("number", range(len(HISTORIES)))
    def test_a_history_in_bulk_and_in_a_query_scores_alike(
        self, scorer: QueryScorer, histories: Histories, number: int
    ) -> None:
        one: NDArray[np.float32] = scorer.scores(asks(history=HISTORIES[number]))
        np.testing.assert_allclose(scorer.score_histories(histories)[number], one, rtol=1e-5, atol=1e-5)

    def test_users_of_the_data_score_alike(self, scorer: QueryScorer, interactions: Interactions) -> None:
        table = scorer.score_histories(interactions.histories())
        for number, user_id in enumerate(interactions.user_ids):
            one = scorer.scores(Query(history=interactions.history(user_id)))
            np.testing.assert_allclose(table[number], one, rtol=1e-5, atol=1e-5)
