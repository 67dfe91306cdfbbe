"""Lists in which items that nobody would see get a place, where it costs least: a bonus for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import ConfigError
from llmrec.interfaces import Ranker
from llmrec.types import Candidate, ItemId, Query, Ranking

Ranked = NDArray[np.int32]  # [n_users, depth], items by number, best first; -1 where a list is shorter
Bonuses = NDArray[np.float64]  # [n_items], in units of what the last place of a list is worth
_HALVING = 20.0  # about as many ranks below the last place an item is half as likely to be wanted (docs/fairness.md)
_N_STEPS = 200
_STEP = 0.15


def learn_bonuses(ranked: Ranked, n_items: int, *, places: int, limit: float) -> Bonuses:
    """What has to be added to each item's worth so that every item is on at least one of the lists.

    The dual of: choose `places` items for each user, of the highest worth in all, with every item chosen once. Its
    multipliers are found by subgradient steps, and the mean over the second half of them is given. An item that is on
    lists anyway has bonus 0. Source: Patro et al. 2020 (minimum exposure guarantee); Agarwal, Chen, Elango & Wang 2012
    (per-item multipliers that serve users who come later); Nemirovski et al. 2009 (averaged steps).

    Args:
        ranked: Candidates of users like those who will come.
        n_items: In the catalogue.
        places: How many items a list shows.
        limit: Highest bonus: 1 lets any candidate come in for the last place, 0 none.

    Raises:
        ConfigError: `places` is below 1, or `limit` outside [0, 1].
    """
    if places < 1 or not 0 <= limit <= 1:
        raise ConfigError(f"places is {places} and limit {limit}; they must be at least 1, and in [0, 1].")
    worth = np.where(ranked >= 0, worths(ranked.shape[1], places), -np.inf)
    bonuses, total = np.zeros(n_items), np.zeros(n_items)
    for step in range(_N_STEPS):
        chosen = _chosen(worth + bonuses[ranked], places)
        numbers = np.take_along_axis(ranked, chosen, axis=1)
        shown = np.bincount(numbers[numbers >= 0], minlength=n_items)
        bonuses = np.clip(bonuses + _STEP / np.sqrt(1 + step) * np.clip(1 - shown, -1, 1), 0, limit)
        total += bonuses if step >= _N_STEPS // 2 else 0
    return total / (_N_STEPS - _N_STEPS // 2)


def worths(depth: int, places: int) -> NDArray[np.float64]:
    """How likely the item of each rank is wanted, float64 [depth], against that of the last place, which is 1."""
    return np.asarray((_HALVING + places) / (_HALVING + np.arange(1, depth + 1)), dtype=np.float64)


def with_exposure(ranked: Ranked, bonuses: Bonuses, *, places: int) -> Ranked:
    """The lists that `ExposureRanker` makes of `ranked`, [n_users, places]."""
    worth = np.where(ranked >= 0, worths(ranked.shape[1], places), -np.inf)
    return np.take_along_axis(ranked, _chosen(worth + bonuses[ranked], places), axis=1)


def _chosen(worth: NDArray[np.float64], places: int) -> NDArray[np.int64]:
    """Columns of the `places` highest of each row, in order of rank; the better ranked of equals."""
    return np.sort(np.argsort(-worth, axis=1, kind="stable")[:, :places], axis=1)


class ExposureRanker:
    """Another ranker's order, whose last places go to items that are shown too rarely; implements Ranker."""

    def __init__(self, ranker: Ranker, bonuses: Mapping[ItemId, float], *, places: int) -> None:
        """Reorder what `ranker` ranks.

        Args:
            ranker: Has the first say.
            bonuses: See `learn_bonuses`; items without one have 0.
            places: How many items a list shows; as the bonuses were learned.
        """
        self._ranker = ranker
        self._bonuses = dict(bonuses)
        self._places = places

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """All candidates; the items of the first places are in the other ranker's order, and so are the rest.

        An item that was lifted has the score of the next below it, where that is higher than its own.
        """
        ranking = self._ranker.rank(query, candidates)
        bonuses = np.array([self._bonuses.get(item_id, 0.0) for item_id in ranking.item_ids])
        worth = worths(len(bonuses), self._places) + bonuses
        first = _chosen(worth[None, :], self._places)[0].tolist()
        return reordered(ranking, first + sorted(set(range(len(bonuses))) - set(first)))


def reordered(ranking: Ranking, order: Sequence[int]) -> Ranking:
    """`ranking` with its places in this `order`; none has a lower score than those below it, as in every ranking."""
    scores = [ranking.scores[place] for place in order]
    falling = tuple(accumulate(reversed(scores), max))[::-1]
    return replace(ranking, item_ids=tuple(ranking.item_ids[place] for place in order), scores=falling)
