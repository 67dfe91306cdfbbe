"""A history read as one text."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.retrieval.history_text import HistoryTextScorer
from llmrec.types import Histories, Vectors


class NotingEmbedder:
    """Places every text in the east and notes what it read."""

    name = "noting"
    dim = 2

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        self.read += [(kind, text) for text in texts]
        return np.tile(np.array([1, 0], dtype=np.float32), (len(texts), 1))


def histories(*users: list[int]) -> Histories:
    items = np.array([item for user in users for item in user], dtype=np.int32)
    starts = np.cumsum([0] + [len(user) for user in users]).astype(np.int64)
    return Histories(starts, items, np.ones(len(items), dtype=np.float32), np.arange(len(items), dtype=np.float64))


@pytest.fixture
def vectors(films: Catalogue) -> Vectors:
    angles = np.linspace(0, np.pi, len(films))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_encoder_reads_the_newest_titles_newest_first_as_a_query(films: Catalogue, vectors: Vectors) -> None:
    embedder = NotingEmbedder()
    HistoryTextScorer(films, vectors, embedder, max_history=2).score_histories(histories([1, 2, 4]))
    assert embedder.read == [("query", "The Matrix (1999); Aliens (1986)")]


def test_scores_are_cosines_with_every_item(films: Catalogue, vectors: Vectors) -> None:
    scores = HistoryTextScorer(films, vectors, NotingEmbedder(), max_history=2).score_histories(histories([1], [2, 3]))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, np.tile(vectors[:, 0], (2, 1)))


def test_a_user_without_history_scores_nought_everywhere(films: Catalogue, vectors: Vectors) -> None:
    scores = HistoryTextScorer(films, vectors, NotingEmbedder(), max_history=2).score_histories(histories([], [2]))
    assert not scores[0].any()
    assert scores[1].any()


def test_an_item_met_twice_stands_where_it_was_met_last(films: Catalogue, vectors: Vectors) -> None:
    scorer = HistoryTextScorer(films, vectors, NotingEmbedder(), max_history=5)
    assert scorer.history_texts(histories([1, 2, 1])) == ["Alien (1979); Aliens (1986)"]


def test_vectors_of_other_items_are_refused(films: Catalogue, vectors: Vectors) -> None:
    with pytest.raises(ConfigError, match="9 vectors for 10 items"):
        HistoryTextScorer(films, vectors[:9], NotingEmbedder(), max_history=2)
