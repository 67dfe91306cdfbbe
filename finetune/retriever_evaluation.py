"""How well an encoder finds the validation users' next items in the whole catalogue: to stop by and to report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sentence_transformers.base.model import BaseModel
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from llmrec.data.catalogue import Catalogue
from llmrec.data.splits import Task
from llmrec.evaluation.metrics import answer_ranks, user_metrics
from llmrec.evaluation.results import PerUser
from llmrec.interfaces import Embedder
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.history_text import HistoryTextScorer
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.types import Vectors

NDCG = "NDCG@10"
METRICS = (NDCG, "R@10", "R@50")
_MEANS = (1, 2, 3, 5, 10, 20)
UserMetrics = Mapping[str, PerUser]


@dataclass(frozen=True)
class Validation:
    """The users to stop by.

    Attributes:
        catalogue: What is ranked.
        task: Of the validation part; only metrics see its answers.
        max_history: How many items of a history are read.
    """

    catalogue: Catalogue
    task: Task
    max_history: int

    def documents(self, encoder: Embedder) -> Vectors:
        """Vectors of all items, float32 [n_items, dim]."""
        return encoder.embed([item_document(item) for item in self.catalogue.values()], kind="document")

    def of_history_text(self, encoder: Embedder, vectors: Vectors) -> UserMetrics:
        """Metrics of every user when the history is read as one text."""
        scorer = HistoryTextScorer(self.catalogue, vectors, encoder, max_history=self.max_history)
        return self._metrics(scorer.score_histories(self.task.histories))

    def rows(self, encoder: Embedder, vectors: Vectors, name: str) -> Mapping[str, UserMetrics]:
        """Metrics of both ways to make a vector of a user, by a name that says which.

        The mean is taken over the last n items, with the n that is best here.
        """
        store = ExactVectorStore(self.catalogue.ids, vectors)
        means = {
            n: self._metrics(DenseRetriever(store, n_items=n).score_histories(self.task.histories)) for n in _MEANS
        }
        best = max(means, key=lambda n: float(np.nanmean(means[n][NDCG])))
        return {
            f"{name}, history text": self.of_history_text(encoder, vectors),
            f"{name}, mean of the last {best} items": means[best],
        }

    def shortened_rows(self, encoder: Embedder, sizes: Sequence[int]) -> Mapping[str, UserMetrics]:
        """Metrics of the history's text when only the first so many numbers of each vector are kept, by size."""
        short = [_Shortened(encoder, size) for size in sizes if size < encoder.dim]
        return {
            f"fine-tuned, history text, first {each.dim} numbers": self.of_history_text(each, self.documents(each))
            for each in short
        }

    def _metrics(self, scores: ScoreTable) -> UserMetrics:
        ranks = answer_ranks(scores, self.task.histories, self.task.answers)
        per_user = user_metrics(ranks)
        return {name: per_user[name] for name in METRICS}


class NextItemEvaluator(SentenceEvaluator):
    """Asks the validation users during training; NDCG@10 over the whole catalogue decides which weights are kept."""

    def __init__(self, validation: Validation, encoder: Embedder) -> None:
        """Ask `validation` of `encoder`, which must read the weights that are being trained."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = NDCG
        self._validation = validation
        self._encoder = encoder

    def __call__(
        self, model: BaseModel, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Means over the users, by metric."""
        per_user = self._validation.of_history_text(self._encoder, self._validation.documents(self._encoder))
        return {name: float(np.nanmean(values)) for name, values in per_user.items()}


@dataclass(frozen=True)
class _Shortened:
    """An encoder whose vectors end after `dim` numbers, of unit length again."""

    encoder: Embedder
    dim: int

    @property
    def name(self) -> str:
        return f"{self.encoder.name}, first {self.dim}"

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        vectors = self.encoder.embed(texts, kind=kind)[:, : self.dim]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
