"""How well an encoder finds the validation users' next items in the whole catalogue: to stop by and to report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sentence_transformers.base.model import BaseModel
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from llmrec.data.catalogue import Catalogue
from llmrec.data.splits import Task
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.metrics import answer_ranks, user_metrics
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
_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of log popularity beside scale * cosine; the loss itself implies 1
UserMetrics = Mapping[str, PerUser]


@dataclass(frozen=True)
class Validation:
    """The users to stop by.

    In-batch negatives come as often as people met them, so the loss drives scale * cosine towards
    log p(item | history) - log p(item): a cosine alone favours what few people met. To rank the whole catalogue, the
    second term is added back from the interactions that were learned from.
    Source: Yi et al. 2019, Sampling-Bias-Corrected Neural Modeling, section 4.

    Attributes:
        catalogue: What is ranked.
        task: Of the validation part; only metrics see its answers.
        max_history: How many items of a history are read.
        scale: What the loss multiplies cosines by.
    """

    catalogue: Catalogue
    task: Task
    max_history: int
    scale: float

    def documents(self, encoder: Embedder) -> Vectors:
        """Vectors of all items, float32 [n_items, dim]."""
        return encoder.embed([item_document(item) for item in self.catalogue.values()], kind="document")

    def by_history_text(self, encoder: Embedder) -> UserMetrics:
        """Metrics of every user by the history's text and the popularity that the loss left out: what is stopped by."""
        return self._metrics(self._text_scores(encoder, self.documents(encoder)), weight=1 / self.scale)

    def rows(self, encoder: Embedder, vectors: Vectors, name: str) -> Mapping[str, UserMetrics]:
        """Metrics of both ways to make a vector of a user, alone and with popularity, by what was measured.

        How many items are averaged and what popularity weighs is what is best here, for every encoder alike.
        """
        store = ExactVectorStore(self.catalogue.ids, vectors)
        means = {n: DenseRetriever(store, n_items=n).score_histories(self.task.histories) for n in _MEANS}
        n = max(_MEANS, key=lambda n: float(np.nanmean(self._metrics(means[n])[NDCG])))
        return {
            **self._alone_and_with(self._text_scores(encoder, vectors), f"{name}, history text"),
            **self._alone_and_with(means[n], f"{name}, mean of the last {n} items"),
        }

    def shortened_rows(self, encoder: Embedder, vectors: Vectors, sizes: Sequence[int]) -> Mapping[str, UserMetrics]:
        """The same for the history's text when only the first so many numbers of each vector are kept, by size."""
        users = encoder.embed(self._scorer(encoder, vectors).history_texts(self.task.histories), kind="query")
        rows: dict[str, UserMetrics] = {}
        for size in sizes:
            if size < encoder.dim:
                cosines = np.asarray(_first(users, size) @ _first(vectors, size).T, dtype=np.float32)
                rows |= self._alone_and_with(cosines, f"fine-tuned, history text, first {size} numbers")
        return rows

    @cached_property
    def _log_popularity(self) -> NDArray[np.float32]:
        counts = np.bincount(self.task.fit_on.items, minlength=len(self.catalogue))
        return np.log1p(counts).astype(np.float32)

    def _scorer(self, encoder: Embedder, vectors: Vectors) -> HistoryTextScorer:
        return HistoryTextScorer(self.catalogue, vectors, encoder, max_history=self.max_history)

    def _text_scores(self, encoder: Embedder, vectors: Vectors) -> ScoreTable:
        return self._scorer(encoder, vectors).score_histories(self.task.histories)

    def _alone_and_with(self, cosines: ScoreTable, name: str) -> Mapping[str, UserMetrics]:
        tried = [self._metrics(cosines, weight=weight / self.scale) for weight in _WEIGHTS]
        best = max(tried, key=lambda metrics: float(np.nanmean(metrics[NDCG])))
        return {name: self._metrics(cosines), f"{name} + popularity": best}

    def _metrics(self, cosines: ScoreTable, *, weight: float = 0.0) -> UserMetrics:
        scores = np.asarray(cosines + weight * self._log_popularity, dtype=np.float32)
        per_user = user_metrics(answer_ranks(scores, self.task.histories, self.task.answers))
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
        found = self._validation.by_history_text(self._encoder)
        return {name: float(np.nanmean(values)) for name, values in found.items()}


def _first(vectors: Vectors, size: int) -> Vectors:
    """The first `size` numbers of each row, of unit length again."""
    short = vectors[:, :size]
    return np.asarray(short / np.maximum(np.linalg.norm(short, axis=1, keepdims=True), 1e-12), dtype=np.float32)
