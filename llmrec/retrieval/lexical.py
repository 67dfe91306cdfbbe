"""Retrieval by words: BM25 over the items' documents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.best import best_candidates, require_k
from llmrec.retrieval.storage import load_settings, save_settings
from llmrec.retrieval.words import words
from llmrec.types import Candidate, ItemId, ItemMask, Query

_INDEX = "index"
# The library sets its own logger to DEBUG on import, and would write to every log that listens.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class BM25Retriever:
    """Items whose document shares words with the wish; items without any are not returned."""

    name = "bm25"

    def __init__(self, item_ids: Sequence[ItemId], index: bm25s.BM25) -> None:
        """Search an index whose documents stand in the order of `item_ids`; use `fit` to make one."""
        self._ids = tuple(item_ids)
        self._index = index

    @classmethod
    def fit(cls, catalogue: Catalogue, *, k1: float = 1.5, b: float = 0.75) -> BM25Retriever:
        """Index the documents of `catalogue`. Source: Robertson & Zaragoza 2009, as `lucene` scores it."""
        index = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy", csc_backend="numpy", auto_compile=False)
        # The index cannot be built of no word at all; a blank stands for a catalogue without text.
        documents = [words(item_document(item)) or [""] for item in catalogue.values()] or [[""]]
        index.index(documents, show_progress=False)
        return cls(catalogue.ids, index)

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates by BM25 score, best first; none when no word of the wish is known."""
        require_k(k)
        vocabulary = self._index.vocab_dict
        tokens = [vocabulary[word] for word in words(query.text) if word in vocabulary]
        if not tokens or not self._ids:
            return []
        scores = np.asarray(self._index.get_scores_from_ids(tokens), dtype=np.float32)
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def save(self, directory: Path) -> None:
        """Write the index into `directory`."""
        save_settings(directory, self.name, self._ids)
        self._index.save(directory / _INDEX, show_progress=False)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> BM25Retriever:
        """What `save` wrote. Raises ArtifactError."""
        load_settings(directory, cls.name, item_ids)
        try:
            index = bm25s.BM25.load(directory / _INDEX, show_progress=False, allow_pickle=False, auto_compile=False)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise ArtifactError(f"the word index in {directory} is damaged.", hint="Build it again.") from error
        return cls(item_ids, index)
