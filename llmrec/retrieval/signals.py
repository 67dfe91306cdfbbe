"""From fitted parts to named signals: every score table that learned fusion weighs, standardised per user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.item_to_item import ItemToItemRetriever
from llmrec.retrieval.recency import TimedPopularity
from llmrec.retrieval.scoring import HistoryScorer, ScoreTable
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.retrieval.updates import Updating
from llmrec.types import Histories

# One table is read several ways: the last item or two, the recent past, everything ever met.
_HALF_LIVES: Mapping[str, tuple[float, ...]] = {
    "ease": (3.0, 20.0, float("inf")),
    "itemknn": (5.0, float("inf")),
    "transitions": (1.0, 3.0, 15.0),
    "slit": (5.0, 20.0),
}
_LIFTED = ("ease@20", "transitions@3", "slit@20", "popularity")
_ABOUT_CONTENT = ("text@", "same:", "amounts", "text_sequential")


class Part(HistoryScorer, Updating, Protocol):
    """A retriever that can be fused: it scores, it grows, it can be kept."""

    @property
    def costs_a_fit(self) -> bool:
        """Whether an update is a fit, and a fit takes minutes."""
        ...

    def save(self, directory: Path) -> None:
        """Write all of it into `directory`."""
        ...


@dataclass(frozen=True)
class Signals:
    """All that is known of an item for a user, as named tables.

    An item without interactions has no signal of its own from what users did; it gets the mean of its nearest items'
    (`lifted:NAME`), and its signals are weighed apart from those of other items (`cold:NAME`).

    Attributes:
        parts: Fitted scorers by name.
        popularity: See TimedPopularity.
        content: See ContentSignals.
        nearest: See `nearest_items`; sources are the items that somebody met.
        cold: bool [n_items], items that nobody met.
        with_cold: Whether the data has such items at all, and their signals are worth having.
    """

    parts: Mapping[str, Part]
    popularity: TimedPopularity
    content: ContentSignals
    nearest: sparse.csr_array
    cold: NDArray[np.bool_]
    with_cold: bool

    @cached_property
    def linear(self) -> Mapping[str, ItemToItemRetriever]:
        """By signal, what scores it as a sum over the user's items: each table at several half-lives, one reversed."""
        found: dict[str, ItemToItemRetriever] = {}
        for name, part in self.parts.items():
            if isinstance(part, ItemToItemRetriever):
                half_lives = _HALF_LIVES.get(name, (part.half_life,))
                found |= {f"{name}@{half_life:g}": part.at_half_life(half_life) for half_life in half_lives}
            if isinstance(part, TransitionRetriever):
                found[f"{name}-back"] = part.reversed()
        return found

    def raw(self, histories: Histories) -> Iterator[tuple[str, ScoreTable]]:
        """Name and table float32 [n_users, n_items] of every signal that has a scorer of its own, as it comes."""
        scorers: dict[str, HistoryScorer] = dict(self.linear)
        scorers |= {name: part for name, part in self.parts.items() if not isinstance(part, ItemToItemRetriever)}
        for name, scorer in scorers.items():
            yield name, scorer.score_histories(histories)
        for source in (self.popularity, self.content):
            yield from source.signals(histories).items()

    def tables(self, histories: Histories) -> Iterator[tuple[str, ScoreTable]]:
        """Name and standardised table float32 [n_users, n_items], one after the other; names are the same each time."""
        for name, raw in self.raw(histories):
            table = standardised(raw)
            yield name, self._warm(table)
            if self.with_cold and name.startswith(_ABOUT_CONTENT):
                yield f"cold:{name}", self._cold(table)
            if name in _LIFTED:
                yield from self._lifted(name, table)
        if self.with_cold:
            yield "cold", np.broadcast_to(self.cold.astype(np.float32), (len(histories), len(self.cold)))

    def _lifted(self, name: str, table: ScoreTable) -> Iterator[tuple[str, ScoreTable]]:
        if self.nearest.nnz:
            lifted = standardised(np.asarray(table @ self.nearest, dtype=np.float32))
            yield f"lifted:{name}", self._warm(lifted)
            if self.with_cold:
                yield f"cold:lifted:{name}", self._cold(lifted)

    def _warm(self, table: ScoreTable) -> ScoreTable:
        return np.where(self.cold[None, :], np.float32(0.0), table) if self.with_cold else table

    def _cold(self, table: ScoreTable) -> ScoreTable:
        return np.where(self.cold[None, :], table, np.float32(0.0))


def standardised(table: ScoreTable) -> ScoreTable:
    """Mean 0 and spread 1 over the items of each row; a row that says nothing is 0 throughout."""
    if not table.size:
        return table
    mean = table.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray((table - mean.astype(np.float32)) * scales(table)[:, None], dtype=np.float32)


def scales(table: ScoreTable) -> NDArray[np.float32]:
    """What standardising multiplies each row by, float32 [n_users]; 0 for a row that says nothing."""
    spread = table.std(axis=1, dtype=np.float64)
    return np.where(spread > 1e-9, 1.0 / np.maximum(spread, 1e-9), 0.0).astype(np.float32)
