"""How a long download shows that it lives: bytes, speed and time left on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

Advance = Callable[[int], None]


class Progress(Protocol):
    """Shows how far a task is."""

    def task(self, label: str, n_bytes: int) -> AbstractContextManager[Advance]:
        """A context that yields a function to call with each number of new bytes; `n_bytes` is 0 when unknown."""
        ...


class SilentProgress:
    """Shows nothing."""

    @contextmanager
    def task(self, label: str, n_bytes: int) -> Iterator[Advance]:
        """Take the news and keep quiet."""
        yield lambda _: None


class TerminalProgress:
    """One bar per task on stderr, with bytes and time left; silent when stderr is no terminal."""

    @contextmanager
    def task(self, label: str, n_bytes: int) -> Iterator[Advance]:
        """Draw a bar until the context ends, then take it away."""
        with tqdm(
            desc=label,
            total=n_bytes or None,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=not sys.stderr.isatty(),
            file=sys.stderr,
        ) as bar:
            yield lambda n: bar.update(n) and None


class NoBar(tqdm):  # type: ignore[misc]  # tqdm comes without types
    """A tqdm that never draws, for libraries that insist on one."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{**kwargs, "disable": True})


@contextmanager
def watch_growth(directory: Path, advance: Advance, *, interval_s: float = 0.2) -> Iterator[None]:
    """Report what another program writes below `directory`, until the context ends."""
    done = threading.Event()
    seen = 0

    def look() -> None:
        nonlocal seen
        while not done.wait(interval_s):
            size = _size_below(directory)
            advance(max(0, size - seen))
            seen = max(seen, size)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _size_below(directory: Path) -> int:
    total = 0
    # A file may be renamed between being listed and being measured.
    with suppress(OSError):
        for path in directory.rglob("*"):
            with suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
    return total
