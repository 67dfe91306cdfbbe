"""Choosing a peer's hyper-parameters on validation, equal trials for all, and fitting the choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.side_by_side.measuring import CHOSEN_BY, averaged
from benchmarks.side_by_side.running import Outcome
from benchmarks.side_by_side.systems import Params, System
from benchmarks.side_by_side.workbench import Place, Workbench
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.results import StageResult


@dataclass(frozen=True)
class Trial:
    """What was tried and what it reached on validation; `reached` is nan where it did not end well."""

    params: Params
    outcome: Outcome
    reached: float

    def to_json(self) -> dict[str, Any]:
        """The trial as the results keep it."""
        kept = {"params": dict(self.params), "status": self.outcome.status, "seconds": self.outcome.seconds}
        if self.outcome.message:
            kept["message"] = self.outcome.message
        return {**kept, CHOSEN_BY: None if np.isnan(self.reached) else round(self.reached, 5)}


@dataclass(frozen=True)
class Measured:
    """A system on the test rows.

    Attributes:
        result: Means over the seeds that ended well.
        first: Metrics by user of the first seed on the first split, which `verify` recomputes.
        outcomes: Of every run, in the order of splits and seeds.
    """

    result: StageResult
    first: Mapping[str, PerUser]
    outcomes: tuple[Outcome, ...]


def tune(bench: Workbench, system: System, n_trials: int) -> Iterator[Trial]:
    """Every trial of the search as it ends, on the first split and seed 0."""
    place = Place("validation")
    for params in system.trials(n_trials, is_large=bench.cut.is_large):
        request = bench.request(system, params, place=place, seed=0)
        outcome = bench.run(request)
        found = bench.measured(request, place)[CHOSEN_BY] if outcome.status == "done" else np.array([np.nan])
        yield Trial(params, outcome, float(np.mean(found)))


def best_of(trials: Sequence[Trial]) -> Params | None:
    """The parameters that reached most; None when no trial ended well."""
    ended = [trial for trial in trials if not np.isnan(trial.reached)]
    return max(ended, key=lambda trial: trial.reached).params if ended else None


def test_runs(bench: Workbench, system: System, seeds: Sequence[int]) -> Sequence[tuple[Place, int]]:
    """Which fits the test needs: every seed, or with several splits one seed on each; once for what has no seed."""
    splits = range(len(bench.cut.splits))
    if len(splits) > 1:
        return [(Place("test", split), split) for split in splits]
    return [(Place("test"), seed) for seed in (seeds if system.seeded else seeds[:1])]


def measure(bench: Workbench, system: System, params: Params, seeds: Sequence[int]) -> Measured | None:
    """The chosen parameters on the test rows; None when no run ended well."""
    outcomes, runs = [], []
    for place, seed in test_runs(bench, system, seeds):
        request = bench.request(system, params, place=place, seed=seed)
        outcomes.append(bench.run(request))
        if outcomes[-1].status == "done":
            runs.append(bench.measured(request, place))
    if not runs:
        return None
    ended = [outcome.about for outcome in outcomes if outcome.about]
    seconds = {name: float(np.mean([about[f"{name}_s"] for about in ended])) for name in ("fit", "rank")}
    renamed = {"fit": seconds["fit"], "score": seconds["rank"]}
    return Measured(averaged(system.name, runs, renamed), runs[0], tuple(outcomes))
