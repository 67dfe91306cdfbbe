"""One benchmark from search to table: what is to be done, how long it takes, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.side_by_side.own_stages import own_evaluation
from benchmarks.side_by_side.search import Measured, Trial, best_of, measure, test_runs, tune
from benchmarks.side_by_side.systems import Params, System
from benchmarks.side_by_side.table import differences, keep, note_look, sample_means, sample_of
from benchmarks.side_by_side.workbench import Place, Workbench
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.evaluation.results import Evaluation
from llmrec.types import UserId

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a comparison is to do.

    Attributes:
        stages: Our own stages to put beside the peers.
        n_trials: Of each peer's search.
        seeds: Of each fit for the test, where a seed matters.
        with_test: Whether test rows are looked at.
        data: Directory of the data sets.
        runs: Where everything that can be made again is kept.
        results: Where the tables are kept.
    """

    systems: tuple[System, ...]
    stages: tuple[str, ...]
    n_trials: int
    seeds: tuple[int, ...]
    with_test: bool
    data: Path
    runs: Path
    results: Path


@dataclass(frozen=True)
class PeerRecord:
    """A peer's part of the table; `refusal` says why it has none."""

    system: System
    trials: tuple[Trial, ...] = ()
    refusal: str = ""
    measured: Measured | None = None

    def to_json(self) -> Mapping[str, Any]:
        """The search and the runs behind its numbers."""
        if self.refusal:
            return {"not_measured": self.refusal}
        outcomes = self.measured.outcomes if self.measured else ()
        about = next((outcome.about for outcome in outcomes if outcome.about), {})
        chosen = best_of(self.trials)
        return {
            "versions": about.get("versions", {}),
            "seeded": self.system.seeded,
            "chosen": None if chosen is None else dict(chosen),
            "trials": [trial.to_json() for trial in self.trials],
            "test_runs": [
                {
                    "status": outcome.status,
                    "seconds": outcome.seconds,
                    "threads": outcome.threads,
                    "peak_memory_gib": outcome.about.get("peak_memory_gib"),
                }
                for outcome in outcomes
            ],
        }


def estimated(bench: Workbench, plan: Plan) -> str:
    """How many runs are left, and how long they take by those that ended before."""
    n_left, seconds, guessed = 0, 0.0, []
    for system in plan.systems:
        if bench.refusal(system):
            continue
        known = [
            bench.runner.known(bench.request(system, params, place=Place("validation"), seed=0))
            for params in system.trials(plan.n_trials, is_large=bench.cut.is_large)
        ]
        n_tests = len(test_runs(bench, system, plan.seeds)) if plan.with_test else 0
        n_new = known.count(None) + n_tests
        spent = [outcome.seconds for outcome in known if outcome]
        if not spent:
            guessed.append(system.name)
        n_left += n_new
        seconds += n_new * float(np.mean(spent)) if spent else 0.0
    unknown = f" plus {', '.join(guessed)}, of which none has run yet" if guessed else ""
    return f"at most {n_left} runs of peers left, about {seconds / 60:.0f} minutes by earlier trials{unknown}"


def compare(bench: Workbench, plan: Plan, *, say: Say) -> Path | None:
    """Search, fit, measure and keep; the table's path, None without a look at test rows."""
    records = [_searched(bench, system, plan, say) for system in plan.systems]
    if not plan.with_test:
        return None
    chosen = {record.system.name: best_of(record.trials) for record in records}
    note_look(bench.cut.bench, "benchmarks.quality run", [*plan.stages, *_named(chosen)], results=plan.results)
    records = [_tested(bench, record, chosen[record.system.name], plan, say) for record in records]
    evaluation, first = _joined(bench, records, plan)
    extras = {
        "threads": max(
            (run.threads for record in records if record.measured for run in record.measured.outcomes), default=0
        ),
        "split_seeds": list(bench.cut.bench.split_seeds),
        "n_trials": plan.n_trials,
        "peers": {record.system.name: record.to_json() for record in records},
        "sample": _sample(evaluation, first),
    }
    path = keep(evaluation, bench.cut.bench, extras, runs=plan.runs, results=plan.results)
    say(f"kept {path}")
    return path


def _named(chosen: Mapping[str, Params | None]) -> Sequence[str]:
    return [name for name, params in chosen.items() if params is not None]


def _searched(bench: Workbench, system: System, plan: Plan, say: Say) -> PeerRecord:
    refusal = bench.refusal(system)
    if refusal:
        say(f"{system.name}: {refusal}")
        return PeerRecord(system, refusal=refusal)
    trials = []
    for trial in tune(bench, system, plan.n_trials):
        trials.append(trial)
        reached = "" if np.isnan(trial.reached) else f"NDCG@10 {trial.reached:.4f} "
        say(f"{system.name} trial {len(trials)}: {trial.outcome.status} {reached}in {trial.outcome.seconds:.0f} s")
    return PeerRecord(system, tuple(trials))


def _tested(bench: Workbench, record: PeerRecord, params: Params | None, plan: Plan, say: Say) -> PeerRecord:
    if params is None:
        return record if record.refusal else replace(record, refusal="no trial ended well")
    found = measure(bench, record.system, params, plan.seeds)
    if found is None:
        return replace(record, refusal="no run for the test ended well")
    say(f"{record.system.name} test: NDCG@10 {found.result.per_user['NDCG@10'].mean():.4f}")
    return replace(record, measured=found)


def _joined(bench: Workbench, records: Sequence[PeerRecord], plan: Plan) -> tuple[Evaluation, Mapping[str, Any]]:
    """Ours and the peers' as one evaluation, and the first run's metrics of each."""
    peers = [record.measured.result for record in records if record.measured]
    first = {record.system.name: record.measured.first for record in records if record.measured}
    ours, own_first = own_evaluation(bench.cut, plan.stages, seeds=plan.seeds, runs=plan.runs)
    stages = {stage.name: stage for stage in (*ours, *peers)}
    # Where no peer can be measured, ours are held against each other.
    pairs = differences(ours, peers or ours)
    evaluation = Evaluation(_protocol(bench, plan), tested_users(bench), stages, pairs)
    return evaluation, {**own_first, **first}


def _protocol(bench: Workbench, plan: Plan) -> ProtocolRecord:
    cut = bench.cut
    # With several splits each has a seed of its own, and takes one fit.
    seeds = cut.bench.split_seeds if len(cut.splits) > 1 else plan.seeds
    return ProtocolRecord.of(cut.splits, name=cut.bench.dataset, part="test", core=cut.bench.core, seeds=seeds)


def tested_users(bench: Workbench) -> tuple[UserId, ...]:
    """Ids of all users of the first split's test, in the order of values by user."""
    test = bench.cut.splits[0].test
    users = np.unique(np.concatenate([task.users for task in test]))
    return tuple(test[0].fit_on.user_ids[user] for user in users.tolist())


def _sample(evaluation: Evaluation, first: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = sample_of(evaluation.users)
    return {"n": len(rows), "stages": {name: sample_means(per_user, rows) for name, per_user in first.items()}}
