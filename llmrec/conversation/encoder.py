"""The conversation encoder: a projection, learned from training dialogues, that lays what was said beside what fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from llmrec.conversation.precedents import context_text
from llmrec.conversation.situations import Situation
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training
from llmrec.errors import ArtifactError
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Vectors

PRIOR_SAYINGS = 2.0  # so many empty sayings are added to those of an item: of few, little is known
PRIOR_NAMED = 0.3


@dataclass(frozen=True)
class Projection:
    """Weights of the encoder.

    Attributes:
        queries: float32 [2 * dim, n_out], of what was said and the mean document of the items spoken of.
        items: float32 [2 * dim, n_out], of an item's document and of what was said before it was named.
    """

    queries: NDArray[np.float32]
    items: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write the weights as one file."""
        save_file({"queries": self.queries, "items": self.items}, path)

    @classmethod
    def load(cls, path: Path, *, dim: int) -> Self:
        """What `save` wrote, for a text encoder with vectors of length `dim`. Raises ArtifactError."""
        try:
            held = load_file(path)
            projection = cls(held["queries"], held["items"])
        except (OSError, KeyError, SafetensorError) as error:
            raise ArtifactError(f"{path} holds no conversation encoder.", hint="Train it again.") from error
        if projection.queries.shape != projection.items.shape or len(projection.items) != 2 * dim:
            raise ArtifactError(
                f"{path} is for another text encoder: it reads {len(projection.items)} numbers, not {2 * dim}.",
                hint="Train it again with finetune/train_retriever.py --task conversation.",
            )
        return projection


@dataclass(frozen=True)
class EncoderInputs:
    """What the projection reads.

    Attributes:
        texts: Encodes situations.
        documents: float32 [n_items, dim], the items' own.
        sayings: float32 [n_items, dim], sums of what was said before each item was named.
        n_sayings: float32 [n_items], of how many.
        n_named: float32 [n_items], how many dialogues name each.
    """

    texts: TextVectors
    documents: Vectors
    sayings: NDArray[np.float32]
    n_sayings: NDArray[np.float32]
    n_named: NDArray[np.float32]

    @classmethod
    def of(cls, training: Training, texts: TextVectors, documents: Vectors) -> Self:
        """Gather them; `documents` are the items' vectors."""
        contexts = texts.of([context_text(lesson.situation) for lesson in training.lessons], "query")
        sayings = np.asarray(training.answers.T @ contexts, dtype=np.float32)
        counts = (np.asarray(table.sum(axis=0), np.float32).ravel() for table in (training.answers, training.named))
        return cls(texts, documents, sayings, *counts)

    def queries(self, situations: Sequence[Situation]) -> NDArray[np.float32]:
        """float32 [n_situations, 2 * dim]."""
        said = self.texts.of([context_text(situation) for situation in situations], "query")
        spoken = np.zeros((len(situations), self.documents.shape[1]), dtype=np.float32)
        for row, situation in enumerate(situations):
            if situation.items:
                spoken[row] = self.documents[list(situation.items)].mean(axis=0)
        return np.concatenate([said, spoken], axis=1)

    def items(self) -> NDArray[np.float32]:
        """float32 [n_items, 2 * dim]."""
        means = self.sayings / (self.n_sayings + PRIOR_SAYINGS)[:, None]
        return np.concatenate([self.documents, means], axis=1)


class ConversationEncoder:
    """Log of how likely each item is, but for a constant: how near it is to what was said, and how often it is named.

    A cold item has its document only, and the smallest prior.
    """

    def __init__(self, projection: Projection, inputs: EncoderInputs) -> None:
        """Project `inputs`."""
        self._projection = projection
        self._inputs = inputs
        self._items = inputs.items() @ projection.items
        self._beforehand = np.log(inputs.n_named + PRIOR_NAMED)

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Inner products plus the logarithm of the prior."""
        queries = self._inputs.queries(situations) @ self._projection.queries
        return np.asarray(queries @ self._items.T + self._beforehand, dtype=np.float32)
