"""How the tables came to be, one numbered step after the other, each applied once and in one transaction.

Plain statements and not Alembic: this is a library, so the steps have to run by themselves when a store is opened,
from inside a wheel, also on version 1, which carries its number in SQLite's own `user_version`. Steps only ever add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, inspect

_VERSION_1 = (
    "CREATE TABLE feedback (id {key}, user_id TEXT NOT NULL, item_id TEXT NOT NULL, signal TEXT NOT NULL,"
    " at {real} NOT NULL){strict}",
    "CREATE INDEX feedback_by_user ON feedback (user_id, at, id)",
)
_VERSION_2 = (
    "ALTER TABLE feedback ADD COLUMN text TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE feedback ADD COLUMN query_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE feedback ADD COLUMN event_id TEXT",
    "CREATE UNIQUE INDEX feedback_once ON feedback (user_id, event_id)",
    "CREATE TABLE impressions (id {key}, impression_id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,"
    " query_id TEXT NOT NULL, item_id TEXT NOT NULL, position INTEGER NOT NULL, propensity {real} NOT NULL,"
    " stage TEXT NOT NULL, arm TEXT NOT NULL, prompt_hash TEXT NOT NULL, adapter TEXT NOT NULL,"
    " at {real} NOT NULL){strict}",
    "CREATE INDEX impressions_by_user ON impressions (user_id, id)",
    "CREATE TABLE interactions (id {key}, user_id TEXT NOT NULL, item_id TEXT NOT NULL, value {real} NOT NULL,"
    " at {real} NOT NULL, recorded_at {real} NOT NULL, event_id TEXT){strict}",
    "CREATE INDEX interactions_by_user ON interactions (user_id, at, id)",
    "CREATE UNIQUE INDEX interactions_once ON interactions (user_id, event_id)",
    "CREATE TABLE forgotten (user_hash TEXT PRIMARY KEY){strict}",
    "CREATE TABLE opted_out (user_hash TEXT PRIMARY KEY){strict}",
)
STEPS: Sequence[Sequence[str]] = (_VERSION_1, _VERSION_2)
SCHEMA_VERSION = len(STEPS)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"key": "INTEGER PRIMARY KEY", "real": "REAL", "strict": " STRICT"},
    "postgresql": {
        "key": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "real": "DOUBLE PRECISION",
        "strict": "",
    },
}
_VERSION_TABLE = "llmrec_schema"
# Any number will do, as long as every llmrec takes the same one.
_LOCK = 0x6C6C6D726563


def migrate(connection: Connection) -> int:
    """Bring the tables to `SCHEMA_VERSION` within the open transaction; the version that was found.

    A later version is left as it is, which is for the caller to refuse.
    """
    found = version_of(connection)
    words = _WORDS[connection.dialect.name]
    for statements in STEPS[found:]:
        for statement in statements:
            connection.exec_driver_sql(statement.format_map(words))
    if found < SCHEMA_VERSION:
        _set_version(connection)
    return found


def version_of(connection: Connection) -> int:
    """The version of the tables, 0 where there are none. Another process's migration is waited for."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    if not inspect(connection).has_table(_VERSION_TABLE):
        return 0
    return int(connection.exec_driver_sql(f"SELECT version FROM {_VERSION_TABLE}").scalar_one())


def _set_version(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return
    connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {_VERSION_TABLE} (version INTEGER NOT NULL)")
    connection.exec_driver_sql(f"DELETE FROM {_VERSION_TABLE}")
    connection.exec_driver_sql(f"INSERT INTO {_VERSION_TABLE} VALUES ({SCHEMA_VERSION})")
