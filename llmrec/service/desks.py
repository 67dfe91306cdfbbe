"""Places to work at: a few requests compute at a time, the others wait for one, and none is held by who waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Semaphore


class Desks:
    """As many as there are processors, unless told otherwise.

    More threads that compute get no more done; they only keep each other, and the loop that refuses and answers, from
    the interpreter: with 34 of them a refusal took seconds.
    """

    def __init__(self, n: int | None = None) -> None:
        """Put up `n` desks; two at least, so that a long request keeps nobody out."""
        self._free = Semaphore(n or max(2, os.cpu_count() or 1))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Within, the thread has a desk; it waits for one first."""
        with self._free:
            yield

    @contextmanager
    def left(self) -> Iterator[None]:
        """Within, a thread that has a desk leaves it to another; it waits for one at the end."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
