import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.interfaces import Ranker
from llmrec.language_model.scripted import ScriptedModel
from llmrec.ranking.calibrated import CalibratedRanker
from llmrec.ranking.fusion_model import FusionModel
from llmrec.types import Candidate, ItemId
from tests.contracts.ranker import QUERY, RankerContract, candidates_of
from tests.ranking.test_listwise import horror, listwise, prefers


def calibrated(
    films: Catalogue, model: ScriptedModel, popularity: dict[ItemId, int] | None = None, **weights: float
) -> CalibratedRanker:
    return CalibratedRanker(listwise(films, model), FusionModel(weights), popularity or {}, slate_size=6)


def reader() -> ScriptedModel:
    return ScriptedModel(score=prefers(horror))


class TestCalibratedRanker(RankerContract):
    @pytest.fixture
    def ranker(self, films: Catalogue) -> Ranker:
        return calibrated(films, reader(), lm=0.5, retrieval=1.0, log_rank=0.3)


def test_scores_are_the_weighted_features(films: Catalogue) -> None:
    # Retrieval 1 and 0 standardise to 1 and -1; the model prefers the second.
    candidates = [Candidate(films.ids[0], 1.0, "fusion"), Candidate(films.ids[1], 0.0, "fusion")]
    ranking = calibrated(films, reader(), lm=2.0, retrieval=0.5).rank(QUERY, candidates)
    assert ranking.item_ids == (films.ids[1], films.ids[0])
    assert ranking.scores == pytest.approx((1.5, -1.5), abs=1e-6)
    assert ranking.ranked_by == "lm+retrieval"


def test_a_model_without_weight_is_not_asked(films: Catalogue) -> None:
    broken = ScriptedModel(failure=ModelError("asked."))
    ranking = calibrated(films, broken, lm=0.0, retrieval=1.0).rank(QUERY, candidates_of(films, 8))
    assert ranking.item_ids == films.ids[:8]
    assert (ranking.ranked_by, ranking.report.degraded) == ("retrieval", "")


def test_popularity_can_turn_the_order_and_those_beyond_the_slate_stay_behind_it(films: Catalogue) -> None:
    met = {item_id: place for place, item_id in enumerate(films.ids)}
    ranking = calibrated(films, ScriptedModel(), met, log_popularity=1.0).rank(QUERY, candidates_of(films, 8))
    assert ranking.item_ids == (*films.ids[5::-1], *films.ids[6:8])


def test_a_model_that_fails_leaves_the_other_voices_and_its_reason(films: Catalogue) -> None:
    met = {item_id: place for place, item_id in enumerate(films.ids)}
    broken = ScriptedModel(failure=ModelError("gone."))
    ranking = calibrated(films, broken, met, lm=5.0, log_popularity=1.0).rank(QUERY, candidates_of(films, 6))
    assert ranking.item_ids == films.ids[5::-1]
    assert (ranking.ranked_by, ranking.report.degraded) == ("retrieval", "gone.")
