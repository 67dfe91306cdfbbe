"""What users did since the recommender was built, and whom it was told to forget, in one SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from llmrec.errors import FeedbackError
from llmrec.types import Interaction, ItemId, UserId

BEHAVIOUR_FILE = "behaviour.sqlite3"
_SCHEMA_VERSION = 1
_CREATE = """
CREATE TABLE IF NOT EXISTS interactions (
    id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, item_id TEXT NOT NULL, value REAL NOT NULL, at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS interactions_by_user ON interactions (user_id, at, id);
CREATE TABLE IF NOT EXISTS forgotten (user_hash TEXT PRIMARY KEY) STRICT;
"""


class BehaviourStore:
    """New interactions of all users in one file; many threads and several processes may use it."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Open the file at `path`, or start one that only its owner may read. Raises FeedbackError."""
        self._path = path
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

    def record(self, interactions: Sequence[Interaction]) -> None:
        """Add all rows or none; they are on the disk when this returns. Each needs its time. Raises FeedbackError."""
        rows = [(row.user_id, row.item_id, row.value, row.at) for row in interactions]
        with self._lock, self._translated("write to"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT INTO interactions (user_id, item_id, value, at) VALUES (?, ?, ?, ?)", rows
                )
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def for_user(self, user_id: UserId) -> tuple[Interaction, ...]:
        """What this user did since, oldest first. Raises FeedbackError."""
        query = "SELECT item_id, value, at FROM interactions WHERE user_id = ? ORDER BY at, id"
        with self._lock, self._translated("read"):
            rows = self._connection.execute(query, (user_id,)).fetchall()
        return tuple(Interaction(user_id, ItemId(item_id), value, at) for item_id, value, at in rows)

    def forgets(self, user_id: UserId) -> bool:
        """Whether what the recommender learned of this user from its table must not be used. Raises FeedbackError."""
        query = "SELECT 1 FROM forgotten WHERE user_hash = ?"
        with self._lock, self._translated("read"):
            return self._connection.execute(query, (_hashed(user_id),)).fetchone() is not None

    def delete(self, user_id: UserId) -> int:
        """Remove all rows of one user and forget the rest; returns how many rows went. Raises FeedbackError."""
        with self._lock, self._translated("delete from"):
            execute = self._connection.execute
            n_rows = execute("DELETE FROM interactions WHERE user_id = ?", (user_id,)).rowcount
            execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (_hashed(user_id),))
            # secure_delete wipes the pages of the file; the log still holds them until it is cut off.
            execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return n_rows

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        (verdict,) = execute("PRAGMA quick_check(1)").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        if verdict != "ok" or version > _SCHEMA_VERSION:
            reason = "damaged" if verdict != "ok" else "of a newer version"
            raise FeedbackError(
                f"the file of interactions {self._path} is {reason}.",
                hint="Nothing was deleted: move it away to start anew, or restore a copy.",
            )
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            execute(f"PRAGMA {pragma}")
        for statement in filter(str.strip, _CREATE.split(";")):
            execute(statement)
        execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeEncodeError) as error:
            raise FeedbackError(
                f"cannot {verb} the file of interactions {self._path}: {error}.",
                hint="Check the folder, its permissions and the free space.",
            ) from error


def _hashed(user_id: UserId) -> str:
    # Whom to forget must be known without keeping the name.
    return hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()
