"""What a user's items read like, whatever they are filed under: inferred from their texts alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.insights.taste import kind_fields, values_of
from llmrec.types import Vectors

_MOODS = frozenset({"mood", "moods", "tone", "tones", "feel", "atmosphere", "vibe", "vibes"})
_MIN_ITEMS = 5  # that make an average
_MAX_ROWS = 20_000  # that a usual item is taken from
_EQUAL = 1e-12

Points = NDArray[np.float64]


def mood_field(catalogue: Catalogue) -> FactField | None:
    """The fact that tells moods apart, where it is called so; else the kinds, which stand in for them; None without."""
    kinds = kind_fields(catalogue)
    return next((field for field in kinds if field.name.lower() in _MOODS), next(iter(kinds), None))


def moods_of(positions: Sequence[int], vectors: Vectors, catalogue: Catalogue, field: str) -> dict[str, float]:
    """How much rather than a usual item the items at `positions` read like each value of `field`, the most first.

    In standard deviations of all items' likeness to the value. A value is stood for by the mean vector of the items
    that have it, less the mean of all; the user's own are not among them, or each would be likest to itself.

    Args:
        positions: Of the user's items in the catalogue.
        vectors: float32 [n_items, dim] in catalogue order.
        catalogue: The items.
        field: Its name.
    """
    if not len(positions):
        return {}
    own = set(positions)
    members: dict[str, list[int]] = {}
    for position, item in enumerate(catalogue.values()):
        for value in values_of(item, field) if position not in own else ():
            members.setdefault(value, []).append(position)
    known = {value: rows for value, rows in members.items() if len(rows) >= _MIN_ITEMS}
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), _MAX_ROWS)).astype(np.int64))
    usual = vectors[rows].astype(np.float64)
    mean = usual.mean(axis=0)
    found = {
        value: _lift(vectors[list(positions)] - mean, usual - mean, vectors[members_].mean(axis=0) - mean)
        for value, members_ in known.items()
    }
    return dict(sorted(found.items(), key=lambda row: -row[1]))


def _lift(own: Points, usual: Points, direction: Points) -> float:
    """How far the mean of `own` lies along `direction`, in standard deviations of `usual`, whose mean is 0."""
    spread = float((usual @ direction).std())
    return float((own @ direction).mean()) / spread if spread > _EQUAL else 0.0
