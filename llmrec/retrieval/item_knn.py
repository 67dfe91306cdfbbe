"""Retrieval from what other users did: each item's nearest neighbours by who met them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.item_to_item import ItemToItemRetriever
from llmrec.retrieval.item_weights import bm25_weighted, idf_weighted, met_table, neighbour_weights
from llmrec.retrieval.storage import load_settings, load_sparse, save_settings, save_sparse
from llmrec.retrieval.updates import Growth, grown, widened
from llmrec.types import ItemId

_FILE = "neighbours.npz"
UserWeighting = Literal["plain", "idf", "bm25"]
_WEIGHTINGS: dict[str, UserWeighting] = {"plain": "plain", "idf": "idf", "bm25": "bm25"}


class ItemKNNRetriever(ItemToItemRetriever):
    """The user's items, the newer the heavier, times shrunk cosines of who met which item.

    Cold user: nothing is retrieved, all scores are 0. Cold item: nobody met it, so it has no neighbours and scores 0.
    """

    name = "itemknn"

    def __init__(
        self,
        item_ids: Sequence[ItemId],
        neighbours: sparse.csr_array,
        *,
        half_life: float,
        n_neighbours: int,
        shrinkage: float,
        weighting: UserWeighting,
    ) -> None:
        """Keep fitted cosines, float32 [n_items, n_items], column = item to score; use `fit` to make them."""
        super().__init__(item_ids, np.arange(len(item_ids)), neighbours, half_life=half_life)
        self._neighbours = neighbours
        self._n_neighbours = n_neighbours
        self._shrinkage = shrinkage
        self._weighting = weighting

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        n_neighbours: int = 200,
        shrinkage: float = 10.0,
        half_life: float = 20.0,
        weighting: UserWeighting = "plain",
    ) -> Self:
        """Learn from who met what; strengths are not used, any interaction counts 1.

        Args:
            interactions: What users did.
            n_neighbours: Kept per item to score.
            shrinkage: Added to the cosine's denominator, so that rare pairs count less.
            half_life: Steps into the past after which an item of the history counts half; inf counts all alike.
            weighting: `idf` lets users who met much count less; `bm25` also lets popular items count less, and takes
                the plain product of the weighted columns, which shrinkage does not reorder.

        Raises:
            ConfigError: When a number or name is out of range.
        """
        if n_neighbours < 1 or shrinkage < 0 or weighting not in _WEIGHTINGS:
            raise ConfigError(
                f"n_neighbours is {n_neighbours}, shrinkage {shrinkage}, weighting {weighting!r}; they must be at "
                f"least 1, at least 0, and one of {', '.join(_WEIGHTINGS)}."
            )
        return cls(
            interactions.item_ids,
            _neighbours(met_table(interactions), n_neighbours, shrinkage, weighting),
            half_life=half_life,
            n_neighbours=n_neighbours,
            shrinkage=shrinkage,
            weighting=weighting,
        )

    def over(self, item_ids: Sequence[ItemId]) -> Self:
        """The same over a catalogue with more items at its end, which have no neighbours yet."""
        return self._with(widened(self._neighbours, len(item_ids)), item_ids)

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both; `before` is what this one was fitted on.

        Recomputed are the neighbours of every item that shares a user with an item of a user who did something new;
        with weighting `bm25`, which compares each item with the mean, those of all items.

        Raises:
            DataError: When the three are not about the same items.
        """
        growth = grown(before, added, self._ids)
        met = met_table(growth.after)
        touched = None if self._weighting == "bm25" else _touched(growth, met)
        fresh = _neighbours(met, self._n_neighbours, self._shrinkage, self._weighting, items=touched)
        return self._with(fresh if touched is None else _spliced(self._neighbours, fresh, touched), self._ids)

    def _with(self, neighbours: sparse.csr_array, item_ids: Sequence[ItemId]) -> Self:
        return type(self)(
            item_ids,
            neighbours,
            half_life=self._half_life,
            n_neighbours=self._n_neighbours,
            shrinkage=self._shrinkage,
            weighting=self._weighting,
        )

    def save(self, directory: Path) -> None:
        """Write the neighbours and settings into `directory`."""
        save_settings(
            directory,
            self.name,
            self._ids,
            half_life=self._half_life,
            n_neighbours=self._n_neighbours,
            shrinkage=self._shrinkage,
            weighting=self._weighting,
        )
        save_sparse(directory / _FILE, self._neighbours)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote. Raises ArtifactError."""
        needed = ("half_life", "n_neighbours", "shrinkage", "weighting")
        settings = load_settings(directory, cls.name, item_ids, needed=needed)
        return cls(
            item_ids,
            load_sparse(directory / _FILE),
            half_life=float(settings["half_life"]),
            n_neighbours=int(settings["n_neighbours"]),
            shrinkage=float(settings["shrinkage"]),
            weighting=_WEIGHTINGS[str(settings["weighting"])],
        )


def _neighbours(
    met: sparse.csr_array,
    n_neighbours: int,
    shrinkage: float,
    weighting: UserWeighting,
    *,
    items: NDArray[np.int64] | None = None,
) -> sparse.csr_array:
    if weighting == "bm25":
        alike = np.ones(int(met.shape[1]), dtype=np.float32)
        return neighbour_weights(bm25_weighted(met), shrinkage, n_neighbours, norms=alike, items=items)
    weighted = idf_weighted(met) if weighting == "idf" else met
    return neighbour_weights(weighted, shrinkage, n_neighbours, items=items)


def _touched(growth: Growth, met: sparse.csr_array) -> NDArray[np.int64]:
    """Items that share a user with an item of a changed user: a cosine of theirs has another value now."""
    changed = np.unique(growth.replacing.items)
    users = np.diff(met[:, changed].indptr) > 0
    return np.unique(met[users].indices).astype(np.int64)


def _spliced(old: sparse.csr_array, fresh: sparse.csr_array, columns: NDArray[np.int64]) -> sparse.csr_array:
    """`old` with `columns` taken from `fresh`, which is empty elsewhere."""
    kept = np.ones(int(old.shape[1]), dtype=np.float32)
    kept[columns] = 0.0
    masked = sparse.csr_array(old @ sparse.diags_array(kept))
    masked.eliminate_zeros()
    return sparse.csr_array(masked + fresh)
