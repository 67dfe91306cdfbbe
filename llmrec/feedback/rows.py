"""Rows of the tables as values, and the way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from llmrec.types import Feedback, Impression, Interaction, ItemId, UserId

_EPOCH = date(1970, 1, 1)
CALENDAR = ((date.min - _EPOCH).total_seconds(), (date.max - _EPOCH).total_seconds())
"""The first and the last moment that have a date, in seconds since 1970."""
# What JSON leaves as it is and some programs end a line at.
_LINE_ENDS = "\x85\u2028\u2029"


@dataclass(frozen=True, slots=True)
class UserRows:
    """What is kept of one user, as of one moment.

    Attributes:
        is_forgotten: Whether what was learned of them before must not be used.
        interactions: What they did, oldest first.
        feedback: What they said, in order.
    """

    is_forgotten: bool
    interactions: tuple[Interaction, ...]
    feedback: tuple[Feedback, ...]


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Add those of `rows` whose unique columns are not there yet."""
    if not rows:
        return
    command = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(command(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def feedback_row(feedback: Feedback) -> Mapping[str, object]:
    """The row of `feedback`."""
    return {**asdict(feedback), "event_id": feedback.event_id or None}


def feedback_of(row: Row[Any]) -> Feedback:
    """The feedback of a row."""
    return Feedback(
        UserId(row.user_id), ItemId(row.item_id), row.signal, row.at, row.text, row.query_id, row.event_id or ""
    )


def interaction_of(row: Row[Any]) -> Interaction:
    """The interaction of a row."""
    return Interaction(UserId(row.user_id), ItemId(row.item_id), row.value, row.at)


def impression_of(row: Row[Any]) -> Impression:
    """The impression of a row."""
    return Impression(**{field.name: getattr(row, field.name) for field in fields(Impression)})


def json_line(value: Mapping[str, object]) -> str:
    """`value` as one line, whatever its reader takes for the end of one."""
    line = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\u{ord(char):04x}" if char in _LINE_ENDS else char for char in line) + "\n"


def day_name(number: float) -> str:
    """`YYYY-MM-DD` of a day within `CALENDAR`, counted from 1970."""
    return (_EPOCH + timedelta(days=int(number))).isoformat()


def hashed(name: str) -> str:
    """What stands for a user whose name must not be kept; SHA-256 in hex."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
