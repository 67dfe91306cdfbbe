"""Takes over the second file that services of version 1 kept: new interactions, and whom to forget."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from llmrec.errors import FeedbackError
from llmrec.feedback.databases import Database
from llmrec.feedback.rows import insert
from llmrec.feedback.tables import FORGOTTEN, INTERACTIONS

BEHAVIOUR_FILE = "behaviour.sqlite3"


def take_over(path: Path, database: Database) -> None:
    """Move the rows of the file at `path` into `database`, where there is one; then the file is gone.

    Rows that were moved before, by a process that ended in between, are not doubled.

    Raises:
        FeedbackError: The file cannot be read; it stays as it is.
    """
    if not path.exists():
        return
    try:
        # Plainly opened, a file that another process has just taken over would be made anew, and empty.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as old:
            interactions = old.execute(
                "SELECT id, user_id, item_id, value, at FROM interactions ORDER BY id"
            ).fetchall()
            forgotten = old.execute("SELECT user_hash FROM forgotten").fetchall()
    except sqlite3.Error as error:
        if not path.exists():
            return
        raise FeedbackError(
            f"the file of interactions {path} cannot be read: {error}.",
            hint="Nothing was deleted: move it away to start anew, or restore a copy.",
        ) from error
    with database.writing() as connection:
        rows = [
            {
                "user_id": user_id,
                "item_id": item_id,
                "value": value,
                "at": at,
                "recorded_at": at,
                "event_id": f"{BEHAVIOUR_FILE}:{number}",
            }
            for number, user_id, item_id, value, at in interactions
        ]
        insert(connection, INTERACTIONS, rows)
        insert(connection, FORGOTTEN, [{"user_hash": name} for (name,) in forgotten])
    for left in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)
