"""Retrieval from the order of what users did: what tends to come soon after what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.item_weights import normalised, pair_counts
from llmrec.retrieval.seeds import seed_weights
from llmrec.retrieval.storage import load_settings, load_sparse, save_settings, save_sparse
from llmrec.types import Candidate, ItemId, ItemMask, Query

_FILE = "transitions.npz"


class TransitionRetriever:
    """The user's newest items times decayed counts of which item followed which."""

    name = "transitions"

    def __init__(self, item_ids: Sequence[ItemId], transitions: sparse.csr_array, *, half_life: float) -> None:
        """Keep fitted transitions; use `fit` to make them.

        Args:
            item_ids: All ids, in catalogue order.
            transitions: float32 [n_items, n_items], row = earlier item, column = later item.
            half_life: Steps into the past after which an item of the history counts half.
        """
        if half_life <= 0:
            raise ConfigError(f"half_life is {half_life}; it must be above 0.")
        self._ids = tuple(item_ids)
        self._transitions = transitions
        self._half_life = half_life
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}

    @classmethod
    def fit(
        cls, interactions: Interactions, *, window: int = 10, decay: float = 0.7, half_life: float = 3.0
    ) -> TransitionRetriever:
        """Count ordered pairs at most `window` steps apart, each step beyond the first weighing `decay` times less.

        Counts n_ij are divided by sqrt(n_i n_j), with n_i the number of interactions of item i.

        Raises:
            ConfigError: When a number is out of range.
        """
        if window < 1 or not 0 < decay <= 1:
            raise ConfigError(f"window is {window} and decay {decay}; window must be at least 1, decay in (0, 1].")
        n_items = len(interactions.item_ids)
        counted = sparse.csr_array((n_items, n_items), dtype=np.float64)
        for step in range(1, window + 1):
            counted = counted + pair_counts(interactions, step) * decay ** (step - 1)
        return cls(interactions.item_ids, normalised(counted, interactions), half_life=half_life)

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]; 0 where no transition is known."""
        rows, weights = seed_weights(query, self._positions, half_life=self._half_life)
        if not len(rows):
            return np.zeros(len(self._ids), dtype=np.float32)
        return np.asarray(weights @ self._transitions[rows], dtype=np.float32)

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates that followed one of the user's items, best first."""
        require_k(k)
        scores = self.scores(query)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def save(self, directory: Path) -> None:
        """Write the transitions and settings into `directory`."""
        save_settings(directory, self.name, self._ids, half_life=self._half_life)
        save_sparse(directory / _FILE, self._transitions)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> TransitionRetriever:
        """What `save` wrote. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids)
        return cls(item_ids, load_sparse(directory / _FILE), half_life=float(settings["half_life"]))
