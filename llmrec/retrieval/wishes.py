"""A retriever that has nothing to say until the user has said something."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.interfaces import Retriever
from llmrec.retrieval.best import require_k
from llmrec.types import Candidate, ItemMask, Query


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
