"""The seam of everything that scores the whole catalogue for many users at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.types import Histories, Interaction, ItemId, Query, UserId

ScoreTable = NDArray[np.float32]  # [n_users, n_items] in catalogue order, higher is better


class HistoryScorer(Protocol):
    """Scores every item for every user, from histories alone."""

    @property
    def name(self) -> str:
        """Its name in settings and reports."""
        ...

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items], finite; items it knows nothing about share its lowest score or 0."""
        ...


def seed_table(
    histories: Histories, n_items: int, *, half_life: float, n_newest: int | None = None
) -> sparse.csr_array:
    """How much each item of each history counts, float32 [n_users, n_items]: 0.5 ** (age / half_life).

    The newest interaction has age 0; an item met twice counts at its newest place only. With `n_newest`, only that
    many different items of each history count.
    """
    ages, users = histories.ages, histories.users
    newest_first = np.lexsort((ages, histories.items, users))
    users, items, ages = users[newest_first], histories.items[newest_first], ages[newest_first]
    first = np.ones(len(users), dtype=bool)
    first[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
    users, items, ages = users[first], items[first], ages[first]
    if n_newest is not None:
        by_age = np.lexsort((ages, users))
        users, items, ages = users[by_age], items[by_age], ages[by_age]
        kept = np.arange(len(users)) - np.searchsorted(users, users) < n_newest
        users, items, ages = users[kept], items[kept], ages[kept]
    weights = (0.5 ** (ages / half_life)).astype(np.float32)
    # With wider indices here, every product would first copy those of a whole item-to-item table.
    places = (users.astype(np.int32), items.astype(np.int32))
    return sparse.csr_array((weights, places), shape=(len(histories), n_items))


def query_histories(query: Query, positions: Mapping[ItemId, int]) -> Histories:
    """One user's known items as bulk input: the history, then what the conversation added, without a time."""
    known = {i.item_id: i for i in query.history.interactions}
    items = [item_id for item_id in query.positive_item_ids if item_id in positions]
    rows = [known.get(item_id, Interaction(UserId(""), item_id)) for item_id in items]
    return Histories(
        starts=np.array([0, len(rows)], dtype=np.int64),
        items=np.array([positions[row.item_id] for row in rows], dtype=np.int32),
        values=np.array([row.value for row in rows], dtype=np.float32),
        at=np.array([np.nan if row.at is None else row.at for row in rows], dtype=np.float64),
    )


def batches(histories: Histories, size: int) -> Iterator[tuple[slice, Histories]]:
    """The histories in pieces of at most `size` users, each with the slice of users it covers."""
    for start in range(0, len(histories), size):
        users = slice(start, min(start + size, len(histories)))
        yield users, histories.of(users)
