import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.ranking.exposure import ExposureRanker, learn_bonuses, with_exposure, worths
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.types import Candidate, ItemId, Query
from tests.contracts.ranker import RankerContract

# Ten users who all rank 0 and 1 first; each has one of ten other items third.
RANKED = np.array([[0, 1, 2 + user, 2 + (user + 1) % 10] for user in range(10)], dtype=np.int32)


def candidates(names: str) -> list[Candidate]:
    return [Candidate(ItemId(name), 10.0 - place, "fusion") for place, name in enumerate(names)]


def rank(ranker: ExposureRanker, names: str = "abcde") -> str:
    return "".join(ranker.rank(Query(), candidates(names)).item_ids)


def test_every_item_comes_on_a_list_and_the_best_stays() -> None:
    bonuses = learn_bonuses(RANKED, 12, places=2, limit=1.0)
    shown = with_exposure(RANKED, bonuses, places=2)
    assert set(shown.ravel().tolist()) >= set(range(2, 12))
    assert (shown[:, 0] == 0).all()


def test_what_is_shown_anyway_needs_hardly_a_bonus() -> None:
    bonuses = learn_bonuses(RANKED, 12, places=2, limit=1.0)
    assert bonuses[0] < 0.1 < bonuses[2:].min()


def test_no_bonus_is_above_the_limit_and_none_changes_nothing() -> None:
    assert learn_bonuses(RANKED, 12, places=2, limit=0.02).max() == pytest.approx(0.02)
    none = learn_bonuses(RANKED, 12, places=2, limit=0.0)
    np.testing.assert_array_equal(with_exposure(RANKED, none, places=2), RANKED[:, :2])


def test_lists_may_be_of_different_lengths() -> None:
    short = np.array([[0, 1, 2], [0, 3, -1]], dtype=np.int32)
    bonuses = learn_bonuses(short, 4, places=2, limit=1.0)
    assert set(with_exposure(short, bonuses, places=2).ravel().tolist()) >= {2, 3}
    np.testing.assert_array_equal(with_exposure(short[1:], np.zeros(4), places=3), [[0, 3, -1]])


def test_the_last_place_is_worth_one() -> None:
    found = worths(40, 10)
    assert found[9] == 1.0
    assert found[39] == pytest.approx(0.5)  # 30 / 60


def test_a_lifted_item_takes_the_last_place_and_the_rest_keep_their_order() -> None:
    ranker = ExposureRanker(RetrievalOrderRanker(), {ItemId("e"): 1.0}, places=2)
    assert rank(ranker) == "aebcd"


def test_a_bonus_too_small_changes_nothing() -> None:
    # With two places ranks 2 and 5 are worth 1 and 22 / 25.
    assert rank(ExposureRanker(RetrievalOrderRanker(), {ItemId("e"): 0.11}, places=2)) == "abcde"
    assert rank(ExposureRanker(RetrievalOrderRanker(), {ItemId("e"): 0.13}, places=2)) == "aebcd"


def test_a_lifted_item_has_the_score_of_the_next() -> None:
    ranking = ExposureRanker(RetrievalOrderRanker(), {ItemId("c"): 1.0}, places=1).rank(Query(), candidates("abc"))
    assert (ranking.item_ids, ranking.scores) == (("c", "a", "b"), (10.0, 10.0, 9.0))


def test_nothing_and_fewer_than_the_places_can_be_ranked() -> None:
    ranker = ExposureRanker(RetrievalOrderRanker(), {ItemId("b"): 1.0}, places=10)
    assert rank(ranker, "") == ""
    assert rank(ranker, "ab") == "ab"


@pytest.mark.parametrize(("places", "limit"), [(0, 0.5), (10, 1.1), (10, -0.1)])
def test_what_cannot_be_is_refused(places: int, limit: float) -> None:
    with pytest.raises(ConfigError, match=f"places is {places} and limit {limit}"):
        learn_bonuses(RANKED, 12, places=places, limit=limit)


class TestExposureRanker(RankerContract):
    @pytest.fixture
    def ranker(self) -> ExposureRanker:
        return ExposureRanker(RetrievalOrderRanker(), {ItemId("7"): 0.5, ItemId("9"): 1.0}, places=3)
