"""Item vectors in catalogue order, searched exactly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import ConfigError, UnknownItemError
from llmrec.retrieval.best import best_positions
from llmrec.retrieval.storage import load_array, load_settings, save_settings
from llmrec.types import Constraint, ItemId, ItemMask, Vectors

_KIND = "exact-vectors"
_N_SURE_DIGITS = 6  # of a cosine in float32
_NOWHERE = 1e-6  # a shorter sum of unit vectors is rounding, not a direction


def sure_cosines(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """`cosines` to as many digits as float32 has for sure.

    One product of many vectors rounds otherwise than many products of one; so what only rounding parts is a tie.
    """
    return np.round(cosines, _N_SURE_DIGITS)


class ExactVectorStore:
    """One float32 matrix [n_items, dim] whose rows are catalogue positions; a search reads all of it."""

    def __init__(self, item_ids: Sequence[ItemId], vectors: Vectors | None = None, *, dim: int | None = None) -> None:
        """Store for the items of a catalogue.

        Args:
            item_ids: All ids, in catalogue order.
            vectors: float32 [n_items, dim], unit rows; None starts empty.
            dim: Length of a vector; needed when `vectors` is None.

        Raises:
            ConfigError: When shapes do not fit.
        """
        if vectors is None:
            vectors = np.full((len(item_ids), dim or 0), np.nan, dtype=np.float32)
        if (
            vectors.shape[-1] == 0
            or vectors.ndim != 2
            or len(vectors) != len(item_ids)
            or dim not in {None, vectors.shape[1]}
        ):
            raise ConfigError(f"vectors of shape {vectors.shape} do not fit {len(item_ids)} items and dim {dim}.")
        self._ids = tuple(item_ids)
        self._matrix = vectors
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}
        self._filled: NDArray[np.bool_] = np.array(~np.isnan(vectors).any(axis=1), dtype=np.bool_)

    @property
    def item_ids(self) -> Sequence[ItemId]:
        """All ids, in catalogue order."""
        return self._ids

    @property
    def matrix(self) -> Vectors:
        """All vectors, float32 [n_items, dim] in catalogue order; nan where an item has none."""
        return self._matrix

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._matrix.shape[1])

    def __len__(self) -> int:
        """How many items have a vector."""
        return int(self._filled.sum())

    def add(self, item_ids: Sequence[ItemId], vectors: Vectors) -> None:
        """Store one vector per item, replacing what is there. Raises UnknownItemError, ConfigError; then nothing is."""
        if vectors.shape != (len(item_ids), self.dim):
            raise ConfigError(f"{len(item_ids)} vectors of length {self.dim} are needed, not {vectors.shape}.")
        rows = [self._position(item_id) for item_id in item_ids]
        self._matrix[rows] = vectors
        self._filled[rows] = True

    def search(
        self, vector: Vectors, k: int, *, where: ItemMask | None = None, stated: Sequence[Constraint] = ()
    ) -> Sequence[tuple[ItemId, float]]:
        """At most `k` (item, cosine) with `where` true, best first, ties by position. Raises ConfigError for k < 1."""
        return self._best(self.scores(vector), k, where)

    def search_many(
        self, vectors: Vectors, k: int, *, where: Sequence[ItemMask], stated: Sequence[Sequence[Constraint]]
    ) -> Sequence[Sequence[tuple[ItemId, float]]]:
        """What `search` finds for each of `vectors`, float32 [n, dim]: all items are passed over once, not n times."""
        scores = self._matrix @ vectors.T
        return [self._best(np.ascontiguousarray(own), k, mask) for own, mask in zip(scores.T, where, strict=True)]

    def _best(self, scores: NDArray[np.float32], k: int, where: ItemMask | None) -> Sequence[tuple[ItemId, float]]:
        sure = sure_cosines(scores)
        positions = best_positions(sure, k, allowed=where)
        return [(self._ids[p], score) for p, score in zip(positions.tolist(), sure[positions].tolist(), strict=True)]

    def recommend(
        self,
        positive: Sequence[ItemId],
        negative: Sequence[ItemId],
        k: int,
        *,
        where: ItemMask | None = None,
        stated: Sequence[Constraint] = (),
    ) -> Sequence[tuple[ItemId, float]]:
        """What is near to `positive` and far from `negative`, see VectorStore. Raises ConfigError for k < 1."""
        target = self.target(positive, negative)
        if target is None:
            return []
        return self.search(target, k, where=self.others(positive, negative, where=where))

    def target(self, positive: Sequence[ItemId], negative: Sequence[ItemId]) -> Vectors | None:
        """Where `recommend` searches, float32 [dim] of unit length; None when that is nowhere.

        Source: Qdrant, "average vector" strategy of its recommend query: p + (p - n) of the two means.
        """
        near, far = self.vectors(positive), self.vectors(negative)
        if not len(near):
            return None
        mean = near.mean(axis=0)
        pushed = 2 * mean - far.mean(axis=0) if len(far) else mean
        length = float(np.linalg.norm(pushed))
        return np.asarray(pushed / length, dtype=np.float32) if length > _NOWHERE else None

    def others(self, *given: Sequence[ItemId], where: ItemMask | None) -> ItemMask:
        """`where` without the given items."""
        mask = np.ones(len(self._ids), dtype=np.bool_) if where is None else where.copy()
        mask[[self._positions[i] for item_ids in given for i in item_ids if i in self._positions]] = False
        return mask

    def scores(self, vector: Vectors) -> NDArray[np.float32]:
        """Cosine of every item with `vector` (float32 [dim]), float32 [n_items]; nan without a vector."""
        return np.asarray(self._matrix @ vector, dtype=np.float32)

    def vectors(self, item_ids: Sequence[ItemId]) -> Vectors:
        """Vectors of those of `item_ids` that have one, in their order; float32 [n_known, dim]."""
        return self._matrix[self.positions(item_ids)]

    def positions(self, item_ids: Sequence[ItemId]) -> list[int]:
        """Catalogue positions of those of `item_ids` that have a vector, in their order."""
        rows = [self._positions[i] for i in item_ids if i in self._positions]
        return [row for row in rows if self._filled[row]]

    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        """Cosine of `item_id` with each of `others`, in [-1, 1]; nan where either has no vector."""
        position = self._positions.get(item_id)
        rows = [self._positions.get(other) for other in others]
        if position is None:
            return [float("nan")] * len(rows)
        known = self._matrix[[row for row in rows if row is not None]] @ self._matrix[position]
        cosines = iter(np.clip(known, -1.0, 1.0).tolist())
        return [float("nan") if row is None else next(cosines) for row in rows]

    def save(self, directory: Path) -> None:
        """Write `vectors.npy` and the settings into `directory`."""
        save_settings(directory, _KIND, self._ids, dim=self.dim)
        np.save(directory / "vectors.npy", self._matrix, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> ExactVectorStore:
        """What `save` wrote, memory-mapped; additions stay in memory. Raises ArtifactError."""
        load_settings(directory, _KIND, item_ids)
        return cls(item_ids, cast("Vectors", load_array(directory / "vectors.npy", mapped=True)))

    def _position(self, item_id: ItemId) -> int:
        position = self._positions.get(item_id)
        if position is None:
            raise UnknownItemError(f"no item has the id {item_id!r}.", hint="Add it to the catalogue first.")
        return position
