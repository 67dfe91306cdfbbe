"""Who met what and when, as columns; one history per user, oldest first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.errors import UnknownUserError
from llmrec.types import Histories, History, Interaction, ItemId, UserId


@dataclass(frozen=True)
class Interactions:
    """All interactions, sorted by user and time; ties keep the order of reading.

    Attributes:
        user_ids: Users in order of first appearance.
        item_ids: The catalogue's ids; `items` points into it.
        users: int32 [n], index into `user_ids`, non-decreasing.
        items: int32 [n], catalogue position.
        values: float32 [n], strength, higher is better.
        at: float64 [n], seconds since 1970 (UTC); nan throughout when the data has no time.
    """

    user_ids: tuple[UserId, ...]
    item_ids: tuple[ItemId, ...]
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    at: NDArray[np.float64]

    @classmethod
    def from_rows(cls, rows: Iterable[Interaction], catalogue: Catalogue) -> Interactions:
        """Columns out of rows; rows of items outside the catalogue are skipped."""
        kept = [row for row in rows if row.item_id in catalogue]
        numbers: dict[UserId, int] = {}
        users = np.fromiter((numbers.setdefault(row.user_id, len(numbers)) for row in kept), dtype=np.int32)
        items = catalogue.positions(row.item_id for row in kept).astype(np.int32)
        values = np.fromiter((row.value for row in kept), dtype=np.float32)
        at = np.fromiter((np.nan if row.at is None else row.at for row in kept), dtype=np.float64)
        return cls.from_columns(tuple(numbers), catalogue, users=users, items=items, values=values, at=at)

    @classmethod
    def from_columns(
        cls,
        user_ids: tuple[UserId, ...],
        catalogue: Catalogue,
        *,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        values: NDArray[np.float32],
        at: NDArray[np.float64],
    ) -> Interactions:
        """The same out of columns in order of reading; `users` points into `user_ids`, `items` into the catalogue."""
        # lexsort is stable: rows of one user at one moment stay in the order they were read.
        order = np.lexsort((at, users))
        return cls(user_ids, catalogue.ids, users[order], items[order], values[order], at[order])

    def joined(self, later: Interactions, catalogue: Catalogue) -> Interactions:
        """These and `later` ones over `catalogue`; those of items that it does not have are left out."""
        user_ids = tuple(dict.fromkeys(self.user_ids + later.user_ids))
        numbers = {user_id: number for number, user_id in enumerate(user_ids)}
        moved = [part._moved(numbers, catalogue) for part in (self, later)]
        users, items, values, at = (np.concatenate(columns) for columns in zip(*moved, strict=True))
        return Interactions.from_columns(user_ids, catalogue, users=users, items=items, values=values, at=at)

    def _moved(
        self, numbers: Mapping[UserId, int], catalogue: Catalogue
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
        to_user = np.fromiter((numbers[user_id] for user_id in self.user_ids), dtype=np.int32)
        places = (catalogue.position(i) if i in catalogue else -1 for i in self.item_ids)
        items = np.fromiter(places, dtype=np.int32)[self.items]
        kept = items >= 0
        return to_user[self.users][kept], items[kept], self.values[kept], self.at[kept]

    def __len__(self) -> int:
        """Number of interactions."""
        return len(self.users)

    @property
    def has_clock_times(self) -> bool:
        """Whether any interaction has a time; without one, only whoever read them knows what their order means."""
        return not bool(np.isnan(self.at).all())

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.searchsorted(self.users, np.arange(len(self.user_ids) + 1)).astype(np.int64)

    @cached_property
    def _user_numbers(self) -> Mapping[UserId, int]:
        return {user_id: number for number, user_id in enumerate(self.user_ids)}

    def rows_of(self, user: int) -> slice:
        """Rows of user number `user` (index into `user_ids`), oldest first."""
        return slice(int(self._starts[user]), int(self._starts[user + 1]))

    def history(self, user_id: UserId) -> History:
        """What this user did, oldest first. Raises UnknownUserError."""
        number = self._user_numbers.get(user_id)
        if number is None:
            raise UnknownUserError(
                f"no interactions of a user {user_id!r}.", hint="Give liked titles or a sentence instead of a user id."
            )
        rows = self.rows_of(number)
        return History(
            tuple(
                Interaction(user_id, self.item_ids[item], float(value), None if np.isnan(at) else float(at))
                for item, value, at in zip(self.items[rows], self.values[rows], self.at[rows], strict=True)
            )
        )

    def where(self, kept: NDArray[np.bool_]) -> Interactions:
        """The rows with `kept`, bool [n], true; users and items keep their numbers."""
        return Interactions(
            self.user_ids, self.item_ids, self.users[kept], self.items[kept], self.values[kept], self.at[kept]
        )

    def histories(self, users: NDArray[np.integer] | None = None) -> Histories:
        """What the given users (numbers) did, in their order; all users by default."""
        everyone = Histories(self._starts, self.items, self.values, self.at)
        return everyone if users is None else everyone.of(users)

    @cached_property
    def content_hash(self) -> str:
        """sha256 of the canonical table: rows `user, item, value, at` sorted as text, whatever the order of reading."""
        digest = hashlib.sha256()
        # User by user, for all rows as text at once are 100 bytes each; the tab sorts as it does within the rows.
        in_order = sorted(np.unique(self.users).tolist(), key=lambda user: f"{self.user_ids[user]}\t")
        for place, user in enumerate(in_order):
            digest.update((("\n" if place else "") + "\n".join(sorted(self._texts_of(user)))).encode())
        return digest.hexdigest()

    def _texts_of(self, user: int) -> Iterator[str]:
        rows, user_id, names = self.rows_of(user), self.user_ids[user], self.item_ids
        columns = (column[rows].tolist() for column in (self.items, self.values, self.at))
        return (f"{user_id}\t{names[item]}\t{value:g}\t{at:.3f}" for item, value, at in zip(*columns, strict=True))
