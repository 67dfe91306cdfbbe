"""What came in since a retriever was fitted, beside what it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.types import ItemId

DEAR_ITEMS = 4_000  # that a dense table knows; beyond, solving for it takes minutes and not seconds


class Updating(Protocol):
    """What takes interactions in."""

    def update(self, before: Interactions, added: Interactions) -> Self:
        """Fitted on both; `before` is what this one was fitted on. Raises DataError when the items are not the same."""
        ...


@runtime_checkable
class Widening(Protocol):
    """What can take more items at the end of its catalogue without being fitted again."""

    def over(self, item_ids: Sequence[ItemId]) -> Self:
        """The same over `item_ids`, which begin with those it has; nothing is known of the others."""
        ...


@dataclass(frozen=True)
class Growth:
    """Interactions before and after new ones came in; users and items keep their numbers.

    Attributes:
        before: What a retriever was fitted on.
        after: All there is now, with new users at the end.
        changed: bool [n_users of after], who did something new.
        kept: int64 [n_users of after], how many of each user's oldest interactions stand where they stood.
    """

    before: Interactions
    after: Interactions
    changed: NDArray[np.bool_]
    kept: NDArray[np.int64]

    def places(self, met: Interactions, *, reach: int) -> NDArray[np.int64]:
        """Rows of `met`, which is one of both, that are not kept or less than `reach` before one that is not."""
        ages = np.arange(len(met)) - np.searchsorted(met.users, met.users)
        return np.flatnonzero(self.changed[met.users] & (ages > self.kept[met.users] - reach))

    @cached_property
    def replaced(self) -> Interactions:
        """All that the changed users had done before."""
        return self.before.where(self.changed[self.before.users])

    @cached_property
    def replacing(self) -> Interactions:
        """All that the changed users have done by now."""
        return self.after.where(self.changed[self.after.users])


def grown(before: Interactions, added: Interactions, item_ids: Sequence[ItemId]) -> Growth:
    """`before` and `added` together, for a retriever over `item_ids`; rows of one moment stay in that order.

    Raises:
        DataError: When they are not about the same items in the same order.
    """
    if not tuple(item_ids) == before.item_ids == added.item_ids:
        raise DataError(
            f"an update needs the same items as before, and got {len(before.item_ids)} and {len(added.item_ids)} ids "
            f"for {len(item_ids)} items.",
            hint="Fit anew when the catalogue changes.",
        )
    user_ids = tuple(dict.fromkeys(before.user_ids + added.user_ids))
    numbers = {user_id: number for number, user_id in enumerate(user_ids)}
    of_added = np.fromiter((numbers[user_id] for user_id in added.user_ids), dtype=np.int32)[added.users]
    users = np.concatenate([before.users, of_added])
    at = np.concatenate([before.at, added.at])
    order = np.lexsort((at, users))
    after = Interactions(
        user_ids,
        before.item_ids,
        users[order],
        np.concatenate([before.items, added.items])[order],
        np.concatenate([before.values, added.values])[order],
        at[order],
    )
    changed = np.zeros(len(user_ids), dtype=np.bool_)
    changed[of_added] = True
    is_new = np.flatnonzero(order >= len(before))
    kept = np.full(len(user_ids), len(after), dtype=np.int64)
    np.minimum.at(kept, after.users[is_new], is_new - np.searchsorted(after.users, after.users[is_new]))
    return Growth(before, after, changed, kept)


def widened(table: sparse.csr_array, n_items: int) -> sparse.csr_array:
    """A table of items by items with empty rows and columns for those that came at the end."""
    indptr = np.concatenate([table.indptr, np.full(n_items - int(table.shape[0]), table.indptr[-1])])
    return sparse.csr_array((table.data, table.indices, indptr), shape=(n_items, n_items))
