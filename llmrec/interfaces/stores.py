"""The seams of what is kept: vectors, and what users made of what was shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from llmrec.types import (
    Constraint,
    Feedback,
    Impression,
    ItemId,
    ItemMask,
    UserId,
    Vectors,
)


class VectorStore(Protocol):
    """Vectors by item, searched exactly or nearly."""

    def add(self, item_ids: Sequence[ItemId], vectors: Vectors) -> None:
        """Store one vector per item; an item that is already there is replaced."""
        ...

    def search(
        self, vector: Vectors, k: int, *, where: ItemMask | None = None, stated: Sequence[Constraint] = ()
    ) -> Sequence[tuple[ItemId, float]]:
        """At most `k` (item, cosine) with `where` true, best first.

        Args:
            vector: float32 [dim].
            k: At least 1.
            where: Which items may be found; None for all.
            stated: Conditions behind `where`, most of which hold wherever it does: a store that keeps facts can ask by
                them instead of by ids. They decide nothing.
        """
        ...

    def recommend(
        self,
        positive: Sequence[ItemId],
        negative: Sequence[ItemId],
        k: int,
        *,
        where: ItemMask | None = None,
        stated: Sequence[Constraint] = (),
    ) -> Sequence[tuple[ItemId, float]]:
        """What `search` finds for the mean of `positive`, pushed as far again from the mean of `negative`.

        None of the given items is found; those without a vector count nothing. None at all when no positive one has.
        """
        ...


@runtime_checkable
class BulkVectorStore(VectorStore, Protocol):
    """A vector store that searches sooner for many vectors together than one by one."""

    def search_many(
        self, vectors: Vectors, k: int, *, where: Sequence[ItemMask], stated: Sequence[Sequence[Constraint]]
    ) -> Sequence[Sequence[tuple[ItemId, float]]]:
        """For each of `vectors`, float32 [n, dim], with its own of `where` and `stated`, what `search` finds."""
        ...


class ItemSimilarity(Protocol):
    """How alike two items are in content."""

    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        """Cosine of `item_id` with each of `others`, in [-1, 1]; nan where either has no vector."""
        ...


class FeedbackStore(Protocol):
    """Keeps what users were shown, and what they said about it."""

    def record(self, feedback: Feedback) -> None:
        """Durable when it returns. Raises FeedbackError, and then nothing was stored."""
        ...

    def record_impressions(self, impressions: Sequence[Impression]) -> None:
        """Keep all rows or none, but those of users who want none kept. Raises FeedbackError."""
        ...

    def for_user(self, user_id: UserId) -> Sequence[Feedback]:
        """All feedback of one user, in the order it was recorded."""
        ...

    def export(self, user_id: UserId) -> str:
        """All that is stored of one user, as JSON Lines."""
        ...

    def delete(self, user_id: UserId) -> int:
        """Remove all of one user; returns how many rows went."""
        ...
