"""Hard constraints as code: which items may be shown, checked before retrieval and again before they are shown."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import FactColumns, matches
from llmrec.retrieval.best import require_k
from llmrec.retrieval.series import names_series, series_of
from llmrec.types import Allowed, Constraint, ItemId, ItemMask, Profile, Query, Ranking

_MAX_PER_SERIES = 2
_LIKES_THAT_ASK = 2


class HardFilter:
    """Keeps out what breaks a constraint or is disliked, seen, shown before or unavailable.

    Items of the history and liked items are kept out too, unless the query's `filter_viewed` is False.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._columns = FactColumns(catalogue)
        self._available = np.fromiter((item.available for item in catalogue.values()), dtype=np.bool_)
        self._series = series_of(catalogue)

    def allowed(self, query: Query) -> Allowed:
        """What may be shown for `query`.

        When nothing satisfies all the constraints that the user stated, the fewest are given up, the oldest first
        among equals, and named in the result. Constraints from outside the conversation are never given up.
        """
        mask = self._available & self._columns.mask(query.constraints)
        mask[self._catalogue.positions(_excluded(query))] = False
        stated = tuple(dict.fromkeys(entry.constraint for entry in query.profile.constraints))
        strict = mask & self._columns.mask(stated)
        if strict.any() or not mask.any():
            return Allowed(strict)
        relaxed = self._fewest_to_drop(mask, stated)
        return Allowed(mask & self._columns.mask(c for c in stated if c not in relaxed), relaxed)

    def select(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> tuple[ItemId, ...]:
        """The first `k` of `ranking` that pass every check again, no matter who ranked them.

        None that is displayed like another one or like what is kept out: catalogues hold some items twice. At most two
        items of one series, unless a wish names the series or two of its items were liked. Both but where everything
        that may be shown was asked for.

        Raises:
            ConfigError: When `k` is below 1.
        """
        require_k(k)
        excluded = set(_excluded(query))
        wants_all = k >= int(allowed.mask.sum())
        constraints = tuple(c for c in query.all_constraints if c in query.constraints or c not in allowed.relaxed)
        chosen: list[ItemId] = []
        displayed = {self._display(one) for one in excluded if one in self._catalogue}
        for item_id in dict.fromkeys(ranking.item_ids):
            if item_id in excluded or not self._passes(item_id, allowed.mask, constraints):
                continue
            display = self._display(item_id)
            if wants_all or (display not in displayed and self._fits_series(item_id, chosen, query)):
                chosen.append(item_id)
                displayed.add(display)
            if len(chosen) == k:
                break
        return tuple(chosen)

    def _fewest_to_drop(self, mask: ItemMask, stated: Sequence[Constraint]) -> tuple[Constraint, ...]:
        # Each item would need the wishes dropped that it breaks; the items that break the fewest decide.
        wishes = _wishes(stated)
        broken = np.stack([~self._columns.mask(wish)[mask] for wish in wishes])
        n_broken = broken.sum(axis=0)
        patterns = np.unique(broken[:, n_broken == n_broken.min()], axis=1).T
        oldest = min(tuple(np.flatnonzero(pattern).tolist()) for pattern in patterns)
        return tuple(constraint for number in oldest for constraint in wishes[number])

    def _passes(self, item_id: ItemId, mask: ItemMask, constraints: Iterable[Constraint]) -> bool:
        item = self._catalogue.get(item_id)
        if item is None or not item.available or not mask[self._catalogue.position(item_id)]:
            return False
        return all(matches(item, constraint) for constraint in constraints)

    def _display(self, item_id: ItemId) -> Hashable:
        """What a user can tell the item by."""
        item = self._catalogue[item_id]
        return item.title, frozenset(item.facts.items())

    def _fits_series(self, item_id: ItemId, chosen: Sequence[ItemId], query: Query) -> bool:
        key = self._series[item_id]
        if sum(self._series[other] == key for other in chosen) < _MAX_PER_SERIES:
            return True
        return names_series(query.text, key) or self._n_liked(query.profile, key) >= _LIKES_THAT_ASK

    def _n_liked(self, profile: Profile, key: str) -> int:
        return sum(self._series.get(item_id) == key for item_id in {entry.item_id for entry in profile.liked})


def _wishes(stated: Sequence[Constraint]) -> list[tuple[Constraint, ...]]:
    """The constraints as the user meant them: both ends of "from the 90s" are one wish, and half of it is none."""
    together: dict[object, list[Constraint]] = {}
    for constraint in stated:
        is_bound = constraint.op in ("$gt", "$gte", "$lt", "$lte")
        together.setdefault(constraint.field if is_bound else constraint, []).append(constraint)
    return [tuple(wish) for wish in together.values()]


def _excluded(query: Query) -> tuple[ItemId, ...]:
    """Items that may not come out whatever their facts are."""
    profile = query.profile
    excluded = tuple(entry.item_id for entry in (*profile.disliked, *profile.seen, *profile.shown))
    if not query.filter_viewed:
        return excluded
    return excluded + query.history.item_ids + tuple(entry.item_id for entry in profile.liked)
