"""Retrieval by meaning: what the user says and what the user liked, as one vector among the items' vectors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.interfaces import BulkVectorStore, Embedder, VectorStore
from llmrec.retrieval.best import Scores, require_k
from llmrec.retrieval.item_to_item import position_of
from llmrec.retrieval.scoring import ScoreTable, seed_table
from llmrec.retrieval.seeds import seed_weights
from llmrec.retrieval.updates import grown
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts, Vectors

_NO_VECTOR = -1.0  # the lowest cosine: what cannot be compared comes last


class ItemVectorStore(VectorStore, Protocol):
    """A vector store that also gives vectors back."""

    @property
    def item_ids(self) -> Sequence[ItemId]:
        """All ids, in catalogue order."""
        ...

    @property
    def matrix(self) -> Vectors:
        """All vectors, float32 [n_items, dim] in catalogue order; nan where an item has none."""
        ...


class DenseRetriever:
    """Nearest items to a blend of the encoded wish and the mean of the newest positive items.

    Cold user: a wish is enough; without one, nothing is retrieved and all scores are 0. Cold item: it is found by its
    vector like any other; one without a vector scores -1 and is never retrieved.
    """

    name = "dense"

    def __init__(
        self,
        store: ItemVectorStore,
        embedder: Embedder | None = None,
        *,
        text_weight: float = 1.0,
        items_weight: float = 0.5,
        n_items: int = 10,
        half_life: float = float("inf"),
    ) -> None:
        """Search `store` with vectors of `embedder`.

        Args:
            store: The items' vectors.
            embedder: The encoder they were made with; None is enough where no user has a wish.
            text_weight: Weight of the encoded wish.
            items_weight: Weight of the mean of the positive items' vectors.
            n_items: How many of the newest positive items are averaged.
            half_life: Steps into the past after which an item counts half in the mean; inf counts all alike.

        Raises:
            ConfigError: For a negative weight, `n_items` below 1 or `half_life` not above 0.
        """
        if min(text_weight, items_weight) < 0 or n_items < 1 or not half_life > 0:
            raise ConfigError(
                f"dense weights {text_weight}, {items_weight}, n_items {n_items} or half_life {half_life} are too "
                "small."
            )
        self._store = store
        self._embedder = embedder
        self._text_weight = text_weight
        self._items_weight = items_weight
        self._n_items = n_items
        self._half_life = half_life
        self._positions = {item_id: position for position, item_id in enumerate(store.item_ids)}
        self._last_text: tuple[str, Vectors] | None = None

    def update(self, before: Interactions, added: Interactions) -> Self:
        """This one: it learns nothing from interactions. Raises DataError when the items are not the same."""
        grown(before, added, self._store.item_ids)
        return self

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates by cosine, best first; none when there is neither a wish nor a known item."""
        require_k(k)
        vector = self.query_vector(query)
        if vector is None:
            return []
        return self._candidates(self._nearest(query, vector, k, allowed))

    def heard(self, query: Query) -> Hashable:
        """The wish, the newest items with their weights, and what is stated to the store."""
        _, positions, shares = self._blend(query)
        return query.text, positions.tobytes(), shares.tobytes(), query.all_constraints

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask]
    ) -> Sequence[Sequence[Candidate]]:
        """For each of `queries`, with its own of `allowed`, what `retrieve` gives it."""
        require_k(k)
        if not isinstance(self._store, BulkVectorStore):
            return [self.retrieve(query, k, allowed=mask) for query, mask in zip(queries, allowed, strict=True)]
        vectors = [self.query_vector(query) for query in queries]
        places = [place for place, vector in enumerate(vectors) if vector is not None]
        known = [vector for vector in vectors if vector is not None]
        masks, stated = [allowed[place] for place in places], [queries[place].all_constraints for place in places]
        found = iter(self._store.search_many(np.stack(known), k, where=masks, stated=stated) if known else ())
        return [self._candidates(next(found)) if vector is not None else [] for vector in vectors]

    def _candidates(self, found: Sequence[tuple[ItemId, float]]) -> Sequence[Candidate]:
        return [
            Candidate(item_id, score, self.name, {self.name: rank}) for rank, (item_id, score) in enumerate(found, 1)
        ]

    def _nearest(
        self, query: Query, vector: Vectors, k: int, allowed: ItemMask | None
    ) -> Sequence[tuple[ItemId, float]]:
        """The items nearest to the user's `vector`; by the ids of the user's items where it is their plain mean."""
        _, positions, shares = self._blend(query)
        is_plain = not query.text.strip() and bool((shares == shares[:1]).all())
        if is_plain and allowed is not None and not allowed[positions].any():
            item_ids = [self._store.item_ids[position] for position in positions.tolist()]
            return self._store.recommend(item_ids, (), k, where=allowed, stated=query.all_constraints)
        return self._store.search(vector, k, where=allowed, stated=query.all_constraints)

    def scores(self, query: Query) -> Scores:
        """Cosine of every item, float32 [n_items]; -1 without a vector, 0 throughout when nothing is known."""
        vector = self.query_vector(query)
        if vector is None:
            return np.zeros(len(self._positions), dtype=np.float32)
        return np.asarray(np.nan_to_num(self._store.matrix @ vector, nan=_NO_VECTOR), dtype=np.float32)

    def score_histories(self, histories: Histories) -> ScoreTable:
        """The scores of users who say nothing, float32 [n_users, n_items]."""
        filled = self._filled
        seeds = seed_table(
            histories.where(filled[histories.items]),
            len(filled),
            half_life=self._half_life,
            n_newest=self._n_items,
        )
        vectors = np.asarray(seeds @ np.where(filled[:, None], self._store.matrix, 0.0), dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        scores = (vectors / np.maximum(norms, 1e-12)) @ self._store.matrix.T
        known = (norms[:, 0] > 0) & (self._items_weight > 0)
        return np.where(known[:, None], np.nan_to_num(scores, nan=_NO_VECTOR), np.float32(0.0))

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """The shares of each of the newest items and of the wish as a whole. Raises UnknownItemError."""
        target = self._store.matrix[position_of(item_id, self._positions)]
        score = float(self.scores(query)[self._positions[item_id]])
        if np.isnan(target).any():
            return ScoreParts(score, rest=score)
        wish, positions, shares = self._blend(query)
        norm = max(float(np.linalg.norm(wish + shares @ self._store.matrix[positions])), 1e-12)
        each = ((self._store.matrix[positions] @ target) * shares / norm).tolist()
        said = float(wish @ target) / norm
        return ScoreParts(
            score,
            items={self._store.item_ids[place]: part for place, part in zip(positions.tolist(), each, strict=True)},
            words={query.text: said} if said else {},
            rest=score - sum(each) - said,
        )

    def query_vector(self, query: Query) -> Vectors | None:
        """Unit vector of the user, float32 [dim]; None when nothing is known.

        Raises:
            ConfigError: When there is a wish and no encoder.
        """
        wish, positions, shares = self._blend(query)
        blend = wish + shares @ self._store.matrix[positions]
        norm = float(np.linalg.norm(blend))
        return np.asarray(blend / norm, dtype=np.float32) if norm > 0 else None

    @property
    def _filled(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self._store.matrix[:, 0]), dtype=np.bool_)

    def _blend(self, query: Query) -> tuple[Vectors, NDArray[np.int64], NDArray[np.float32]]:
        """The weighted wish float32 [dim], and positions and weights [n] of the newest items that have a vector."""
        matrix = self._store.matrix
        wish = np.zeros(matrix.shape[1], dtype=np.float32)
        if query.text.strip():
            wish += self._text_weight * self._encode(query.text)
        places = {i: self._positions[i] for i in query.positive_item_ids if i in self._positions}
        known = {item_id: place for item_id, place in places.items() if not np.isnan(matrix[place, 0])}
        positions, weights = seed_weights(query, known, half_life=self._half_life, n_newest=self._n_items)
        length = max(float(np.linalg.norm(weights @ matrix[positions])), 1e-12)
        return wish, positions, np.asarray(weights * (self._items_weight / length), dtype=np.float32)

    def _encode(self, text: str) -> Vectors:
        if self._embedder is None:
            raise ConfigError("a wish needs an encoder, and dense retrieval was given vectors only.")
        # One conversation asks several times with the same wish; the pair is replaced whole, so threads cannot mix.
        last = self._last_text
        if last is None or last[0] != text:
            last = self._last_text = (text, self._embedder.embed([text], kind="query")[0])
        return last[1]
