"""From one score per item to a short list of candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import ConfigError
from llmrec.types import Candidate, ItemId, ItemMask

Scores = NDArray[np.float32]  # [n_items] in catalogue order, higher is better


def best_positions(scores: Scores, k: int, *, allowed: ItemMask | None, above: float = -np.inf) -> NDArray[np.int64]:
    """Positions of the `k` highest scores above `above` among `allowed`, best first; ties by position.

    Raises:
        ConfigError: When `k` is below 1.
    """
    require_k(k)
    wanted = scores > above  # false for nan too
    if allowed is not None:
        wanted &= allowed
    positions = np.flatnonzero(wanted)
    kept = scores[positions]
    if len(kept) > k:
        # A partition alone would pick any of the items tied at the edge; the first by position are meant.
        edge = np.partition(kept, len(kept) - k)[len(kept) - k]
        over, tied = np.flatnonzero(kept > edge), np.flatnonzero(kept == edge)
        chosen = np.sort(np.concatenate([over, tied[: k - len(over)]]))
        positions, kept = positions[chosen], kept[chosen]
    return positions[np.argsort(-kept, kind="stable")]


def best_candidates(
    scores: Scores,
    k: int,
    *,
    item_ids: Sequence[ItemId],
    source: str,
    allowed: ItemMask | None,
    above: float = -np.inf,
) -> list[Candidate]:
    """The `k` best items as candidates of `source`, ranks from 1. Raises ConfigError when `k` is below 1."""
    positions = best_positions(scores, k, allowed=allowed, above=above)
    return [
        Candidate(item_ids[position], score, source, {source: rank})
        for rank, (position, score) in enumerate(zip(positions.tolist(), scores[positions].tolist(), strict=True), 1)
    ]


def require_k(k: int) -> None:
    """Raise ConfigError when `k` is below 1, also where there is nothing to search."""
    if k < 1:
        raise ConfigError(f"k is {k}; ask for at least 1 item.")
