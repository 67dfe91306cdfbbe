"""Opens the store that a user names: a file, a directory's own file, or a PostgreSQL address."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from llmrec.errors import ConfigError
from llmrec.feedback.behaviour_file import BEHAVIOUR_FILE, take_over
from llmrec.feedback.databases import PostgresDatabase, SQLiteDatabase
from llmrec.feedback.store import SQLFeedbackStore

FEEDBACK_FILE = "feedback.sqlite3"
_BUSY_TIMEOUT_S = 10.0
_POSTGRES = ("postgresql", "postgresql+psycopg")


class SQLiteFeedbackStore(SQLFeedbackStore):
    """Everything in one SQLite file: the default, for one machine."""

    def __init__(
        self, path: Path, *, busy_timeout_s: float = _BUSY_TIMEOUT_S, now: Callable[[], float] = time.time
    ) -> None:
        """Open the file at `path`, or start one there that only its owner may read.

        Args:
            path: Its folder must exist. A file of an earlier version is brought up to date; nothing of it is lost.
            busy_timeout_s: How long to wait for another process that holds the file.
            now: The clock, in seconds since 1970.

        Raises:
            FeedbackError: The file is damaged, of a newer version, no feedback file, or cannot be opened.
        """
        super().__init__(SQLiteDatabase(path, busy_timeout_s=busy_timeout_s), now=now)
        if path.name != FEEDBACK_FILE:
            return
        try:
            take_over(path.with_name(BEHAVIOUR_FILE), self._database)
        except BaseException:
            self.close()
            raise


def open_store(where: str | Path) -> SQLFeedbackStore:
    """The store at `where`: a directory (its `feedback.sqlite3`), a file, or `postgresql://USER@HOST/DATABASE`.

    Raises:
        ConfigError: The address is none, names another database system, or the extra `postgres` is missing.
        FeedbackError: The store cannot be opened.
    """
    if "://" not in str(where):
        path = Path(where)
        return SQLiteFeedbackStore(path / FEEDBACK_FILE if path.is_dir() else path)
    try:
        url = make_url(str(where))
    except ArgumentError as error:
        raise ConfigError("the address of the store is no URL.", hint=_EXAMPLE) from error
    if url.drivername not in _POSTGRES:
        raise ConfigError(f"feedback cannot be kept in {url.drivername}.", hint=_EXAMPLE)
    database = PostgresDatabase(url.set(drivername="postgresql+psycopg"), busy_timeout_s=_BUSY_TIMEOUT_S)
    return SQLFeedbackStore(database)


_EXAMPLE = "Name a file, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
