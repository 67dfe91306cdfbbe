"""How well a ranker orders the validation users' slates: by itself, and fused with the retriever's scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from finetune.ranker_candidates import Case
from llmrec.evaluation.estimates import PerUser
from llmrec.interfaces import Ranker
from llmrec.ranking.calibrated import CalibratedRanker
from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.fusion_model import FusionModel
from llmrec.types import Candidate, ItemId, Query, Ranking

_K = 10
_LOG_TEMPERATURES = (-3.0, 4.0)  # from sure of everything to sure of nothing
_LM_SHARE = 0.1


@dataclass(frozen=True)
class Panel:
    """Some users and what a ranker made of their slates.

    Attributes:
        rankings: Of each case, in their order.
        max_lift: As FusedRanker has it.
    """

    cases: Sequence[Case]
    rankings: Sequence[Ranking]
    max_lift: int

    @classmethod
    def heard(cls, ranker: Ranker, cases: Sequence[Case], *, max_lift: int) -> Panel:
        """Ask `ranker` for every case."""
        return cls(cases, [ranker.rank(case.query, case.candidates) for case in cases], max_lift)

    @property
    def lm(self) -> PerUser:
        """NDCG@10 of the model's own order, float64 [n_cases]; where it did not answer, the retriever's."""
        return self._ndcgs(self.rankings)

    @property
    def retrieval(self) -> PerUser:
        """The same of the retriever's order."""
        return np.array([_ndcg([found.item_id for found in case.candidates], case.answer) for case in self.cases])

    @property
    def random(self) -> float:
        """What chance would get on average."""
        means = [np.mean(_discounts(len(case.candidates))) for case in self.cases]
        return float(np.mean(means)) if means else math.nan

    @property
    def label_mass(self) -> float:
        """Mean belief in anything that was asked for; nan when nothing was answered."""
        masses = [ranking.report.label_mass for ranking in self.rankings if ranking.report.lm_scores]
        return float(np.mean(masses)) if masses else math.nan

    @property
    def failure(self) -> str:
        """Why the model failed, where it failed on everybody; empty when it answered somebody, were it nonsense."""
        reports = [ranking.report for ranking in self.rankings]
        failed = [report for report in reports if report.degraded and math.isnan(report.label_mass)]
        return failed[0].degraded if reports and len(failed) == len(reports) else ""

    @property
    def n_degraded(self) -> int:
        """Users whose slate the model did not order."""
        return sum(not ranking.report.lm_scores for ranking in self.rankings)

    def fused(self, lm_weight: float) -> PerUser:
        """NDCG@10 of both voices as a recommender fuses them, float64 [n_cases]."""
        fused = []
        for case, ranking in zip(self.cases, self.rankings, strict=True):
            ranker = FusedRanker(_Heard(ranking), lm_weight=lm_weight, max_lift=self.max_lift)
            fused.append(ranker.rank(case.query, case.candidates))
        return self._ndcgs(fused)

    def calibrated(self, fusion: FusionModel, popularity: Mapping[ItemId, int]) -> PerUser:
        """NDCG@10 of all voices as a recommender with `fusion` hears them, float64 [n_cases]."""
        fused = []
        for case, ranking in zip(self.cases, self.rankings, strict=True):
            ranker = CalibratedRanker(_Heard(ranking), fusion, popularity, slate_size=len(case.candidates))
            fused.append(ranker.rank(case.query, case.candidates))
        return self._ndcgs(fused)

    def best_weight(self, weights: Iterable[float]) -> float:
        """That one of `weights`, or 0, which orders best on average; the smallest of equals."""
        return max([0.0, *sorted(weights)], key=lambda weight: float(self.fused(weight).mean()))

    def stop_score(self, lm_weight: float) -> float:
        """What training is stopped by: the fused order, and a little of the model's own.

        A model that is still worth nothing beside the retriever would otherwise seem to stand still while it learns.
        """
        return float(self.fused(lm_weight).mean() + _LM_SHARE * self.lm.mean())

    def temperature(self) -> float:
        """What scores are divided by before the softmax over a slate so that its probabilities come true most.

        Least mean negative log-likelihood of the answers. Source: Guo et al. 2017. 1 where nothing was answered.
        """
        rows = [
            (np.fromiter(ranking.report.lm_scores.values(), dtype=np.float64), ranking.report.lm_scores[case.answer])
            for case, ranking in zip(self.cases, self.rankings, strict=True)
            if case.answer in ranking.report.lm_scores
        ]
        if not rows:
            return 1.0
        found = minimize_scalar(lambda t: _nll(rows, math.exp(t)), bounds=_LOG_TEMPERATURES, method="bounded")
        return float(math.exp(found.x))

    def _ndcgs(self, rankings: Sequence[Ranking]) -> PerUser:
        return np.array(
            [_ndcg(ranking.item_ids, case.answer) for case, ranking in zip(self.cases, rankings, strict=True)]
        )


@dataclass(frozen=True)
class _Heard:
    """A ranker that says again what it said."""

    ranking: Ranking

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """What was said."""
        return self.ranking


def _ndcg(item_ids: Sequence[ItemId], answer: ItemId) -> float:
    """nDCG@10 of one answer: 1 / log2(rank + 1), 0 beyond. Source: Jarvelin & Kekalainen 2002."""
    place = item_ids.index(answer)
    return 1 / math.log2(place + 2) if place < _K else 0.0


def _discounts(n: int) -> NDArray[np.float64]:
    ranks = np.arange(1, n + 1)
    return np.where(ranks <= _K, 1 / np.log2(ranks + 1), 0.0)


def _nll(rows: Sequence[tuple[NDArray[np.float64], float]], temperature: float) -> float:
    return float(np.mean([_log_sum(scores / temperature) - answer / temperature for scores, answer in rows]))


def _log_sum(values: NDArray[np.float64]) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum()))
