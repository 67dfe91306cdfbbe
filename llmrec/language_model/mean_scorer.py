"""Two networks that learned one catalogue heard as one: where one errs by chance, the other need not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.interfaces import CatalogueScorer
from llmrec.types import Histories

MEASURED = "measured"
"""In the directory of an adapter that was trained anew on the validation's answers: the one before."""


class MeanScorer:
    """Implements CatalogueScorer: the mean of what several say, each counting as much as its scores differ."""

    def __init__(self, scorers: Sequence[CatalogueScorer]) -> None:
        """Hear `scorers`, at least one, all of the same catalogue; the first gives its names."""
        self._scorers = tuple(scorers)

    @property
    def name(self) -> str:
        """Name of the base model, for traces."""
        return self._scorers[0].name

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        return self._scorers[0].adapter

    def score_histories(self, histories: Histories) -> NDArray[np.float32]:
        """float32 [n_users, n_items] in catalogue order, higher is better. Raises ModelError."""
        total = self._scorers[0].score_histories(histories)
        for scorer in self._scorers[1:]:
            total += scorer.score_histories(histories)
        return total / np.float32(len(self._scorers))
