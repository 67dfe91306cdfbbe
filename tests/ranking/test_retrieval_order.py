import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from tests.contracts.ranker import QUERY, RankerContract, candidates_of


class TestRetrievalOrderRanker(RankerContract):
    @pytest.fixture
    def ranker(self) -> RetrievalOrderRanker:
        return RetrievalOrderRanker()

    def test_scores_never_rise_down_the_list(self, films: Catalogue) -> None:
        assert RetrievalOrderRanker().rank(QUERY, candidates_of(films, 3)).scores == (1.0, 0.99, 0.98)


def test_order_and_scores_are_the_candidates_own(films: Catalogue) -> None:
    candidates = candidates_of(films, 4)
    ranking = RetrievalOrderRanker().rank(QUERY, candidates)
    assert ranking.item_ids == tuple(candidate.item_id for candidate in candidates)
    assert ranking.ranked_by == "retrieval"
    assert ranking.report.degraded == ""
