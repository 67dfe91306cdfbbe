"""Retrieval from what other users did: EASE, a linear item-to-item model with a closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, DataError
from llmrec.retrieval.item_to_item import ItemTable, ItemToItemRetriever
from llmrec.retrieval.item_weights import (
    ease_memory_bytes,
    exact_weights,
    kept_weights,
    met_matrix,
    neighbour_weights,
    neighbours_memory_bytes,
)
from llmrec.retrieval.storage import load_array, load_settings, load_sparse, save_settings, save_sparse
from llmrec.retrieval.updates import DEAR_ITEMS, grown
from llmrec.types import ItemId

_DENSE, _SPARSE = "weights.npy", "weights.npz"
_SHRINKAGE = 10.0  # of the cosines that stand in where the exact weights are too many
_NEEDED = ("half_life", "sparse", "l2", "max_exact_items", "max_dense_items", "max_kept", "max_memory_bytes")


@dataclass(frozen=True, slots=True)
class EASEPlan:
    """How weights are learned and how many are kept; see `EASERetriever.fit`."""

    l2: float = 500.0
    max_exact_items: int = 20_000
    max_dense_items: int = 8_000
    max_kept: int = 500
    max_memory_bytes: int = 4 << 30

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if not self.l2 > 0 or self.max_kept < 1:
            raise ConfigError(f"l2 is {self.l2} and max_kept {self.max_kept}; l2 must be above 0, max_kept at least 1.")


class EASERetriever(ItemToItemRetriever):
    """The user's items, the newer the heavier, times item-to-item weights. Source: Steck 2019, arXiv 1905.03375.

    Up to `max_exact_items` interacted items the weights are the exact closed form; of more than `max_dense_items`,
    only each item's `max_kept` largest stay. Beyond `max_exact_items` they are another model of the same shape: shrunk
    cosines of co-occurrence, again `max_kept` per item.

    Cold user: nothing is retrieved, all scores are 0. Cold item: it has no weights and scores 0.
    """

    name = "ease"

    def __init__(
        self,
        item_ids: Sequence[ItemId],
        active: NDArray[np.int64],
        weights: ItemTable,
        *,
        half_life: float,
        plan: EASEPlan,
    ) -> None:
        """Keep fitted weights; use `fit` to make them.

        Args:
            item_ids: All ids, in catalogue order.
            active: int64 [n_active], ascending catalogue positions of the items that `weights` knows.
            weights: float32 [n_active, n_active], row = item of the history, column = item to score.
            half_life: Steps into the past after which an item of the history counts half; inf counts all alike.
            plan: How the weights were learned.
        """
        super().__init__(item_ids, active, weights, half_life=half_life)
        self._plan = plan

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        l2: float = 500.0,
        half_life: float = 20.0,
        max_exact_items: int = 20_000,
        max_dense_items: int = 8_000,
        max_kept: int = 500,
        max_memory_bytes: int = 4 << 30,
    ) -> Self:
        """Learn from who met what; strengths are not used, any interaction counts 1.

        Args:
            interactions: What users did; none at all gives a retriever that never finds anything.
            l2: Ridge penalty lambda of the exact weights.
            half_life: See `__init__`.
            max_exact_items: Most interacted items for which the exact weights are computed.
            max_dense_items: Most interacted items for which all weights are kept, in one dense table.
            max_kept: Weights kept per item beyond that, by magnitude.
            max_memory_bytes: Estimated need above which nothing is tried.

        Raises:
            ConfigError: When a number is out of range.
            DataError: When the estimate is above `max_memory_bytes`.
        """
        plan = EASEPlan(l2, max_exact_items, max_dense_items, max_kept, max_memory_bytes)
        active, met = met_matrix(interactions)
        return cls(interactions.item_ids, active, _weights(met, plan), half_life=half_life, plan=plan)

    @property
    def costs_a_fit(self) -> bool:
        """Whether an update is a fit, and a fit takes minutes."""
        return len(self._known) > DEAR_ITEMS

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both, and as dear: new interactions of many users change the inverse in too many ranks.

        Counting who met what takes seconds, solving most of the time; so update in batches.

        Raises:
            DataError: When the three are not about the same items.
        """
        growth = grown(before, added, self._ids)
        return self.fit(growth.after, half_life=self._half_life, **asdict(self._plan))

    def save(self, directory: Path) -> None:
        """Write the weights and settings into `directory`."""
        is_sparse = not isinstance(self._table, np.ndarray)
        save_settings(
            directory, self.name, self._ids, half_life=self._half_life, sparse=is_sparse, **asdict(self._plan)
        )
        np.save(directory / "active.npy", self._known, allow_pickle=False)
        if isinstance(self._table, np.ndarray):
            np.save(directory / _DENSE, self._table, allow_pickle=False)
        else:
            save_sparse(directory / _SPARSE, self._table)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote; dense weights are memory-mapped. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids, needed=_NEEDED)
        active = cast("NDArray[np.int64]", load_array(directory / "active.npy"))
        weights = (
            load_sparse(directory / _SPARSE) if settings["sparse"] else load_array(directory / _DENSE, mapped=True)
        )
        plan = EASEPlan(
            l2=float(settings["l2"]),
            max_exact_items=int(settings["max_exact_items"]),
            max_dense_items=int(settings["max_dense_items"]),
            max_kept=int(settings["max_kept"]),
            max_memory_bytes=int(settings["max_memory_bytes"]),
        )
        return cls(item_ids, active, cast("ItemTable", weights), half_life=float(settings["half_life"]), plan=plan)


def _weights(met: sparse.csr_array, plan: EASEPlan) -> ItemTable:
    n_items = int(met.shape[1])
    if n_items > plan.max_exact_items:
        _refuse_above(plan, neighbours_memory_bytes(met, n_neighbours=plan.max_kept), n_items)
        return neighbour_weights(met, _SHRINKAGE, plan.max_kept)
    n_kept = n_items if n_items <= plan.max_dense_items else min(plan.max_kept, n_items)
    _refuse_above(plan, ease_memory_bytes(n_items, n_kept=n_kept), n_items)
    return exact_weights(met, plan.l2) if n_kept == n_items else kept_weights(met, plan.l2, n_kept)


def _refuse_above(plan: EASEPlan, needed: int, n_items: int) -> None:
    if needed > plan.max_memory_bytes:
        raise DataError(
            f"EASE over {n_items} items needs about {needed / 2**30:.1f} GiB and may use "
            f"{plan.max_memory_bytes / 2**30:.1f} GiB.",
            hint="Lower max_exact_items or max_kept, or raise max_memory_bytes.",
        )
