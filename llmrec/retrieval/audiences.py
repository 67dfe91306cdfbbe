"""Retrievers that have something to say to some users only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress

from llmrec.interfaces import Retriever, lists_of
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
        return self._retriever.retrieve(query, k, allowed=allowed) if _wishes(query) else []

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask]
    ) -> Sequence[Sequence[Candidate]]:
        """For each of `queries`, with its own of `allowed`, what `retrieve` gives it."""
        return _asked_of(self._retriever, list(map(_wishes, queries)), queries, k, allowed)


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
        return self._retriever.retrieve(query, k, allowed=allowed) if self._is_stranger(query) else []

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask]
    ) -> Sequence[Sequence[Candidate]]:
        """For each of `queries`, with its own of `allowed`, what `retrieve` gives it."""
        return _asked_of(self._retriever, list(map(self._is_stranger, queries)), queries, k, allowed)

    def _is_stranger(self, query: Query) -> bool:
        return not any(item_id in self._item_ids for item_id in query.positive_item_ids)


def _wishes(query: Query) -> bool:
    return bool(query.text.strip())


def _asked_of(
    retriever: Retriever, wanted: Sequence[bool], queries: Sequence[Query], k: int, allowed: Sequence[ItemMask]
) -> Sequence[Sequence[Candidate]]:
    """What `retriever` finds for each of `queries` that is `wanted`, together where it can; nothing for the others."""
    require_k(k)
    if not any(wanted):
        return [[] for _ in wanted]
    found = iter(lists_of(retriever, list(compress(queries, wanted)), k, list(compress(allowed, wanted))))
    return [next(found) if is_wanted else [] for is_wanted in wanted]
