import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.interfaces import Ranker
from llmrec.language_model.scripted import ScriptedModel
from llmrec.ranking.contributions import HeldVoice
from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.types import Candidate, RankReport
from tests.contracts.ranker import QUERY, RankerContract, candidates_of
from tests.ranking.test_listwise import horror, listwise, prefers


def fused(
    films: Catalogue, model: ScriptedModel, *, lm_weight: float, max_lift: int = 10, max_slate: int = 20
) -> FusedRanker:
    return FusedRanker(listwise(films, model, max_slate=max_slate), lm_weight=lm_weight, max_lift=max_lift)


def reader() -> ScriptedModel:
    return ScriptedModel(score=prefers(horror))


class TestFusedRanker(RankerContract):
    @pytest.fixture
    def ranker(self, films: Catalogue) -> Ranker:
        return fused(films, reader(), lm_weight=0.5, max_slate=6)


def test_without_weight_the_ranking_is_retrieval_order_and_no_model_is_asked(films: Catalogue) -> None:
    broken = ScriptedModel(failure=ModelError("asked."))
    candidates = candidates_of(films, 6)
    ranking = fused(films, broken, lm_weight=0).rank(QUERY, candidates)
    assert ranking == RetrievalOrderRanker().rank(QUERY, candidates)


def test_scores_are_the_sum_of_both_in_standard_deviations(films: Catalogue) -> None:
    # Retrieval 1 and 0 standardise to 1 and -1; the model prefers the second: -1 and 1, of which half counts.
    candidates = [Candidate(films.ids[0], 1.0, "fusion"), Candidate(films.ids[1], 0.0, "fusion")]
    ranking = fused(films, reader(), lm_weight=0.5).rank(QUERY, candidates)
    assert ranking.item_ids == films.ids[:2]
    assert ranking.scores == pytest.approx((0.5, -0.5), abs=1e-6)
    assert ranking.ranked_by == "lm+retrieval"


def test_a_heavy_model_turns_the_order(films: Catalogue) -> None:
    ranking = fused(films, reader(), lm_weight=100).rank(QUERY, candidates_of(films, 6))
    assert ranking.item_ids == ("2", "4", "6", "1", "3", "5")


def test_no_item_rises_more_than_the_cap(films: Catalogue) -> None:
    last = ScriptedModel(score=prefers(lambda line: 9.0 if "Amélie" in line else 0.0))
    ranking = fused(films, last, lm_weight=100, max_lift=3).rank(QUERY, candidates_of(films, 10))
    # Amélie is the tenth of ten.
    assert ranking.item_ids.index(films.ids[9]) == 6
    assert list(ranking.scores) == sorted(ranking.scores, reverse=True)


def test_equal_opinions_leave_the_order_alone(films: Catalogue) -> None:
    ranking = fused(films, ScriptedModel(), lm_weight=100).rank(QUERY, candidates_of(films, 6))
    assert ranking.item_ids == films.ids[:6]


def test_candidates_beyond_the_slate_stay_behind_it(films: Catalogue) -> None:
    ranking = fused(films, reader(), lm_weight=100, max_slate=2).rank(QUERY, candidates_of(films, 6))
    assert ranking.item_ids == ("2", "1", "3", "4", "5", "6")


def test_a_model_that_fails_leaves_retrieval_order_and_its_reason(films: Catalogue) -> None:
    candidates = candidates_of(films, 6)
    ranking = fused(films, ScriptedModel(failure=ModelError("gone.")), lm_weight=0.5).rank(QUERY, candidates)
    assert ranking.item_ids == films.ids[:6]
    assert ranking.scores == tuple(candidate.score for candidate in candidates)
    assert ranking.ranked_by == "retrieval"
    assert ranking.report.degraded == "gone."


def test_an_opinion_of_other_items_leaves_the_order_alone(films: Catalogue) -> None:
    candidates = candidates_of(films, 4)
    held = HeldVoice(RankReport(lm_scores={films.ids[8]: 1.0, films.ids[9]: 0.0}))
    ranking = FusedRanker(held, lm_weight=1.0).rank(QUERY, candidates)
    assert ranking.item_ids == tuple(candidate.item_id for candidate in candidates)
    assert (ranking.ranked_by, ranking.report.lm_scores) == ("retrieval", {})
