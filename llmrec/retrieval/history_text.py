"""Retrieval by a history read as one text: for encoders fine-tuned to place a history beside what came next."""

from __future__ import annotations

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.interfaces import Embedder
from llmrec.prompting.textualize import history_document
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories, Vectors


class HistoryTextScorer:
    """Cosine between the encoded history and each item's vector.

    A cold item is scored like any other, from its text. A user without history scores 0 everywhere.
    """

    name = "dense"

    def __init__(self, catalogue: Catalogue, vectors: Vectors, embedder: Embedder, *, max_history: int) -> None:
        """Score the items of `catalogue`.

        Args:
            catalogue: The items, which also give the words of a history.
            vectors: float32 [n_items, dim], unit rows in catalogue order, made by `embedder`.
            embedder: The encoder that reads histories.
            max_history: How many of the newest items are read.

        Raises:
            ConfigError: `max_history` is below 1 or there is not one vector per item.
        """
        if max_history < 1 or len(vectors) != len(catalogue):
            raise ConfigError(f"max_history is {max_history}, with {len(vectors)} vectors for {len(catalogue)} items.")
        self._catalogue = catalogue
        self._vectors = vectors
        self._embedder = embedder
        self._max_history = max_history

    def history_texts(self, histories: Histories) -> list[str]:
        """What the encoder reads of each user."""
        ids = self._catalogue.ids
        rows = np.split(histories.items, histories.starts[1:-1])
        return [
            history_document([ids[item] for item in row.tolist()], self._catalogue, max_items=self._max_history)
            for row in rows
        ]

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items], cosines."""
        users = self._embedder.embed(self.history_texts(histories), kind="query")
        users[histories.lengths == 0] = 0
        return np.asarray(users @ self._vectors.T, dtype=np.float32)
