"""The voice of precedents: what was recommended in training dialogues when much the same had been said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.conversation.situations import Situation
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Vectors

N_TURNS = 5
_MOST_WORDS = 64
_N_NEIGHBOURS = 100
_SHARPNESS = 10.0


class Precedents:
    """Votes of the nearest training situations for what was named next there."""

    def __init__(
        self, texts: TextVectors, contexts: Vectors, answers: sparse.csr_array, trust: NDArray[np.float32]
    ) -> None:
        """Compare with training situations; use `fit` to make one.

        Args:
            texts: Encodes situations.
            contexts: float32 [n_lessons, dim], of the training situations.
            answers: float32 [n_lessons, n_items], what was named next.
            trust: float32 [n_lessons], how much a vote counts.
        """
        self._texts = texts
        self._contexts = contexts
        self._answers = answers
        self._trust = trust

    @classmethod
    def fit(cls, training: Training, texts: TextVectors) -> Self:
        """Encode all training situations."""
        contexts = texts.of([context_text(lesson.situation) for lesson in training.lessons], "query")
        return cls(texts, contexts, training.answers, training.trust)

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """exp(10 cosine) of the 100 nearest, as shares of their sum."""
        vectors = self._texts.of([context_text(situation) for situation in situations], "query")
        likeness = vectors @ self._contexts.T
        n = min(_N_NEIGHBOURS, likeness.shape[1])
        least = np.partition(likeness, -n, axis=1)[:, -n][:, None]
        votes = np.where(likeness >= least, np.exp(_SHARPNESS * likeness), 0.0) * self._trust
        shares = (votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return np.asarray(shares @ self._answers, dtype=np.float32)


def context_text(situation: Situation) -> str:
    """What an encoder reads of a situation: the end of its last turns, for the end is what an answer is due to."""
    return " ".join(situation.said(N_TURNS).split()[-_MOST_WORDS:])
