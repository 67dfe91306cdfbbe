"""What of a data set takes part in an evaluation: every pair once, and the items and users met often enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, DataError


@dataclass(frozen=True)
class Prepared:
    """What an evaluation ranks and learns from.

    Attributes:
        catalogue: The items that survived, in their old order.
        interactions: Over `catalogue`; users without any left are gone.
        core: Interactions that every user and every item has at least; 0 when nothing was filtered.
        n_repeats: Interactions left out because the user had met the item before.
    """

    catalogue: Catalogue
    interactions: Interactions
    core: int
    n_repeats: int


def prepared(catalogue: Catalogue, interactions: Interactions, *, core: int = 5) -> Prepared:
    """Repeats left out, then the iterative core, then items and users that are left, numbered anew.

    Args:
        catalogue: The items.
        interactions: Over `catalogue`.
        core: See `k_core`; 0 keeps every item of the catalogue, met or not.

    Raises:
        ConfigError: `core` is negative.
        DataError: Nothing is left.
    """
    if not len(interactions):
        raise DataError("there are no interactions to evaluate on.", hint="Build with --interactions.")
    once = without_repeats(interactions)
    kept = k_core(once, core)
    if not len(kept):
        raise DataError(
            f"none of {len(interactions)} interactions is left where every user and item must have {core}.",
            hint="Give a lower --core; 0 keeps all.",
        )
    survives = np.bincount(kept.items, minlength=len(catalogue)) > 0 if core else np.ones(len(catalogue), dtype=bool)
    left = Catalogue(item for item, stays in zip(catalogue.values(), survives.tolist(), strict=True) if stays)
    return Prepared(left, _numbered_anew(kept, left), core, len(interactions) - len(once))


def without_repeats(interactions: Interactions) -> Interactions:
    """Each user's first interaction with each item: what was met before is no answer that a ranking could give."""
    pairs = interactions.users.astype(np.int64) * len(interactions.item_ids) + interactions.items
    first = np.zeros(len(interactions), dtype=bool)
    first[np.unique(pairs, return_index=True)[1]] = True
    return interactions.where(first)


def k_core(interactions: Interactions, k: int) -> Interactions:
    """What is left when users and items with fewer than `k` interactions are dropped until none is left to drop.

    Users and items keep their numbers. 0 drops nothing.

    Raises:
        ConfigError: `k` is negative.
    """
    if k < 0:
        raise ConfigError(f"core is {k}; it must be 0 (no filter) or more.")
    while True:
        enough = np.ones(len(interactions), dtype=bool)
        for numbers in (interactions.users, interactions.items):
            enough &= np.bincount(numbers)[numbers] >= k
        if enough.all():
            return interactions
        interactions = interactions.where(enough)


def _numbered_anew(interactions: Interactions, catalogue: Catalogue) -> Interactions:
    """The same over `catalogue`, which has all its items; users without interactions are left out."""
    here, users = np.unique(interactions.users, return_inverse=True)
    places = np.full(len(interactions.item_ids), -1, dtype=np.int32)
    places[[n for n, item_id in enumerate(interactions.item_ids) if item_id in catalogue]] = np.arange(len(catalogue))
    return Interactions(
        tuple(interactions.user_ids[user] for user in here.tolist()),
        catalogue.ids,
        users.astype(np.int32),
        places[interactions.items],
        interactions.values,
        interactions.at,
    )
