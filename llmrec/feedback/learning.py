"""What users did and said as a table that retrievers learn from, with no user louder than a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmrec.data.interactions import Interactions
from llmrec.feedback.rows import hashed
from llmrec.feedback.store import SQLFeedbackStore
from llmrec.types import Feedback, Interaction, ItemId, Signal, UserId

MAX_ROWS_PER_USER = 500
"""Newest items of one user that count, so that a script which rates everything is one opinion among others."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What strengths mean in the table that a recommender learned from.

    Attributes:
        low: No row is weaker.
        met: Of an item that was met, and no more said: the middle of all rows.
        liked: Of one that was liked or bought; a quarter of the rows are as strong.
        high: No row is stronger.
    """

    low: float = 1.0
    met: float = 1.0
    liked: float = 1.0
    high: float = 1.0

    @classmethod
    def of(cls, interactions: Interactions) -> Scale:
        """The scale of what was learned from; all ones where that was nothing."""
        if not len(interactions):
            return cls()
        return cls(*map(float, np.quantile(interactions.values, [0.0, 0.5, 0.75, 1.0], method="nearest")))

    def bounded(self, value: float) -> float:
        """`value` within what the table had."""
        return min(max(value, self.low), self.high)


def learnable_interactions(
    store: SQLFeedbackStore, scale: Scale, *, max_per_user: int = MAX_ROWS_PER_USER
) -> Iterator[Interaction]:
    """One row for each item that a user met, liked or bought and did not dislike since; by user, oldest first.

    Clicks are left out: who clicks has not met the item yet. So is everybody who opted out.

    Raises:
        FeedbackError: The store cannot be read.
    """
    away = store.opted_out_hashes()
    rows: dict[UserId, list[Interaction]] = {}
    for row in (*store.interactions(), *_as_interactions(store.reactions(), scale)):
        rows.setdefault(row.user_id, []).append(row)
    disliked = _disliked(store.reactions())
    for user_id, own in rows.items():
        if hashed(user_id) not in away:
            wanted = [row for row in own if (user_id, row.item_id) not in disliked]
            for row in _newest(wanted, max_per_user):
                yield replace(row, value=scale.bounded(row.value))


def _as_interactions(reactions: Iterable[Feedback], scale: Scale) -> Iterator[Interaction]:
    strengths: dict[Signal, float] = {"like": scale.liked, "purchase": scale.liked, "seen": scale.met}
    for said in reactions:
        if said.signal in strengths:
            yield Interaction(said.user_id, said.item_id, strengths[said.signal], said.at)


def _disliked(reactions: Iterable[Feedback]) -> set[tuple[UserId, ItemId]]:
    opinions = {(r.user_id, r.item_id): r.signal for r in reactions if r.signal in ("like", "dislike", "purchase")}
    return {key for key, signal in opinions.items() if signal == "dislike"}


def _newest(rows: Sequence[Interaction], n: int) -> Sequence[Interaction]:
    """The last row of each item, of the last `n` items, oldest first."""
    in_time = sorted(rows, key=lambda row: row.at or 0.0)
    last = {row.item_id: number for number, row in enumerate(in_time)}
    return [in_time[number] for number in sorted(last.values())][-n:]
