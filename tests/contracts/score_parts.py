"""What every explained score promises: subclass the suite and give an `explained` fixture over the shared films."""

from typing import Protocol

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import UnknownItemError
from llmrec.retrieval.best import Scores
from llmrec.types import ItemId, Query, ScoreParts
from tests.contracts.retriever import QUERIES, asks


class ExplainedScorer(Protocol):
    """Scores a query and says where each score comes from."""

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]."""
        ...

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """Where the score of one item comes from."""
        ...


EXPLAINED = [*QUERIES, Query(), asks(history=("2", "9", "2", "10", "3", "5"))]


class ScorePartsContract:
    @pytest.mark.parametrize("query", EXPLAINED)
    def test_parts_add_up_to_the_score_of_every_item(
        self, explained: ExplainedScorer, films: Catalogue, query: Query
    ) -> None:
        scores = explained.scores(query)
        for position, item_id in enumerate(films.ids):
            parts = explained.explain(query, item_id)
            assert parts.score == pytest.approx(float(scores[position]), rel=1e-5, abs=1e-5)
            total = sum(parts.items.values()) + sum(parts.words.values()) + parts.rest
            assert total == pytest.approx(parts.score, rel=1e-6, abs=1e-6)

    @pytest.mark.parametrize("query", EXPLAINED)
    def test_only_the_users_own_items_have_a_share(
        self, explained: ExplainedScorer, films: Catalogue, query: Query
    ) -> None:
        for item_id in films.ids:
            assert set(explained.explain(query, item_id).items) <= set(query.positive_item_ids)

    def test_an_item_outside_the_catalogue_is_refused(self, explained: ExplainedScorer) -> None:
        with pytest.raises(UnknownItemError, match="no item has the id 'gone'"):
            explained.explain(QUERIES[1], ItemId("gone"))
