"""Stages that rank the same candidates, side by side: which is best, and from which it is not shown to differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.results import ORACLE, SPREAD, TEMPERATURE, WEIGHT, Difference, Evaluation, StageResult

HEADLINE = "NDCG@10"
N_TOLD_APART = 5  # stages with a colour of their own
_SEED = 0  # of the bootstrap
_UNKNOWN = Estimate(float("nan"))
_LOWER_IS_BETTER = frozenset({"gini", "ECE", "Brier", "NLL", "ECE|T", "Brier|T", "NLL|T", "order_flips"})
# More of these is another taste, not a better list.
_NEITHER = frozenset({"novelty", "popularity_bias", TEMPERATURE})


@dataclass(frozen=True)
class Panel:
    """Stages under one protocol with the same candidates.

    Attributes:
        suffix: What their names end in: empty, `@cold` or `@all`.
        stages: The highest NDCG@10 first, those without one last.
        estimates: Of each stage by metric.
        differences: As the evaluation found them.
    """

    suffix: str
    stages: tuple[StageResult, ...]
    estimates: Mapping[str, Mapping[str, Estimate]]
    differences: tuple[Difference, ...]

    @classmethod
    def of(cls, suffix: str, stages: Sequence[StageResult], differences: Sequence[Difference]) -> Panel:
        """The panel of `stages`, put in order."""
        estimates = {stage.name: stage.estimates for stage in stages}
        last = float("-inf")
        ordered = sorted(
            stages, key=lambda stage: -np.nan_to_num(_mean(estimates[stage.name], HEADLINE), nan=last, neginf=last)
        )
        return cls(suffix, tuple(ordered), estimates, tuple(differences))

    @property
    def slots(self) -> Mapping[str, int]:
        """Number of the colour of each stage that has its own; the same in all figures."""
        return {stage.name: slot for slot, stage in enumerate(self.stages[:N_TOLD_APART])}

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that any stage has, in the order met."""
        return tuple(dict.fromkeys(metric for found in self.estimates.values() for metric in found))

    def estimate(self, stage: str, metric: str) -> Estimate:
        """Of a stage; nan where it has no such metric."""
        return self.estimates[stage].get(metric, _UNKNOWN)

    def cutoffs(self, family: str) -> tuple[int, ...]:
        """Every k of `family@k`, ascending."""
        ends = (metric.removeprefix(f"{family}@") for metric in self.metrics if metric.startswith(f"{family}@"))
        return tuple(sorted(int(end) for end in ends if end.isdecimal()))

    def best(self, metric: str) -> str | None:
        """The stage that is best in `metric`; None where nothing is better than something else."""
        family = metric.partition("@")[0]
        known = {name: _mean(found, metric) for name, found in self.estimates.items()}
        known = {name: mean for name, mean in known.items() if np.isfinite(mean)}
        if len(known) < 2 or family in _NEITHER or family.startswith((WEIGHT, SPREAD)):
            return None
        pick = min if family in _LOWER_IS_BETTER else max
        return pick(known, key=lambda name: known[name])

    def as_good_as_best(self, metric: str) -> frozenset[str]:
        """Stages whose paired difference from the best holds 0; only for metrics that single users have."""
        best = self.best(metric)
        return frozenset(
            stage.name
            for stage in self.stages
            if best is not None
            and stage.name != best
            and metric in stage.per_user
            and np.isfinite(_mean(self.estimates[stage.name], metric))
            and not self._difference(stage.name, best, metric).is_shown
        )

    def _difference(self, stage: str, best: str, metric: str) -> Difference:
        for known in self.differences:
            if known.metric == metric and {known.a, known.b} == {stage, best}:
                return known
        found = self._from_best[stage, metric]
        return Difference(stage, best, metric, found.mean, found.ci95)

    @cached_property
    def _from_best(self) -> Mapping[tuple[str, str], Estimate]:
        """How far each stage is from the best in each metric, user by user; drawn once for all of them."""
        by_name = {stage.name: stage.per_user for stage in self.stages}
        columns: dict[tuple[str, str], PerUser] = {}
        for metric in self.metrics:
            of_best = by_name.get(self.best(metric) or "", {}).get(metric)
            if of_best is not None:
                columns |= {
                    (name, metric): per_user[metric] - of_best
                    for name, per_user in by_name.items()
                    if metric in per_user
                }
        return bootstrap_means(columns, seed=_SEED)


def panels_of(evaluation: Evaluation) -> Iterator[Panel]:
    """One panel for each set of candidates that was ranked, in the order of the evaluation; without the oracle.

    A ceiling is no rival: it would be the best of every panel.
    """
    by_suffix: dict[str, list[StageResult]] = {}
    for name, stage in evaluation.stages.items():
        own_name, at, suffix = name.partition("@")
        if own_name != ORACLE:
            by_suffix.setdefault(at + suffix, []).append(stage)
    for suffix, stages in by_suffix.items():
        yield Panel.of(suffix, stages, evaluation.differences)


def _mean(estimates: Mapping[str, Estimate], metric: str) -> float:
    return estimates.get(metric, _UNKNOWN).mean
