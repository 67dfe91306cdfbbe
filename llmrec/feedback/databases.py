"""The databases feedback can be kept in: their connections, their transactions, and their errors in one sentence."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from llmrec.errors import ConfigError, FeedbackError
from llmrec.feedback.migrations import SCHEMA_VERSION, migrate, version_of
from llmrec.feedback.turns import Turns, retried

_CONNECT_TIMEOUT_S = 10
_BUSY_PAUSE_S = 0.01
_UNREACHABLE_HINT = "Check that it runs, the address, and the rights of its user."


class Database:
    """One database, reached through `reading` and `writing`."""

    def __init__(self, engine: Engine, place: str, turn: Callable[[], AbstractContextManager[object]]) -> None:
        """Talk to `engine`, call it `place` in messages, and hold `turn()` during every transaction."""
        self.place = place
        self._engine = engine
        self._take_turn = turn
        self._is_closed = False

    @contextmanager
    def reading(self, verb: str = "read") -> Iterator[Connection]:
        """A transaction that changes nothing. Raises FeedbackError."""
        with self._turn(), self._translated(verb), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, verb: str = "write to") -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends, or was never there. Raises FeedbackError."""
        with self._turn(), self._translated(verb), self._engine.connect() as connection:
            writer = connection.execution_options(llmrec_writes=True)
            with writer.begin():
                yield writer

    def wipe(self) -> bool:
        """Remove what deleted rows left behind where the database does not do so itself; whether that went well."""
        return True

    def close(self) -> None:
        """Let go of all connections."""
        with self._take_turn():
            self._is_closed = True
            self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._take_turn():
            if self._is_closed:
                raise FeedbackError(f"{self.place} was closed before.")
            yield

    def _migrate(self) -> None:
        with self.writing("open") as connection:
            if (version := migrate(connection)) > SCHEMA_VERSION:
                raise FeedbackError(
                    f"{self.place} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}).",
                    hint="Update llmrec, or name another place for feedback.",
                )

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._told(verb, error.orig or error) from error
        except SQLAlchemyError as error:
            raise FeedbackError(f"cannot {verb} {self.place}: {_first_line(error)}.") from error
        except UnicodeEncodeError as error:
            raise FeedbackError(f"an id of this feedback is no valid text: {error.object!r:.80}.") from error
        except OSError as error:
            raise FeedbackError(f"cannot {verb} {self.place}: {error.strerror}.") from error

    def _told(self, verb: str, error: BaseException) -> FeedbackError:
        if type(error).__name__ in ("IntegrityError", "DataError"):
            return FeedbackError(f"this feedback has a field that cannot be stored: {_first_line(error)}.")
        return FeedbackError(f"cannot {verb} {self.place}: {_first_line(error)}.", hint=self._hint)

    _hint = ""


class SQLiteDatabase(Database):
    """One file; its writers take turns, within this process by a lock and between processes by the file's own."""

    _hint = "Check the folder, its permissions and the free space."

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        """Open the file at `path`, or start one there that only its owner may read. Raises FeedbackError."""
        self._path = path
        lock = threading.Lock()
        engine = create_engine(
            "sqlite://",
            creator=lambda: _connect(path, busy_timeout_s),
            # SQLite writes one after the other anyway, and a lock queues more fairly than its busy loop.
            poolclass=StaticPool,
            hide_parameters=True,
        )
        turns = Turns(path, busy_timeout_s=busy_timeout_s)
        event.listen(engine, "begin", lambda connection: _begin(connection, turns))
        super().__init__(engine, f"the feedback file {path}", lambda: lock)
        try:
            self._check_owner()
            self._migrate()
        except FeedbackError:
            self.close()
            raise

    def wipe(self) -> bool:
        """Cut off the log; secure_delete has wiped the pages of the file. False while another process reads it."""
        with self._turn(), self._translated("delete from"):
            # SQLAlchemy would begin a transaction, inside of which the log cannot be cut.
            borrowed = self._engine.raw_connection()
            try:
                cursor = borrowed.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                is_blocked = bool((cursor.fetchone() or (True,))[0])
            except sqlite3.Error as error:
                raise self._told("delete from", error) from error
            finally:
                borrowed.close()
        return not is_blocked

    def _check_owner(self) -> None:
        with self.reading("open") as connection:
            n_tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
            if n_tables and not version_of(connection):
                raise FeedbackError(
                    f"{self._path} is a database of some other program.", hint="Name another feedback file."
                )

    def _told(self, verb: str, error: BaseException) -> FeedbackError:
        # Its children are about this statement or this moment; it stands for itself when the file makes no sense.
        return _damaged(self._path, str(error)) if type(error) is sqlite3.DatabaseError else super()._told(verb, error)


class PostgresDatabase(Database):
    """A PostgreSQL database, for more than one process or machine."""

    _hint = _UNREACHABLE_HINT

    def __init__(self, url: URL, *, busy_timeout_s: float) -> None:
        """Connect, and make or update the tables.

        Args:
            url: With the driver psycopg.
            busy_timeout_s: How long to wait for another process that locks a table.

        Raises:
            ConfigError: The extra `postgres` is not installed.
            FeedbackError: The database cannot be reached, or is of a newer version.
        """
        place = f"the feedback database {url.render_as_string(hide_password=True)}"
        try:
            engine = create_engine(
                url, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}, hide_parameters=True
            )
        except ImportError as error:
            raise ConfigError(
                f"{place} needs the package psycopg.", hint="Install it with `pip install 'llmrec[postgres]'`."
            ) from error
        event.listen(engine, "connect", lambda raw, _record: _make_durable(raw, busy_timeout_s))
        super().__init__(engine, place, nullcontext)
        try:
            self._migrate()
        except FeedbackError:
            self.close()
            raise


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _damaged(path, verdict)
        # Of two processes that open a new file the second waits here: alone among statements, this one does not itself.
        deadline = time.monotonic() + busy_timeout_s
        retried(lambda: connection.execute("PRAGMA journal_mode = WAL"), deadline=deadline, pause_s=_BUSY_PAUSE_S)
        for pragma in ("synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _damaged(path: Path, verdict: str) -> FeedbackError:
    return FeedbackError(
        f"the feedback file {path} is damaged ({' '.join(verdict.split())}).",
        hint="Nothing was deleted: move it away to start anew, or restore a copy.",
    )


def _begin(connection: Connection, turns: Turns) -> None:
    # A transaction that turns into a writer on its way fails at once when another writer was faster.
    if connection.get_execution_options().get("llmrec_writes"):
        turns.begin(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _make_durable(connection: DBAPIConnection, busy_timeout_s: float) -> None:
    cursor = connection.cursor()
    # A server may be set up to acknowledge what is not on its disk yet.
    cursor.execute("SET synchronous_commit TO on")
    cursor.execute(f"SET lock_timeout TO {int(busy_timeout_s * 1000)}")
    cursor.close()
    connection.commit()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
