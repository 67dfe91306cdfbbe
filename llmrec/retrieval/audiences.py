"""Retrievers that have something to say to some users only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmrec.interfaces import Retriever
from llmrec.retrieval.best import require_k
from llmrec.types import Candidate, ItemId, ItemMask, Query


class WishRetriever:
    """Another retriever, asked by users with a wish only.

    Likeness to the user's items, heard by rank alone, outvotes better retrievers; where those weigh that likeness
    themselves, the words of a wish are all that is left to add.
    """

    def __init__(self, retriever: Retriever) -> None:
        """Ask `retriever`, under its own name."""
        self._retriever = retriever

    @property
    def name(self) -> str:
        """The other's name."""
        return self._retriever.name

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """The other's candidates; none without a wish. Raises ConfigError when `k` is below 1."""
        require_k(k)
        return self._retriever.retrieve(query, k, allowed=allowed) if query.text.strip() else []


class StrangerRetriever:
    """Another retriever, asked by users of whom no item is known.

    What most users met is in better retrievers already; a vote of its own by rank alone reorders their first places.
    """

    def __init__(self, retriever: Retriever, item_ids: Iterable[ItemId]) -> None:
        """Ask `retriever`, under its own name; `item_ids` are those of the catalogue."""
        self._retriever = retriever
        self._item_ids = frozenset(item_ids)

    @property
    def name(self) -> str:
        """The other's name."""
        return self._retriever.name

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """The other's candidates; none where an item is known. Raises ConfigError when `k` is below 1."""
        require_k(k)
        is_known = any(item_id in self._item_ids for item_id in query.positive_item_ids)
        return [] if is_known else self._retriever.retrieve(query, k, allowed=allowed)
