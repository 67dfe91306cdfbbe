"""Retrieval of what is as vague words were taken to ask: by facts, so that what is unwanted attracts nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import FactColumns
from llmrec.retrieval.best import best_candidates, require_k
from llmrec.types import Candidate, ItemId, ItemMask, Query


class LeaningRetriever:
    """Items that meet most leanings of the profile, the most chosen first; a voice among others, never a filter."""

    name = "leanings"

    def __init__(self, catalogue: Catalogue, popularity: Mapping[ItemId, int]) -> None:
        """Look into the facts of `catalogue`; `popularity` says how many users met each item."""
        self._catalogue = catalogue
        self._columns = FactColumns(catalogue)
        counts = np.array([popularity.get(item_id, 0) for item_id in catalogue], dtype=np.float64)
        self._share: NDArray[np.float64] = counts / (1.0 + counts.max(initial=0.0))  # below 1: it only breaks ties

    def heard(self, query: Query) -> Hashable:
        """The leanings."""
        return query.profile.leanings

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` items among `allowed` that meet a leaning, best first; none where nothing was inferred.

        An item's score is the number of leanings it meets plus how often it was chosen, as a share below 1.
        """
        require_k(k)
        leanings = query.profile.leanings
        if not leanings:
            return []
        met = np.sum([self._columns.mask([entry.constraint]) for entry in leanings], axis=0)
        scores = np.where(met > 0, met + self._share, 0.0).astype(np.float32)
        return best_candidates(scores, k, item_ids=self._catalogue.ids, source=self.name, allowed=allowed, above=0.0)
