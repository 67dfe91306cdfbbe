"""What users said about items, kept in one SQLite file that survives a crash and forgets on request."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from llmrec.errors import FeedbackError
from llmrec.types import Feedback, ItemId, Signal, SignalCount, UserId

SCHEMA_VERSION = 1
_CREATE = """
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    signal TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX feedback_by_user ON feedback (user_id, at, id);
"""


class SQLiteFeedbackStore:
    """Feedback of all users in one file; safe to use from many threads and from several processes."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Open the file at `path`, or start one there that only its owner may read.

        Args:
            path: Its folder must exist.
            busy_timeout_s: How long to wait for another process that holds the file.

        Raises:
            FeedbackError: The file is damaged, of a newer version, no feedback file, or cannot be opened.
        """
        self._path = path
        # One connection: SQLite writes one after the other anyway, and a lock queues more fairly than its busy loop.
        self._lock = threading.Lock()
        with self._translated("open"):
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translated("open"):
                self._prepare()
        except FeedbackError:
            self._connection.close()
            raise

    def record(self, feedback: Feedback) -> None:
        """Add one row; it is on the disk when this returns. Raises FeedbackError, and then nothing was stored."""
        if feedback.signal not in get_args(Signal):
            raise FeedbackError(f"the signal {feedback.signal!r} is unknown; use one of {', '.join(get_args(Signal))}.")
        row = (feedback.user_id, feedback.item_id, feedback.signal, feedback.at)
        with self._lock, self._translated("write to"):
            self._connection.execute("INSERT INTO feedback (user_id, item_id, signal, at) VALUES (?, ?, ?, ?)", row)

    def for_user(self, user_id: UserId) -> Sequence[Feedback]:
        """All feedback of one user, oldest first; the last row of an item is what the user thinks of it now."""
        query = "SELECT user_id, item_id, signal, at FROM feedback WHERE user_id = ? ORDER BY at, id"
        with self._lock, self._translated("read"):
            rows = self._connection.execute(query, (user_id,)).fetchall()
        return [Feedback(UserId(user), ItemId(item), signal, at) for user, item, signal, at in rows]

    def daily(self) -> Sequence[SignalCount]:
        """How many reactions of each kind were given on each day, oldest first; nothing of any single user."""
        query = "SELECT date(at, 'unixepoch') AS day, signal, count(*) FROM feedback GROUP BY day, signal ORDER BY day"
        with self._lock, self._translated("read"):
            rows = self._connection.execute(query).fetchall()
        return [SignalCount(day, signal, n) for day, signal, n in rows if day is not None]

    def export(self, user_id: UserId) -> str:
        """All that is stored of one user, oldest first, one JSON object a line; empty when there is nothing."""
        return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in self.for_user(user_id))

    def delete(self, user_id: UserId) -> int:
        """Remove all of one user, from the file and from its log; returns how many rows went.

        Raises:
            FeedbackError: The file cannot be written, or another process kept the log from being emptied.
        """
        with self._lock, self._translated("delete from"):
            n_rows = self._connection.execute("DELETE FROM feedback WHERE user_id = ?", (user_id,)).rowcount
            # secure_delete wipes the pages of the file; the log still holds them until it is cut off.
            (is_blocked, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_blocked:
            raise FeedbackError(
                f"{n_rows} rows were deleted from {self._path}, but another process still reads its log.",
                hint="Delete again to wipe the log too.",
            )
        return n_rows

    def close(self) -> None:
        """Let go of the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """The store itself; it is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        (verdict,) = execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise self._damaged(verdict)
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")
        # IMMEDIATE: of two processes that start at once, one creates the table and the other finds it.
        execute("BEGIN IMMEDIATE")
        try:
            self._migrate()
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        (n_tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version > SCHEMA_VERSION:
            raise FeedbackError(
                f"{self._path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}).",
                hint="Update llmrec, or name another feedback file.",
            )
        if n_tables:
            raise FeedbackError(
                f"{self._path} is a database of some other program.", hint="Name another feedback file."
            )
        for statement in _CREATE.split(";"):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise FeedbackError(
                f"cannot {verb} the feedback file {self._path}: {error}.",
                hint="Check the folder, its permissions and the free space.",
            ) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise FeedbackError(f"this feedback has a field that cannot be stored: {error}.") from error
            raise self._damaged(str(error)) from error
        except UnicodeEncodeError as error:
            raise FeedbackError(f"an id of this feedback is no valid text: {error.object!r:.80}.") from error
        except OSError as error:
            raise FeedbackError(f"cannot {verb} the feedback file {self._path}: {error.strerror}.") from error

    def _damaged(self, verdict: str) -> FeedbackError:
        return FeedbackError(
            f"the feedback file {self._path} is damaged ({' '.join(verdict.split())}).",
            hint="Nothing was deleted: move it away to start anew, or restore a copy.",
        )
