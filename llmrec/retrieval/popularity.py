"""Retrieval of what most users met: for people of whom nothing is known, and the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.best import Scores, best_candidates
from llmrec.retrieval.item_to_item import position_of
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.storage import load_array, load_settings, save_settings
from llmrec.retrieval.updates import grown
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts

_FILE = "popularity.npy"


class PopularityRetriever:
    """The most met items, whatever the query; items nobody met are not returned.

    Cold user: the same scores as for everyone. Cold item: nobody met it, so it scores 0.
    """

    name = "popularity"

    def __init__(
        self, item_ids: Sequence[ItemId], popularity: NDArray[np.float32], *, half_life_s: float | None
    ) -> None:
        """Keep counts, float32 [n_items] in catalogue order; use `fit` to make them."""
        self._ids = tuple(item_ids)
        self._popularity = popularity
        self._half_life_s = half_life_s
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}

    @classmethod
    def fit(cls, interactions: Interactions, *, half_life_s: float | None = None) -> Self:
        """Count interactions per item.

        Args:
            interactions: What users did.
            half_life_s: Seconds before the newest interaction at which one counts half; None counts all alike, as do
                interactions without a time.

        Raises:
            ConfigError: When `half_life_s` is not above 0.
        """
        if half_life_s is not None and half_life_s <= 0:
            raise ConfigError(f"half_life_s is {half_life_s}; it must be above 0.")
        weights = np.ones(len(interactions), dtype=np.float64)
        timed = ~np.isnan(interactions.at)
        if half_life_s is not None and timed.any():
            at = interactions.at[timed]
            weights[timed] = 0.5 ** ((at.max() - at) / half_life_s)
        counts = np.bincount(interactions.items, weights=weights, minlength=len(interactions.item_ids))
        return cls(interactions.item_ids, counts.astype(np.float32), half_life_s=half_life_s)

    def over(self, item_ids: Sequence[ItemId]) -> Self:
        """The same over a catalogue with more items at its end, which nobody met."""
        counts = np.zeros(len(item_ids), dtype=np.float32)
        counts[: len(self._ids)] = self._popularity
        return type(self)(item_ids, counts, half_life_s=self._half_life_s)

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both; `before` is what this one was fitted on.

        Without decay only what was added is counted; with decay everything is, since newer interactions make all
        others older, and those without a time not.

        Raises:
            DataError: When the three are not about the same items.
        """
        growth = grown(before, added, self._ids)
        if self._half_life_s is not None:
            return self.fit(growth.after, half_life_s=self._half_life_s)
        more = np.bincount(added.items, minlength=len(self._ids)).astype(np.float32)
        return type(self)(self._ids, self._popularity + more, half_life_s=None)

    def scores(self, query: Query) -> Scores:
        """Popularity of every item, float32 [n_items], the same for every query."""
        return self._popularity

    def score_histories(self, histories: Histories) -> ScoreTable:
        """The same row for every user, float32 [n_users, n_items]."""
        return np.tile(self._popularity, (len(histories), 1))

    def heard(self, query: Query) -> Hashable:
        """Nothing."""
        return None

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """The `k` most met items among `allowed`, best first."""
        scores = self.scores(query)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """The whole score as rest: it has nothing to do with the query. Raises UnknownItemError."""
        score = float(self._popularity[position_of(item_id, self._positions)])
        return ScoreParts(score, rest=score)

    def save(self, directory: Path) -> None:
        """Write the counts into `directory`."""
        save_settings(directory, self.name, self._ids, half_life_s=self._half_life_s or 0.0)
        np.save(directory / _FILE, self._popularity, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids, needed=("half_life_s",))
        counts = cast("NDArray[np.float32]", load_array(directory / _FILE))
        return cls(item_ids, counts, half_life_s=float(settings["half_life_s"]) or None)
