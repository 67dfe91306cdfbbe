"""What came in since a retriever was fitted, beside what it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.types import ItemId


@dataclass(frozen=True)
class Growth:
    """Interactions before and after new ones came in; users and items keep their numbers.

    Attributes:
        before: What a retriever was fitted on.
        after: All there is now, with new users at the end.
        changed: bool [n_users of after], who did something new.
    """

    before: Interactions
    after: Interactions
    changed: NDArray[np.bool_]

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
    return Growth(before, after, changed)
