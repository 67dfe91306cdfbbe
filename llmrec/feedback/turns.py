"""Turns of those who write to one SQLite file from several processes: whoever waited longest is not passed by.

SQLite has a lock and no queue: a process that writes without a break takes the lock again before another one, which
looks for it now and then, has seen it free. That one waited for 200 transactions of the first, and on a slow disk
longer than anybody's patience. So there is a door before the lock: who waits for the lock stands in the door, and who
has just written has to wait outside until that one is in.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

_LOCK_PAUSE_S = 0.001
_DOOR_PAUSE_S = 0.005


class Turns:
    """Begins transactions of writers of one file."""

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        """Take turns at the file at `path`, and wait for one that long."""
        self._door = FileLock(path.with_name(f"{path.name}-door"), mode=0o600, poll_interval=_DOOR_PAUSE_S)
        self._busy_timeout_s = busy_timeout_s

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that writes. Raises OperationalError when the file stays locked."""
        deadline = time.monotonic() + self._busy_timeout_s
        with self._in_door(), _impatient(connection, self._busy_timeout_s):
            retried(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"), deadline=deadline, pause_s=_LOCK_PAUSE_S)

    @contextmanager
    def _in_door(self) -> Iterator[None]:
        try:
            self._door.acquire(timeout=self._busy_timeout_s)
        except (Timeout, OSError, NotImplementedError):
            # It only keeps order. Without it SQLite's lock decides, and says what is wrong with the folder.
            yield
            return
        try:
            yield
        finally:
            self._door.release()


def retried(statement: Callable[[], object], *, deadline: float, pause_s: float) -> None:
    """Execute `statement` as soon as nobody else holds the file; at `deadline` of `time.monotonic` its error counts."""
    while True:
        try:
            statement()
            return
        except (sqlite3.OperationalError, OperationalError) as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(pause_s)


@contextmanager
def _impatient(connection: Connection, busy_timeout_s: float) -> Iterator[None]:
    """Within, a locked file is an error at once: waiting, SQLite itself would look ten times a second only."""
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(busy_timeout_s * 1000)}")


def _is_busy(error: sqlite3.OperationalError | OperationalError) -> bool:
    cause = error.orig if isinstance(error, OperationalError) else error
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
