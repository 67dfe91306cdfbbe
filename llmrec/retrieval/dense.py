"""Retrieval by meaning: what the user says and what the user liked, as one vector among the items' vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from llmrec.errors import ConfigError
from llmrec.interfaces import Embedder, VectorStore
from llmrec.retrieval.best import require_k
from llmrec.types import Candidate, ItemId, ItemMask, Query, Vectors


class ItemVectorStore(VectorStore, Protocol):
    """A vector store that also gives vectors back."""

    def vectors(self, item_ids: Sequence[ItemId]) -> Vectors:
        """Vectors of those of `item_ids` that have one, in their order; float32 [n_known, dim]."""
        ...


class DenseRetriever:
    """Nearest items to a blend of the encoded wish and the mean of the newest positive items."""

    name = "dense"

    def __init__(
        self,
        store: ItemVectorStore,
        embedder: Embedder,
        *,
        text_weight: float = 1.0,
        items_weight: float = 0.5,
        n_items: int = 10,
    ) -> None:
        """Search `store` with vectors of `embedder`.

        Args:
            store: The items' vectors.
            embedder: The encoder they were made with.
            text_weight: Weight of the encoded wish.
            items_weight: Weight of the mean of the positive items' vectors.
            n_items: How many of the newest positive items are averaged.

        Raises:
            ConfigError: For a negative weight or `n_items` below 1.
        """
        if min(text_weight, items_weight) < 0 or n_items < 1:
            raise ConfigError(f"dense weights {text_weight}, {items_weight} or n_items {n_items} are too small.")
        self._store = store
        self._embedder = embedder
        self._text_weight = text_weight
        self._items_weight = items_weight
        self._n_items = n_items
        self._last_text: tuple[str, Vectors] | None = None

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates by cosine, best first; none when there is neither a wish nor a known item."""
        require_k(k)
        vector = self.query_vector(query)
        if vector is None:
            return []
        found = self._store.search(vector, k, where=allowed)
        return [
            Candidate(item_id, score, self.name, {self.name: rank}) for rank, (item_id, score) in enumerate(found, 1)
        ]

    def query_vector(self, query: Query) -> Vectors | None:
        """Unit vector of the user, float32 [dim]; None when nothing is known."""
        blend = np.zeros(self._embedder.dim, dtype=np.float32)
        if query.text.strip():
            blend += self._text_weight * self._encode(query.text)
        newest_first = tuple(dict.fromkeys(reversed(query.positive_item_ids)))
        vectors = self._store.vectors(newest_first)[: self._n_items]
        if len(vectors):
            mean = vectors.mean(axis=0)
            blend += self._items_weight * mean / max(float(np.linalg.norm(mean)), 1e-12)
        norm = float(np.linalg.norm(blend))
        return np.asarray(blend / norm, dtype=np.float32) if norm > 0 else None

    def _encode(self, text: str) -> Vectors:
        # One conversation asks several times with the same wish; the pair is replaced whole, so threads cannot mix.
        last = self._last_text
        if last is None or last[0] != text:
            last = self._last_text = (text, self._embedder.embed([text], kind="query")[0])
        return last[1]
