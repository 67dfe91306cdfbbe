"""How much each of a user's items counts when the next one is looked for: the newer, the more."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from llmrec.types import ItemId, Query


def seed_weights(
    query: Query, positions: Mapping[ItemId, int], *, half_life: float, n_newest: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions int64 [n] and weights float32 [n] of the query's positive items, newest first.

    A weight is 0.5 ** (age / half_life), where the newest known item has age 0 and each step back adds 1; an item met
    twice counts at its newest place, items without a position do not count at all. With `n_newest`, only that many
    different items count. It is one row of `scoring.seed_table`.
    """
    known = [positions[item_id] for item_id in reversed(query.positive_item_ids) if item_id in positions]
    ages: dict[int, int] = {}
    for age, position in enumerate(known):
        ages.setdefault(position, age)
    newest = dict(islice(ages.items(), n_newest))
    weights = 0.5 ** (np.fromiter(newest.values(), dtype=np.float64) / half_life)
    return np.fromiter(newest, dtype=np.int64), weights.astype(np.float32)
