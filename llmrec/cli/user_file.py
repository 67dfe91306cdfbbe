"""A file of user ids: one a line, or a table with `user_id`; every fault is one sentence with row numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from llmrec.data.cells import read_id
from llmrec.data.columns import resolve_columns
from llmrec.data.table_files import bare_suffix, open_text, read_lines
from llmrec.data.tables import open_table
from llmrec.errors import DataError, UnknownUserError
from llmrec.evaluation.wording import counted, listed
from llmrec.types import UserId

_USER = "user_id"
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".pq")


def read_user_ids(path: Path) -> Mapping[UserId, int]:
    """The row of each user of `path`, in its order; ids are the strings they were, `007` stays.

    A CSV, TSV, JSON Lines or Parquet file is a table with a column `user_id`; any other holds one id a line, and empty
    lines do not count.

    Raises:
        DataError: The file cannot be read, names nobody, or somebody twice.
    """
    rows_of: dict[UserId, list[int]] = defaultdict(list)
    for number, user_id in _table_rows(path) if bare_suffix(path) in _TABLES else _lines(path):
        rows_of[user_id].append(number)
    if not rows_of:
        raise DataError(f"{path} names no user.", hint="Write one user id on each line.")
    repeated = [f"{user_id!r} (rows {listed(list(map(str, rows)))})" for user_id, rows in rows_of.items() if rows[1:]]
    if repeated:
        raise DataError(
            f"{path.name} names {counted(len(repeated), 'user')} more than once: {listed(repeated)}.",
            hint="Keep one row for each user.",
        )
    return {user_id: rows[0] for user_id, rows in rows_of.items()}


def known_users(
    rows: Mapping[UserId, int], known: Collection[UserId], source: str, *, skip_unknown: bool
) -> Sequence[UserId]:
    """Those of `rows` that are `known`, in order. Raises UnknownUserError unless the others may be skipped.

    Also where nobody would be left.
    """
    met = set(known)
    unknown = [f"{user_id!r} (row {row})" for user_id, row in rows.items() if user_id not in met]
    if len(unknown) == len(rows):
        raise UnknownUserError(
            f"nobody in {source} has interactions in this recommender: {listed(unknown)}.",
            hint="Its ids must be those of the interactions it was built from, without a header line.",
        )
    if unknown and not skip_unknown:
        raise UnknownUserError(
            f"{len(unknown)} of {counted(len(rows), 'user')} in {source} without interactions in this recommender:"
            f" {listed(unknown)}.",
            hint="Take them out, or leave them out with --skip-unknown.",
        )
    return [user_id for user_id in rows if user_id in met]


def _lines(path: Path) -> Iterator[tuple[int, UserId]]:
    with open_text(path) as text:
        for number, line in enumerate(read_lines(text, path), start=1):
            if user_id := line.strip():
                yield number, UserId(user_id)


def _table_rows(path: Path) -> Iterator[tuple[int, UserId]]:
    def refuse(number: int, reason: str, _raw: str) -> NoReturn:
        raise DataError(f"row {number} of {path.name} cannot be read: {reason}.")

    with open_table(path, on_fault=refuse) as table:
        try:
            resolve_columns(table.columns, required=[_USER], columns=None, source=path.name)
        except DataError as error:
            raise DataError(error.message, hint=f"Name the column with the users' ids {_USER}.") from error
        for number, row in table.rows:
            user_id = read_id(row.get(_USER))
            if not user_id:
                raise DataError(f"{_USER} is empty in row {number} of {path.name}.")
            yield number, UserId(user_id)
