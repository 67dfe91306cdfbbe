"""How often each caller may ask: a bucket that fills evenly and holds a minute's worth."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

_MAX_CALLERS = 10_000


class RateLimiter:
    """Token buckets by caller; the callers that asked longest ago are forgotten first, with their buckets full."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        """Allow `per_minute` requests of each caller; `now` is a clock in seconds."""
        self._per_second = per_minute / 60
        self._capacity = float(per_minute)
        self._now = now
        self._lock = Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, caller: str) -> int:
        """0 when `caller` may ask now, which is counted; else whole seconds until it may."""
        with self._lock:
            moment = self._now()
            tokens, since = self._buckets.pop(caller, (self._capacity, moment))
            tokens = min(self._capacity, tokens + (moment - since) * self._per_second)
            is_allowed = tokens >= 1
            self._buckets[caller] = (tokens - 1 if is_allowed else tokens, moment)
            if len(self._buckets) > _MAX_CALLERS:
                self._buckets.popitem(last=False)
        return 0 if is_allowed else max(1, math.ceil((1 - tokens) / self._per_second))
