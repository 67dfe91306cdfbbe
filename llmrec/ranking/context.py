"""An order that knows when it is asked: items met more often than usual at such a time go up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmrec.interfaces import Ranker
from llmrec.ranking.exposure import reordered, worths
from llmrec.types import Candidate, ItemId, Query, Ranking

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIMES_OF_DAY = ("night", "morning", "afternoon", "evening")  # six hours each, from midnight
_DAY_S, _HOUR_S = 86_400, 3600
_THURSDAY = 3  # what 1970-01-01 was
_PRIOR = 100.0  # interactions in each context that are taken to be spread like all
_PLACES = 10  # worths are compared with each other only, so any number does

Moments = NDArray[np.float64]  # seconds since 1970 (UTC)


def _weekdays(at: Moments) -> NDArray[np.int64]:
    return ((at // _DAY_S + _THURSDAY) % 7).astype(np.int64)


def _times_of_day(at: Moments) -> NDArray[np.int64]:
    return (at // _HOUR_S % 24 // 6).astype(np.int64)


_FIELDS: Mapping[str, tuple[tuple[str, ...], Callable[[Moments], NDArray[np.int64]]]] = {
    "weekday": (WEEKDAYS, _weekdays),
    "time_of_day": (TIMES_OF_DAY, _times_of_day),
}


def context_at(moment: float) -> Mapping[str, str]:
    """The `weekday` and `time_of_day` of a moment in seconds since 1970, in UTC as interactions are."""
    return {name: values[int(number(np.array([moment]))[0])] for name, (values, number) in _FIELDS.items()}


class ContextLifts:
    """How much more often than usual each item is met on a weekday, or at a time of day."""

    def __init__(self, item_ids: Sequence[ItemId], lifts: Mapping[tuple[str, str], NDArray[np.float64]]) -> None:
        """Keep log lifts, float64 [n_items], by field and value; use `fit` to make them."""
        self._positions = {item_id: position for position, item_id in enumerate(item_ids)}
        self._lifts = dict(lifts)

    @classmethod
    def fit(cls, item_ids: Sequence[ItemId], items: NDArray[np.integer], at: Moments) -> Self:
        """Count interactions, those that have a time.

        Args:
            item_ids: The catalogue's, in its order.
            items: [n], catalogue positions.
            at: float64 [n], nan where there is no time.
        """
        timed = ~np.isnan(at)
        items, at = items[timed], at[timed]
        usual = (np.bincount(items, minlength=len(item_ids)) + 1.0) / (len(items) + len(item_ids))
        lifts = {}
        for name, (values, number) in _FIELDS.items():
            of = number(at)
            for place, value in enumerate(values):
                counts = np.bincount(items[of == place], minlength=len(item_ids))
                shares = (counts + _PRIOR * usual) / (counts.sum() + _PRIOR)
                lifts[name, value] = np.log(shares / usual)
        return cls(item_ids, lifts)

    def of(self, context: Mapping[str, str], item_ids: Sequence[ItemId]) -> NDArray[np.float64] | None:
        """Log of how much more probable each of `item_ids` is in `context`; None where nothing is known of it.

        Fields are taken to be independent.
        """
        known = [self._lifts[field] for field in context.items() if field in self._lifts]
        places = [self._positions[item_id] for item_id in item_ids]
        return np.sum(known, axis=0)[places] if known else None


class ContextRanker:
    """Another ranker's order, corrected for the query's context; implements Ranker.

    Where the item that is wanted and the context have no more to do with each other than for everybody, weight 1 is
    Bayes' rule: P(item | user, context) is proportional to P(item | user) * lift.
    """

    def __init__(self, ranker: Ranker, lifts: ContextLifts, *, weight: float) -> None:
        """Correct what `ranker` ranks by `weight` times the log lift."""
        self._ranker = ranker
        self._lifts = lifts
        self._weight = weight

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """All candidates; a query without a known context is ranked as without this. Scores: see `reordered`."""
        ranking = self._ranker.rank(query, candidates)
        lifts = self._lifts.of(query.context, ranking.item_ids)
        if lifts is None:
            return ranking
        worth = np.log(worths(len(lifts), _PLACES)) + self._weight * lifts
        return reordered(ranking, np.argsort(-worth, kind="stable").tolist())
