"""Retrieval of what most users met: for people of whom nothing is known, and the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.best import Scores, best_candidates
from llmrec.retrieval.storage import load_array, load_settings, save_settings
from llmrec.types import Candidate, ItemId, ItemMask, Query

_FILE = "popularity.npy"


class PopularityRetriever:
    """The most met items, whatever the query; items nobody met are not returned."""

    name = "popularity"

    def __init__(self, item_ids: Sequence[ItemId], popularity: NDArray[np.float32]) -> None:
        """Keep counts, float32 [n_items] in catalogue order; use `fit` to make them."""
        self._ids = tuple(item_ids)
        self._popularity = popularity

    @classmethod
    def fit(cls, interactions: Interactions, *, half_life_s: float | None = None) -> PopularityRetriever:
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
        return cls(interactions.item_ids, counts.astype(np.float32))

    def scores(self, query: Query) -> Scores:
        """Popularity of every item, float32 [n_items], the same for every query."""
        return self._popularity

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """The `k` most met items among `allowed`, best first."""
        scores = self.scores(query)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def save(self, directory: Path) -> None:
        """Write the counts into `directory`."""
        save_settings(directory, self.name, self._ids)
        np.save(directory / _FILE, self._popularity, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> PopularityRetriever:
        """What `save` wrote. Raises ArtifactError."""
        load_settings(directory, cls.name, item_ids)
        return cls(item_ids, cast("NDArray[np.float32]", load_array(directory / _FILE)))
