"""What users were shown, said and did, in one database that survives a crash and forgets on request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self, get_args

from sqlalchemy import Column, Connection, Row, Table, delete, func, select

from llmrec.errors import FeedbackError
from llmrec.feedback.databases import Database
from llmrec.feedback.rows import (
    CALENDAR,
    UserRows,
    day_name,
    feedback_of,
    feedback_row,
    hashed,
    impression_of,
    insert,
    interaction_of,
    json_line,
)
from llmrec.feedback.tables import FEEDBACK, FORGOTTEN, IMPRESSIONS, INTERACTIONS, METADATA, OPTED_OUT
from llmrec.types import Feedback, Impression, Interaction, Signal, SignalCount, UserId

_ABOUT_USERS = (FEEDBACK, INTERACTIONS, IMPRESSIONS)
_PAGE_ROWS = 5_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows of each kind."""

    feedback: int
    interactions: int
    impressions: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.feedback + self.interactions + self.impressions


class SQLFeedbackStore:
    """All that is kept of users in one database; many threads and several processes may use it at once.

    Feedback and impressions keep the order in which they were recorded, also when a clock was put back in between.
    Interactions are ordered by their time; those that came without one never stand before an earlier one of the user.
    """

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        """Keep everything in `database`; `now` is the clock, in seconds since 1970."""
        self._database = database
        self._now = now

    @property
    def place(self) -> str:
        """Where it is kept, in words and without a password."""
        return self._database.place

    def record(self, feedback: Feedback) -> None:
        """Add one row; it is on the disk when this returns. Raises FeedbackError, and then nothing was stored."""
        if feedback.signal not in get_args(Signal):
            raise FeedbackError(f"the signal {feedback.signal!r} is unknown; use one of {', '.join(get_args(Signal))}.")
        if (feedback.signal == "text") != bool(feedback.text):
            raise FeedbackError("feedback has a text exactly where its signal is 'text'.")
        _check_finite(feedback.at)
        with self._database.writing() as connection:
            insert(connection, FEEDBACK, [feedback_row(feedback)])

    def record_interactions(self, interactions: Sequence[Interaction], *, event_ids: Sequence[str] = ()) -> None:
        """Add all rows or none; they are on the disk when this returns.

        Args:
            interactions: Those without a time happened now.
            event_ids: One for each, or none; one that the user's rows have already is not stored again.

        Raises:
            FeedbackError: A row cannot be stored, or the database cannot be written.
        """
        for row in interactions:
            _check_finite(row.value, row.at or 0.0)
        with self._database.writing() as connection:
            moments = {user_id: self._moment(connection, user_id) for user_id in {row.user_id for row in interactions}}
            ids = event_ids or [""] * len(interactions)
            rows = [
                {
                    **asdict(row),
                    "at": moments[row.user_id] if row.at is None else row.at,
                    "recorded_at": moments[row.user_id],
                    "event_id": event_id or None,
                }
                for row, event_id in zip(interactions, ids, strict=True)
            ]
            insert(connection, INTERACTIONS, rows)

    def record_impressions(self, impressions: Sequence[Impression]) -> None:
        """Add all rows or none, but those of users who opted out. Raises FeedbackError."""
        for row in impressions:
            _check_finite(row.at, row.propensity)
            if not 0 < row.propensity <= 1 or row.position < 1:
                raise FeedbackError(
                    f"an impression has propensity {row.propensity} and position {row.position}; "
                    "they are in (0, 1] and from 1 on."
                )
        with self._database.writing() as connection:
            away = {
                user_id for user_id in {row.user_id for row in impressions} if _is_in(connection, OPTED_OUT, user_id)
            }
            insert(connection, IMPRESSIONS, [asdict(row) for row in impressions if row.user_id not in away])

    def for_user(self, user_id: UserId) -> Sequence[Feedback]:
        """All feedback of one user in order; the last row of an item is what the user thinks of it now."""
        return [feedback_of(row) for row in self._rows_of(FEEDBACK, user_id)]

    def interactions_of(self, user_id: UserId) -> tuple[Interaction, ...]:
        """What one user did, oldest first. Raises FeedbackError."""
        return tuple(interaction_of(row) for row in self._rows_of(INTERACTIONS, user_id, "at"))

    def impressions_of(self, user_id: UserId) -> tuple[Impression, ...]:
        """What one user was shown, in order. Raises FeedbackError."""
        return tuple(impression_of(row) for row in self._rows_of(IMPRESSIONS, user_id))

    def about(self, user_id: UserId) -> UserRows:
        """What has to be known of one user to serve them, in one transaction. Raises FeedbackError."""
        with self._database.reading() as connection:
            did, said = (_rows_of(connection, *kind, user_id) for kind in ((INTERACTIONS, "at"), (FEEDBACK, "id")))
            is_forgotten = _is_in(connection, FORGOTTEN, user_id)
        return UserRows(is_forgotten, tuple(map(interaction_of, did)), tuple(map(feedback_of, said)))

    def reactions(self, *, since: float = -math.inf) -> Iterator[Feedback]:
        """Feedback of all users from `since` (seconds since 1970) on, in order. Raises FeedbackError."""
        return (feedback_of(row) for row in self._rows(FEEDBACK, since))

    def interactions(self, *, since: float = -math.inf) -> Iterator[Interaction]:
        """What all users did, recorded from `since` on, in order of recording. Raises FeedbackError."""
        return (interaction_of(row) for row in self._rows(INTERACTIONS, since))

    def impressions(self, *, since: float = -math.inf) -> Iterator[Impression]:
        """What all users were shown from `since` on, in order. Raises FeedbackError."""
        return (impression_of(row) for row in self._rows(IMPRESSIONS, since))

    def daily(self) -> Sequence[SignalCount]:
        """How many reactions of each kind were given on each day, oldest first; nothing of any single user."""
        day = func.floor(FEEDBACK.c.at / _DAY_S).label("day")
        query = (
            select(day, FEEDBACK.c.signal, func.count())
            .where(FEEDBACK.c.at.between(*CALENDAR))
            .group_by(day, FEEDBACK.c.signal)
            .order_by(day, FEEDBACK.c.signal)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [SignalCount(day_name(number), signal, n) for number, signal, n in rows]

    def export(self, user_id: UserId) -> str:
        """All that is stored of one user, a JSON object a line with its `kind`; empty when there is nothing."""
        kinds: Mapping[str, Sequence[Feedback | Interaction | Impression]] = {
            "interaction": self.interactions_of(user_id),
            "feedback": self.for_user(user_id),
            "impression": self.impressions_of(user_id),
        }
        return "".join(json_line({"kind": kind, **asdict(row)}) for kind, rows in kinds.items() for row in rows)

    def delete(self, user_id: UserId) -> int:
        """Remove all of one user, as `erase`; how many rows went."""
        return self.erase(user_id).total

    def erase(self, user_id: UserId) -> RowCounts:
        """Remove all of one user, from every table, file and log, and remember (as a hash) whom to forget.

        Raises:
            FeedbackError: The database cannot be written, or another process kept its log from being emptied.
        """
        with self._database.writing("delete from") as connection:
            counts = {
                table.name: connection.execute(delete(table).where(table.c.user_id == user_id)).rowcount
                for table in _ABOUT_USERS
            }
            insert(connection, FORGOTTEN, [{"user_hash": hashed(user_id)}])
        removed = RowCounts(**counts)
        if not self._database.wipe():
            raise FeedbackError(
                f"{removed.total} rows were deleted from {self.place}, but another process still reads its log.",
                hint="Delete again to wipe the log too.",
            )
        return removed

    def forgets(self, user_id: UserId) -> bool:
        """Whether what the recommender learned of this user from its table must not be used. Raises FeedbackError."""
        with self._database.reading() as connection:
            return _is_in(connection, FORGOTTEN, user_id)

    def opt_out(self, user_id: UserId) -> None:
        """Log no more of what this user is shown, and learn from nothing of theirs. Raises FeedbackError."""
        with self._database.writing() as connection:
            insert(connection, OPTED_OUT, [{"user_hash": hashed(user_id)}])
            connection.execute(delete(IMPRESSIONS).where(IMPRESSIONS.c.user_id == user_id))
        self._database.wipe()

    def opt_in(self, user_id: UserId) -> None:
        """Take an opt-out back. Raises FeedbackError."""
        with self._database.writing() as connection:
            connection.execute(delete(OPTED_OUT).where(OPTED_OUT.c.user_hash == hashed(user_id)))

    def opted_out(self, user_id: UserId) -> bool:
        """Whether nothing of this user is to be learned from. Raises FeedbackError."""
        with self._database.reading() as connection:
            return _is_in(connection, OPTED_OUT, user_id)

    def opted_out_hashes(self) -> frozenset[str]:
        """What stands for each user whom nothing is to be learned from. Raises FeedbackError."""
        with self._database.reading() as connection:
            return frozenset(connection.execute(select(OPTED_OUT.c.user_hash)).scalars())

    def prune(self, *, older_than_s: float) -> RowCounts:
        """Remove what was recorded more than that many seconds ago; how many rows went. Raises FeedbackError."""
        before = self._now() - older_than_s
        with self._database.writing("delete from") as connection:
            counts = {
                table.name: connection.execute(delete(table).where(_moment_of(table) < before)).rowcount
                for table in _ABOUT_USERS
            }
        self._database.wipe()
        return RowCounts(**counts)

    def counts(self) -> Mapping[str, int]:
        """How many rows each table has. Raises FeedbackError."""
        with self._database.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in METADATA.sorted_tables
            }

    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        """The store itself; it is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def _moment(self, connection: Connection, user_id: UserId) -> float:
        last = connection.execute(
            select(func.max(INTERACTIONS.c.recorded_at)).where(INTERACTIONS.c.user_id == user_id)
        ).scalar()
        return max(self._now(), last if last is not None else -math.inf)

    def _rows_of(self, table: Table, user_id: UserId, first: str = "id") -> Sequence[Row[Any]]:
        with self._database.reading() as connection:
            return _rows_of(connection, table, first, user_id)

    def _rows(self, table: Table, since: float) -> Iterator[Row[Any]]:
        """A page at a time, so that a slow reader holds up no writer."""
        last = 0
        while True:
            query = select(table).where(table.c.id > last).order_by(table.c.id).limit(_PAGE_ROWS)
            if since > -math.inf:
                query = query.where(_moment_of(table) >= since)
            with self._database.reading() as connection:
                page = connection.execute(query).all()
            yield from page
            if len(page) < _PAGE_ROWS:
                return
            last = page[-1].id


def _is_in(connection: Connection, table: Table, user_id: UserId) -> bool:
    """Whether `table` holds what stands for this user."""
    return connection.execute(select(table).where(table.c.user_hash == hashed(user_id))).first() is not None


def _rows_of(connection: Connection, table: Table, first: str, user_id: UserId) -> Sequence[Row[Any]]:
    """The rows of one user by the column `first`, and in the order of recording where that is the same."""
    query = select(table).where(table.c.user_id == user_id).order_by(table.c[first], table.c.id)
    return connection.execute(query).all()


def _moment_of(table: Table) -> Column[float]:
    # What users say of the past is as old as the day they said it.
    return table.c.recorded_at if table is INTERACTIONS else table.c.at


def _check_finite(*numbers: float) -> None:
    for number in numbers:
        if not math.isfinite(number):
            raise FeedbackError(f"this feedback has a field that cannot be stored: {number} is no number.")
