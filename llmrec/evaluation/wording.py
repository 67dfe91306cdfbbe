"""Numbers and names as they stand in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

_N_NAMED = 3


def counted(n: int, word: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and 4 more`."""
    shown = list(names[:_N_NAMED]) + ([f"{len(names) - _N_NAMED} more"] if len(names) > _N_NAMED else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def interval_text(value: float, low: float, high: float) -> str:
    """`0.1070 (95 % interval 0.0970 to 0.1170)`; without an interval the number alone."""
    return f"{value:.4f}" + (f" (95 % interval {low:.4f} to {high:.4f})" if math.isfinite(low + high) else "")


def quantity_text(value: float) -> str:
    """A quantity without a scale of its own, in three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def printable(text: str) -> str:
    """`text` in one line, whatever it holds."""
    return "".join(char if char.isprintable() else " " for char in text)
