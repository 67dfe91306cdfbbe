"""The one way in which item-to-item models score: the user's items, the newer the heavier, times a table."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.errors import ConfigError, UnknownItemError
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.scoring import ScoreTable, seed_table
from llmrec.retrieval.seeds import seed_weights
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts

ItemTable = NDArray[np.float32] | sparse.csr_array  # [n_known, n_known], row = item of the history, column = to score

_USERS_AT_ONCE = 256  # a sparse product is held as a sparse table of its own before it is laid out


class ItemToItemRetriever:
    """Score of an item = sum over the user's items of their recency weight times the table's entry.

    Cold user: all scores are 0 and nothing is retrieved. Cold item: 0 as well, and it seeds nothing.
    """

    name: ClassVar[str]

    def __init__(
        self, item_ids: Sequence[ItemId], known: NDArray[np.int64], table: ItemTable, *, half_life: float
    ) -> None:
        """Keep a fitted table.

        Args:
            item_ids: All ids, in catalogue order.
            known: int64 [n_known], ascending catalogue positions of the items that `table` knows.
            table: float32 [n_known, n_known], row = item of the history, column = item to score.
            half_life: Steps into the past after which an item of the history counts half; inf counts all alike.

        Raises:
            ConfigError: When `half_life` is not above 0.
        """
        if not half_life > 0:
            raise ConfigError(f"half_life is {half_life}; it must be above 0.")
        self._known = known
        self._table = table
        self._half_life = half_life
        self._name_items(item_ids)

    @property
    def half_life(self) -> float:
        """Steps into the past after which an item of the history counts half."""
        return self._half_life

    @property
    def costs_a_fit(self) -> bool:
        """Whether an update is a fit, and a fit takes minutes."""
        return False

    def over(self, item_ids: Sequence[ItemId]) -> Self:
        """The same over a catalogue with more items at its end, of which nothing is known."""
        other = copy(self)
        other._name_items(item_ids)
        return other

    def at_half_life(self, half_life: float) -> Self:
        """The same table read with another half-life, above 0; nothing is copied."""
        other = copy(self)
        other._half_life = half_life
        return other

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]; 0 where nothing is known."""
        scores = np.zeros(len(self._ids), dtype=np.float32)
        columns, weights = self._seeds(query)
        if len(columns):
            scores[self._known] = weights @ self._table[columns]
        return scores

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates with a positive score, best first; none without a known item in the history."""
        require_k(k)
        scores = self.scores(query)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def score_histories(self, histories: Histories) -> ScoreTable:
        """The same scores for many users, float32 [n_users, n_items]."""
        seeds = seed_table(histories, len(self._ids), half_life=self._half_life)
        everything = len(self._known) == len(self._ids)
        if everything:
            return product(seeds, self._table)
        scores = np.zeros((len(histories), len(self._ids)), dtype=np.float32)
        scores[:, self._known] = product(seeds[:, self._known], self._table)
        return scores

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """What each of the user's items adds to the score of `item_id`. Raises UnknownItemError."""
        column = self._columns[position_of(item_id, self._positions)]
        rows, weights = self._seeds(query)
        if column < 0 or not len(rows):
            return ScoreParts(0.0)
        entries = self._table[rows][:, [column]]
        entries = entries if isinstance(entries, np.ndarray) else entries.toarray()
        shares = (weights * entries[:, 0]).tolist()
        seeds = (self._ids[position] for position in self._known[rows].tolist())
        return ScoreParts(sum(shares), {seed: share for seed, share in zip(seeds, shares, strict=True) if share})

    def _name_items(self, item_ids: Sequence[ItemId]) -> None:
        self._ids = tuple(item_ids)
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}
        self._columns = np.full(len(self._ids), -1, dtype=np.int64)
        self._columns[self._known] = np.arange(len(self._known))

    def _seeds(self, query: Query) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        positions, weights = seed_weights(query, self._positions, half_life=self._half_life)
        columns = self._columns[positions]
        return columns[columns >= 0], weights[columns >= 0]


def product(weights: sparse.csr_array, table: ItemTable) -> ScoreTable:
    """`weights` [n_users, n] times `table` [n, n_items], laid out, float32 [n_users, n_items]."""
    if isinstance(table, np.ndarray):
        return np.asarray(weights @ table, dtype=np.float32)
    scores = np.empty((int(weights.shape[0]), int(table.shape[1])), dtype=np.float32)
    for start in range(0, len(scores), _USERS_AT_ONCE):
        rows = slice(start, start + _USERS_AT_ONCE)
        scores[rows] = matmul(weights[rows], table).toarray()
    return scores


def matmul(left: sparse.csr_array, right: sparse.csr_array) -> sparse.csr_array:
    """Their product, sparse again, which the types of the library do not say."""
    return cast("sparse.csr_array", left @ right)


def position_of(item_id: ItemId, positions: dict[ItemId, int]) -> int:
    """Catalogue position of the item a score is asked of. Raises UnknownItemError."""
    if item_id not in positions:
        raise UnknownItemError(f"no item has the id {item_id!r}.", hint="Look it up by title.")
    return positions[item_id]
