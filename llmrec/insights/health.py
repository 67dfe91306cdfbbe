"""How well a catalogue is known: which items nobody met, which facts are missing, how reactions go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.types import SignalCount

_Z2 = 1.959963984540054**2
_MAX_FACTS = 10
_MAX_PERIODS = 26
BUCKETS = ((0, 0), (1, 4), (5, 19), (20, 99), (100, None))


@dataclass(frozen=True)
class Rate:
    """Share of likes among likes and dislikes of one period, with its 95 % interval."""

    period: str
    n: int
    share: float
    low: float
    high: float


def met_by(counts: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """How many items had how many interactions, in five steps, each by its lowest number."""
    return tuple(
        (low, int(((counts >= low) & (counts <= (high if high is not None else counts.max(initial=0)))).sum()))
        for low, high in BUCKETS
    )


def described(catalogue: Catalogue) -> float:
    """Share of the items that have a description, in [0, 1]."""
    return sum(bool(item.description.strip()) for item in catalogue.values()) / max(1, len(catalogue))


def filled(catalogue: Catalogue) -> tuple[tuple[str, float], ...]:
    """Share of the items that have each fact, in [0, 1]; the most frequent facts."""
    n_items = max(1, len(catalogue))
    return tuple((field.name, field.n_items / n_items) for field in catalogue.fields.values())[:_MAX_FACTS]


def like_rates(reactions: Sequence[SignalCount]) -> tuple[Rate, ...]:
    """The share of likes by day, or by month where there are more days than can be told apart; oldest first."""
    days = sorted({row.day for row in reactions})
    cut = 10 if len(days) <= _MAX_PERIODS else 7  # 2026-11-22 or 2026-11
    liked: dict[str, int] = {}
    total: dict[str, int] = {}
    for row in sorted(reactions, key=lambda row: row.day):
        if row.signal in {"like", "dislike"}:
            period = row.day[:cut]
            total[period] = total.get(period, 0) + row.n
            liked[period] = liked.get(period, 0) + (row.n if row.signal == "like" else 0)
    return tuple(_rate(period, liked[period], n) for period, n in total.items() if n)[-_MAX_PERIODS:]


def _rate(period: str, n_liked: int, n: int) -> Rate:
    """With the score interval. Source: Wilson 1927."""
    share = n_liked / n
    centre, half = share + _Z2 / (2 * n), float(np.sqrt(_Z2 * (share * (1 - share) / n + _Z2 / (4 * n**2))))
    return Rate(period, n, share, (centre - half) / (1 + _Z2 / n), (centre + half) / (1 + _Z2 / n))
