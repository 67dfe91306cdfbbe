"""What a table says of users, as parts among which stages are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from llmrec.data.columns import resolve_columns
from llmrec.data.tables import open_table
from llmrec.errors import ConfigError
from llmrec.evaluation.groups import Groups, label_groups
from llmrec.types import UserId

UserColumns = Mapping[str, Mapping[UserId, str]]  # label of each user, by column
_USER, _MAX_LABELS = "user_id", 20


def read_user_columns(path: Path) -> UserColumns:
    """The columns beside `user_id` of a CSV, JSON Lines or Parquet table; of a user's rows the last one holds.

    Raises:
        DataError: The table cannot be read or has no column `user_id`.
        ConfigError: A column has more labels than could be told apart.
    """
    with open_table(path) as table:
        resolve_columns(table.columns, required=[_USER], columns=None, source=path.name)
        rows = {UserId(str(row[_USER])): row for _, row in table.rows}
        names = [name for name in table.columns if name != _USER]
    found = {name: {user: _label(row.get(name)) for user, row in rows.items()} for name in names}
    for name, labels in found.items():
        n_labels = len(set(labels.values()))
        if n_labels > _MAX_LABELS:
            raise ConfigError(
                f"the column {name!r} of {path.name} has {n_labels} labels; at most {_MAX_LABELS} can be compared.",
                hint="Put its values into ranges, or leave it out.",
            )
    return found


def groups_of(columns: UserColumns, users: Sequence[UserId]) -> tuple[Groups, ...]:
    """The users, in their order, in parts by each column; who is not in it belongs to no part."""
    return tuple(label_groups(name, [labels.get(user) for user in users]) for name, labels in columns.items())


def _label(value: object) -> str:
    return "" if value is None else str(value)
