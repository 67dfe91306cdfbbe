"""What a table says of users, as parts among which stages are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmrec.data.cells import read_id
from llmrec.data.columns import resolve_columns
from llmrec.data.tables import Table, open_table
from llmrec.errors import ConfigError, DataError
from llmrec.evaluation.groups import BUILT_IN, Groups, label_groups
from llmrec.evaluation.wording import counted, listed
from llmrec.types import UserId

_USER, _MAX_LABELS = "user_id", 20


@dataclass(frozen=True)
class UserTable:
    """Users by the columns of a table.

    Attributes:
        source: The table's name, for messages.
        users: All that have a row, in its order.
        labels: By column, the label of each user; empty where it says nothing.
    """

    source: str
    users: tuple[UserId, ...]
    labels: Mapping[str, Mapping[UserId, str]]

    def groups(self, tested: Sequence[UserId]) -> tuple[Groups, ...]:
        """The tested users, in their order, in parts by each column; who has no label there belongs to no part.

        Raises:
            DataError: No tested user has a row.
        """
        if not set(tested) & set(self.users):
            raise DataError(
                f"none of the {counted(len(tested), 'tested user')} is among the {len(self.users)} of {self.source}"
                f" ({listed(self.users)}).",
                hint=f"Its {_USER} must be the interactions' own, like {tested[0]}.",
            )
        return tuple(label_groups(name, [labels.get(user) for user in tested]) for name, labels in self.labels.items())

    def remarks(self, known: Collection[UserId], tested: Sequence[UserId]) -> Iterator[str]:
        """Who of the table is not among the users of the data, and which tested users the table does not have."""
        met = set(known)
        strangers = [user for user in self.users if user not in met]
        if strangers:
            yield (
                f"Not in the data that was evaluated: {len(strangers)} of {counted(len(self.users), 'user')} of"
                f" {self.source} ({listed(strangers)})."
            )
        has_row = set(self.users)
        without = [user for user in tested if user not in has_row]
        if without:
            yield (
                f"Without a row in {self.source}, and so in none of its groups: {len(without)} of"
                f" {counted(len(tested), 'tested user')} ({listed(without)})."
            )


def read_user_columns(path: Path) -> UserTable:
    """The columns beside `user_id` of a CSV, JSON Lines or Parquet table, one row for each user.

    Raises:
        DataError: The table cannot be read, lacks `user_id` or any other column, or has a user twice or one without id.
        ConfigError: A column has more labels than could be told apart, or the name of what is always compared.
    """

    def refuse(number: int, reason: str, _raw: str) -> None:
        raise DataError(f"row {number} of {path.name} cannot be read: {reason}.")

    with open_table(path, on_fault=refuse) as table:
        names = _names(table, path.name)
        rows = [(number, UserId(read_id(row.get(_USER))), row) for number, row in table.rows]
    _require_users([(number, user) for number, user, _ in rows], path.name)
    labels = {name: {user: read_id(row.get(name)) for _, user, row in rows} for name in names}
    for name, of_users in labels.items():
        _require_few_labels(name, set(of_users.values()) - {""}, path.name)
    return UserTable(path.name, tuple(user for _, user, _ in rows), labels)


def _names(table: Table, source: str) -> Sequence[str]:
    """The columns beside the users' ids."""
    try:
        resolve_columns(table.columns, required=[_USER], columns=None, source=source)
    except DataError as error:
        raise DataError(error.message, hint=f"Name the column with the users' ids {_USER}.") from error
    names = [name for name in table.columns if name != _USER]
    if not names:
        raise DataError(f"{source} has no column beside {_USER}, so it divides nobody.")
    for name in names:
        if name in BUILT_IN:
            raise ConfigError(f"the column {name!r} of {source} has the name of what is always compared; rename it.")
    return names


def _require_users(rows: Sequence[tuple[int, UserId]], source: str) -> None:
    if not rows:
        raise DataError(f"{source} has columns but no rows.")
    nameless = next((number for number, user in rows if not user), None)
    if nameless is not None:
        raise DataError(f"{_USER} is empty in row {nameless} of {source}.")
    repeated = [user for user, n_rows in Counter(user for _, user in rows).items() if n_rows > 1]
    if repeated:
        raise DataError(
            f"{source} has more than one row for {counted(len(repeated), 'user')} ({listed(repeated)}).",
            hint="Keep one row for each user.",
        )


def _require_few_labels(name: str, labels: set[str], source: str) -> None:
    if len(labels) > _MAX_LABELS:
        raise ConfigError(
            f"the column {name!r} of {source} has {len(labels)} labels; at most {_MAX_LABELS} can be compared.",
            hint="Put its values into ranges, or leave it out.",
        )
