"""When a training run has to end before it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True)
class TimeLimit:
    """When to stop.

    Attributes:
        until: Reading of `clock` after which training ends at the next step; infinity never ends it.
        clock: Seconds from any start.
    """

    until: float = float("inf")
    clock: Clock = time.monotonic

    @classmethod
    def of_minutes(cls, minutes: float | None) -> TimeLimit:
        """From now on; None never ends."""
        return cls() if minutes is None else cls(time.monotonic() + 60 * minutes)

    @property
    def is_over(self) -> bool:
        """Whether it is time to stop."""
        return self.clock() > self.until
