"""Lists that two arms of an experiment take turns in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llmrec.experiments.interleaving import team_draft
from llmrec.interfaces import ItemFilter
from llmrec.types import Allowed, Arrangement, Placement, Query, Ranking


class TakingTurns:
    """Team-draft interleaving of the ranking with a rival's; implements Arranger."""

    def __init__(
        self,
        item_filter: ItemFilter,
        rival: Callable[[Query, int], Ranking],
        *,
        tags: tuple[str, str],
        rng: np.random.Generator,
    ) -> None:
        """Interleave.

        Args:
            item_filter: Selects the items of the ranking.
            rival: What the second arm would show, at most this many items.
            tags: `NAME/ARM` of the ranking's own arm and of the rival's.
            rng: Tosses the coins.
        """
        self._filter = item_filter
        self._rival = rival
        self._tags = tags
        self._rng = rng

    def arrange(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> Arrangement:
        """At most `k` items of both; each has the score that its own side gives it."""
        sides = (ranking.keep(self._filter.select(query, allowed, ranking, k)), self._rival(query, k))
        drafted = team_draft([side.item_ids for side in sides], k, rng=self._rng)
        scores = [dict(zip(side.item_ids, side.scores, strict=True)) for side in sides]
        rows = list(zip(drafted.item_ids, drafted.teams, strict=True))
        mixed = Ranking(
            drafted.item_ids, tuple(scores[team][item] for item, team in rows), ranking.ranked_by, ranking.report
        )
        return Arrangement(mixed, {item: Placement(arm=self._tags[team]) for item, team in rows})
