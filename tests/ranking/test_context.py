from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Ranker
from llmrec.ranking.context import ContextLifts, ContextRanker, context_at
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.types import Candidate, ItemId, Query, Ranking
from tests.contracts.ranker import RankerContract

DAY, HOUR = 86_400.0, 3600.0
SATURDAY = 2 * DAY  # 1970-01-03
IDS = [ItemId(name) for name in "abc"]


def lifts() -> ContextLifts:
    """`a` and `b` are met 700 times each day of a week, `c` 700 times on its Saturday."""
    days = np.arange(7) * DAY
    items = np.concatenate([np.repeat([0, 1], 4900), np.full(700, 2)])
    at = np.concatenate([np.tile(np.repeat(days, 700), 2), np.full(700, SATURDAY)])
    return ContextLifts.fit(IDS, items, at)


def order(context: dict[str, str], *, weight: float = 1.0) -> str:
    ranker = ContextRanker(RetrievalOrderRanker(), lifts(), weight=weight)
    found = [Candidate(item_id, -float(place), "fusion") for place, item_id in enumerate(IDS)]
    return "".join(ranker.rank(Query(context=context), found).item_ids)


def test_a_moment_has_a_weekday_and_a_time_of_day() -> None:
    assert context_at(0.0) == {"weekday": "thursday", "time_of_day": "night"}
    assert context_at(SATURDAY + 13 * HOUR) == {"weekday": "saturday", "time_of_day": "afternoon"}
    assert context_at(4 * DAY - 1) == {"weekday": "sunday", "time_of_day": "evening"}


def test_a_lift_is_how_much_more_often_an_item_is_met() -> None:
    found = lifts().of({"weekday": "saturday"}, IDS)
    assert found is not None
    # 700 of 2,100 on a Saturday, 700 of 10,500 in all: five times as often, a little less with the prior.
    assert np.exp(found[2]) == pytest.approx((700 + 100 / 15) / 2200 * 15, rel=3e-3)


def test_what_suits_the_moment_goes_up_and_what_does_not_goes_down() -> None:
    assert order({"weekday": "saturday"}) == "cab"
    assert order({"weekday": "monday"}) == "abc"
    assert order({"weekday": "saturday"}, weight=0.01) == "abc"


def test_a_context_that_says_nothing_changes_nothing() -> None:
    assert order({}) == "abc"
    assert order({"device": "phone", "weekday": "someday"}) == "abc"


def test_interactions_without_a_time_say_nothing() -> None:
    found = ContextLifts.fit(IDS, np.array([0, 1]), np.full(2, np.nan)).of({"weekday": "monday"}, IDS)
    assert found is not None
    np.testing.assert_allclose(found, 0.0, atol=1e-12)


class TestContextRanker(RankerContract):
    @pytest.fixture
    def ranker(self, films: Catalogue) -> Ranker:
        met = ContextLifts.fit(films.ids, np.arange(9), np.arange(9) * DAY)
        in_context = ContextRanker(RetrievalOrderRanker(), met, weight=5.0)
        return AskedOnSaturday(in_context)


class AskedOnSaturday:
    """Asks on a Saturday whatever it is asked."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        return self._ranker.rank(replace(query, context={"weekday": "saturday"}), candidates)
