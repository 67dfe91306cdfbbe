"""Retrieval from what other users did: EASE, a linear item-to-item model with a closed form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, DataError
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.item_weights import (
    ease_memory_bytes,
    exact_weights,
    met_matrix,
    neighbour_weights,
)
from llmrec.retrieval.seeds import seed_weights
from llmrec.retrieval.storage import load_array, load_settings, load_sparse, save_settings, save_sparse
from llmrec.types import Candidate, ItemId, ItemMask, Query

_DENSE, _SPARSE = "weights.npy", "weights.npz"


class EASERetriever:
    """The user's items, the newer the heavier, times item-to-item weights. Source: Steck 2019, arXiv 1905.03375.

    Up to `max_exact_items` interacted items the weights are the exact closed form. Beyond that they are another model
    of the same shape: shrunk cosines of co-occurrence, each item's `n_neighbours` largest.
    """

    name = "ease"

    def __init__(
        self,
        item_ids: Sequence[ItemId],
        active: NDArray[np.int64],
        weights: NDArray[np.float32] | sparse.csr_array,
        *,
        half_life: float,
    ) -> None:
        """Keep fitted weights; use `fit` to make them.

        Args:
            item_ids: All ids, in catalogue order.
            active: int64 [n_active], ascending catalogue positions of the items that `weights` knows.
            weights: float32 [n_active, n_active], row = item of the history, column = item to score.
            half_life: Steps into the past after which an item of the history counts half.
        """
        if half_life <= 0:
            raise ConfigError(f"half_life is {half_life}; it must be above 0.")
        self._ids = tuple(item_ids)
        self._active = active
        self._weights = weights
        self._half_life = half_life
        self._columns = {self._ids[position]: column for column, position in enumerate(active.tolist())}

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        l2: float = 500.0,
        half_life: float = 20.0,
        max_exact_items: int = 12_000,
        n_neighbours: int = 200,
        shrinkage: float = 10.0,
        max_memory_bytes: int = 2 << 30,
    ) -> EASERetriever:
        """Learn from who met what; strengths are not used, any interaction counts 1.

        Args:
            interactions: What users did; none at all gives a retriever that never finds anything.
            l2: Ridge penalty lambda of the exact weights.
            half_life: See `__init__`.
            max_exact_items: Most interacted items for which the exact weights are computed.
            n_neighbours: Weights kept per item beyond that.
            shrinkage: Added to the cosine's denominator beyond that, so that rare pairs count less.
            max_memory_bytes: Estimated need above which nothing is tried.

        Raises:
            ConfigError: When a number is out of range.
            DataError: When the estimate is above `max_memory_bytes`.
        """
        if l2 <= 0 or n_neighbours < 1 or shrinkage < 0:
            raise ConfigError(
                f"l2 is {l2}, n_neighbours {n_neighbours}, shrinkage {shrinkage}; only the last may be 0."
            )
        active, met = met_matrix(interactions)
        exact = len(active) <= max_exact_items
        _refuse_above(max_memory_bytes, ease_memory_bytes(met, exact=exact, n_neighbours=n_neighbours), len(active))
        weights = exact_weights(met, l2) if exact else neighbour_weights(met, shrinkage, n_neighbours)
        return cls(interactions.item_ids, active, weights, half_life=half_life)

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]; 0 where nothing is known."""
        scores = np.zeros(len(self._ids), dtype=np.float32)
        columns, seeds = seed_weights(query, self._columns, half_life=self._half_life)
        if len(columns):
            scores[self._active] = seeds @ self._weights[columns]
        return scores

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates with a positive score, best first; none without a known item in the history."""
        require_k(k)
        scores = self.scores(query)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def save(self, directory: Path) -> None:
        """Write the weights and settings into `directory`."""
        is_sparse = not isinstance(self._weights, np.ndarray)
        save_settings(directory, self.name, self._ids, half_life=self._half_life, sparse=is_sparse)
        np.save(directory / "active.npy", self._active, allow_pickle=False)
        if isinstance(self._weights, np.ndarray):
            np.save(directory / _DENSE, self._weights, allow_pickle=False)
        else:
            save_sparse(directory / _SPARSE, self._weights)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> EASERetriever:
        """What `save` wrote; exact weights are memory-mapped. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids)
        active = cast("NDArray[np.int64]", load_array(directory / "active.npy"))
        weights = (
            load_sparse(directory / _SPARSE) if settings["sparse"] else load_array(directory / _DENSE, mapped=True)
        )
        return cls(
            item_ids,
            active,
            cast("NDArray[np.float32] | sparse.csr_array", weights),
            half_life=float(settings["half_life"]),
        )


def _refuse_above(limit: int, needed: int, n_items: int) -> None:
    if needed > limit:
        raise DataError(
            f"EASE over {n_items} items needs about {needed / 2**30:.1f} GiB and may use {limit / 2**30:.1f} GiB.",
            hint="Lower max_exact_items or n_neighbours, or raise max_memory_bytes.",
        )
