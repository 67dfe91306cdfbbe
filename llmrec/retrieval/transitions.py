"""Retrieval from the order of what users did: what tends to come soon after what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.item_to_item import ItemToItemRetriever
from llmrec.retrieval.item_weights import decayed_pairs, root_counts, scaled
from llmrec.retrieval.storage import load_settings, load_sparse, save_settings, save_sparse
from llmrec.retrieval.updates import grown, widened
from llmrec.types import ItemId

_FILE = "transitions.npz"


class TransitionRetriever(ItemToItemRetriever):
    """The user's newest items times decayed counts of which item followed which.

    Cold user: nothing is retrieved, all scores are 0. Cold item: it followed nothing, so it scores 0.
    """

    name = "transitions"

    def __init__(
        self, item_ids: Sequence[ItemId], transitions: sparse.csr_array, *, half_life: float, window: int, decay: float
    ) -> None:
        """Keep fitted transitions; use `fit` to make them.

        Args:
            item_ids: All ids, in catalogue order.
            transitions: float32 [n_items, n_items], row = earlier item, column = later item.
            half_life: Steps into the past after which an item of the history counts half.
            window: As fitted; see `fit`.
            decay: As fitted; see `fit`.
        """
        super().__init__(item_ids, np.arange(len(item_ids)), transitions, half_life=half_life)
        self._transitions = transitions
        self._window = window
        self._decay = decay

    @classmethod
    def fit(cls, interactions: Interactions, *, window: int = 10, decay: float = 0.7, half_life: float = 3.0) -> Self:
        """Count ordered pairs at most `window` steps apart, each step beyond the first weighing `decay` times less.

        Counts n_ij are divided by sqrt(n_i n_j), with n_i the number of interactions of item i.

        Raises:
            ConfigError: When a number is out of range.
        """
        if window < 1 or not 0 < decay <= 1:
            raise ConfigError(f"window is {window} and decay {decay}; window must be at least 1, decay in (0, 1].")
        pairs = decayed_pairs(interactions, window=window, decay=decay)
        transitions = scaled(pairs, 1.0 / root_counts(interactions)).astype(np.float32)
        return cls(interactions.item_ids, transitions, half_life=half_life, window=window, decay=decay)

    def reversed(self) -> ItemToItemRetriever:
        """The same counts read backwards, to score with: what tends to come before what."""
        back = sparse.csr_array(self._transitions.T)
        return self._with(back, self._ids)

    def over(self, item_ids: Sequence[ItemId]) -> Self:
        """The same over a catalogue with more items at its end, which followed nothing yet."""
        return self._with(widened(self._transitions, len(item_ids)), item_ids)

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both; `before` is what this one was fitted on.

        Counted again are the pairs of users who did something new; the rest is scaled to the new numbers of
        interactions.

        Raises:
            DataError: When the three are not about the same items.
        """
        growth = grown(before, added, self._ids)
        gone, come = (
            decayed_pairs(part, window=self._window, decay=self._decay) for part in (growth.replaced, growth.replacing)
        )
        pairs = scaled(self._transitions, root_counts(before)) + come - gone
        # What is left of a pair that stands nowhere any more is rounding; the rarest pair counts decay^(window - 1).
        pairs.data[pairs.data < 0.5 * self._decay ** (self._window - 1)] = 0.0
        pairs.eliminate_zeros()
        transitions = scaled(sparse.csr_array(pairs), 1.0 / root_counts(growth.after)).astype(np.float32)
        return self._with(transitions, self._ids)

    def _with(self, transitions: sparse.csr_array, item_ids: Sequence[ItemId]) -> Self:
        return type(self)(item_ids, transitions, half_life=self._half_life, window=self._window, decay=self._decay)

    def save(self, directory: Path) -> None:
        """Write the transitions and settings into `directory`."""
        numbers = {"half_life": self._half_life, "window": self._window, "decay": self._decay}
        save_settings(directory, self.name, self._ids, **numbers)
        save_sparse(directory / _FILE, self._transitions)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids, needed=("half_life", "window", "decay"))
        return cls(
            item_ids,
            load_sparse(directory / _FILE),
            half_life=float(settings["half_life"]),
            window=int(settings["window"]),
            decay=float(settings["decay"]),
        )
