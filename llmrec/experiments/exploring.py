"""One place of the list that is not always the ranking's: a bandit draws whose item stands there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.experiments.thompson import Tally, win_probabilities
from llmrec.interfaces import ItemFilter, ItemSimilarity
from llmrec.types import Allowed, Arrangement, ItemId, Placement, Query, Ranking

RANKING = "ranking"
Style = Callable[[Sequence[ItemId], Sequence[ItemId]], ItemId]
"""Nominates one of the items of its second argument, best ranked first, for a list that shows those of the first."""
_N_NOMINABLE = 50  # of the ranking's next items: further down nothing suits


class ExploredPlace:
    """Draws a style for one place by Thompson sampling, and logs how probable it was; implements Arranger.

    Every other place is the ranking's. What the ranking would have put there, the style `ranking` nominates; each of
    the others one of the items that are not on the list.
    """

    def __init__(
        self,
        item_filter: ItemFilter,
        styles: Mapping[str, Style],
        tallies: Mapping[str, Tally],
        *,
        place: int,
        rng: np.random.Generator,
        arm: str = "",
    ) -> None:
        """Explore.

        Args:
            item_filter: Checks what is nominated.
            styles: By name, those beside `ranking`.
            tallies: How often each style was shown and clicked so far.
            place: From 1; a list that is shorter is not explored.
            rng: Draws.
            arm: Of an experiment; see Placement.
        """
        self._filter = item_filter
        self._styles = styles
        self._probabilities = _by_name([RANKING, *styles], tallies)
        self._place = place
        self._rng = rng
        self._arm = arm

    def arrange(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> Arrangement:
        """The first `k` of `ranking`, with the drawn item at the explored place."""
        shown = self._filter.select(query, allowed, ranking, k)
        plain = {item_id: Placement(arm=self._arm) for item_id in shown}
        if len(shown) < self._place:
            return Arrangement(ranking.keep(shown), plain)
        around = (*shown[: self._place - 1], *shown[self._place :])
        nominated = self._nominated(query, allowed, ranking, shown, around)
        names = list(nominated)
        weights = np.array([self._probabilities[name] for name in names])
        weights /= weights.sum()
        number = int(self._rng.choice(len(names), p=weights))
        chosen = nominated[names[number]]
        drawn = Placement(float(weights[number]), names[number], self._arm)
        item_ids = (*shown[: self._place - 1], chosen, *shown[self._place :])
        return Arrangement(ranking.keep(item_ids), {**plain, chosen: drawn})

    def _nominated(
        self, query: Query, allowed: Allowed, ranking: Ranking, shown: Sequence[ItemId], around: Sequence[ItemId]
    ) -> Mapping[str, ItemId]:
        """An item for each style, all different, so that the item's probability is its style's."""
        longer = self._filter.select(query, allowed, ranking, len(shown) + _N_NOMINABLE)
        left = [item_id for item_id in longer if item_id not in shown]
        nominated = {RANKING: shown[self._place - 1]}
        for name, style in self._styles.items():
            if left:
                nominated[name] = style(around, left)
                left.remove(nominated[name])
        return nominated


def rarest(popularity: Mapping[ItemId, int]) -> Style:
    """Nominates what fewest users met, the better ranked of equals."""
    return lambda shown, left: min(left, key=lambda item_id: popularity.get(item_id, 0))


def most_different(similarity: ItemSimilarity) -> Style:
    """Nominates what is least like its most alike neighbour on the list; without a vector nothing is alike."""

    def nominate(shown: Sequence[ItemId], left: Sequence[ItemId]) -> ItemId:
        nearest = [float(np.nanmax([-1.0, *similarity.similarity(item_id, shown)])) for item_id in left]
        return left[int(np.argmin(nearest))]

    return nominate


def _by_name(names: Sequence[str], tallies: Mapping[str, Tally]) -> Mapping[str, float]:
    found: NDArray[np.float64] = win_probabilities([tallies.get(name, Tally()) for name in names])
    return dict(zip(names, found.tolist(), strict=True))
