"""From what single tasks and seeds gave to one result of a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.data.splits import Task
from llmrec.evaluation.beyond_accuracy import Popularity, coverage, exposure, gini
from llmrec.evaluation.calibration import joined
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.groups import (
    GroupGap,
    GroupMetrics,
    Groups,
    activity_groups,
    answer_group_metrics,
    item_popularity_groups,
    user_group_metrics,
)
from llmrec.evaluation.measuring import Measured, Timing
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks
from llmrec.evaluation.results import GroupEstimate, StageResult

_GROUPED = ("NDCG@10", "R@10")
_SHOWN = 10  # length of the lists whose exposure is kept
_SEED, _DRAWS = 0, 1000  # of the groups' intervals, which are many


@dataclass(frozen=True)
class Piece:
    """What one task of one run gave a stage.

    Attributes:
        fit_s: Seconds of fitting.
        run: Number of the run.
    """

    measured: Measured
    task: Task
    fit_s: float
    timing: Timing
    run: int = 0


def combined(name: str, pieces: Sequence[Piece], users: NDArray[np.int64], parts: Sequence[Groups] = ()) -> StageResult:
    """Tasks of one run next to each other, runs averaged user by user.

    Args:
        name: The stage's.
        pieces: Of all runs and tasks; a stage with a closed form has those of one run of each cut only.
        users: int64 [n_users], ascending user numbers; the order of the result's columns.
        parts: Of these users, beside those by activity.
    """
    runs = [[piece for piece in pieces if piece.run == run] for run in sorted({piece.run for piece in pieces})]
    n_items = len(pieces[0].task.fit_on.item_ids)
    groups, gaps = _grouped(runs[0], users, parts)
    return StageResult(
        name=name,
        per_user=_mean_by_user(runs, users),
        overall=_mean_of([_overall(run, n_items) for run in runs]),
        seconds=_seconds(runs),
        exposure=_exposure(runs, n_items),
        groups=groups,
        gaps=gaps,
        reliability=joined([piece.measured.reliability for piece in pieces if piece.measured.reliability]),
    )


def popularity_of(tasks: Sequence[Popularity]) -> NDArray[np.float64]:
    """Users who met each item in what is learned from, float64 [n_items], mean over tasks."""
    return np.asarray(np.mean([task.counts for task in tasks], axis=0), dtype=np.float64)


def _mean_by_user(runs: Sequence[Sequence[Piece]], users: NDArray[np.int64]) -> Mapping[str, PerUser]:
    metrics = dict.fromkeys(metric for run in runs for piece in run for metric in piece.measured.per_user)
    return {metric: _mean_known([_column(run, metric, users) for run in runs]) for metric in metrics}


def _column(run: Sequence[Piece], metric: str, users: NDArray[np.int64]) -> PerUser:
    column = np.full(len(users), np.nan)
    for piece in run:
        if metric in piece.measured.per_user:
            column[np.searchsorted(users, piece.measured.users)] = piece.measured.per_user[metric]
    return column


def _mean_known(columns: Sequence[PerUser]) -> PerUser:
    """Mean over those of the columns that are not nan in a place; nan where all are."""
    table = np.stack(columns)
    known = ~np.isnan(table)
    n_known = known.sum(axis=0)
    total = np.where(known, table, 0.0).sum(axis=0)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)


def _overall(run: Sequence[Piece], n_items: int) -> Mapping[str, float]:
    lists = np.concatenate([piece.measured.lists for piece in run])
    found = _mean_of([piece.measured.overall for piece in run])
    for k in CUTOFFS:
        shown = exposure(lists[:, :k], n_items)
        found |= {f"coverage@{k}": coverage(shown), f"gini@{k}": gini(shown)}
    return found


def _mean_of(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in found if key in one])) for one in found for key in one}


def _exposure(runs: Sequence[Sequence[Piece]], n_items: int) -> NDArray[np.float64]:
    lists = [piece.measured.lists[:, :_SHOWN] for run in runs for piece in run]
    return exposure(np.concatenate(lists), n_items) / len(runs)


def _seconds(runs: Sequence[Sequence[Piece]]) -> Mapping[str, float]:
    """Of one run on average; latencies over all users that were timed alone."""
    pieces = [piece for run in runs for piece in run]
    p50, p95, p99 = np.quantile(np.concatenate([piece.timing.alone_s for piece in pieces]), [0.5, 0.95, 0.99]).tolist()
    return {
        "fit": sum(piece.fit_s for piece in pieces) / len(runs),
        "score": sum(piece.timing.score_s for piece in pieces) / len(runs),
        "p50": p50,
        "p95": p95,
        "p99": p99,
    }


def _grouped(
    run: Sequence[Piece], users: NDArray[np.int64], parts: Sequence[Groups]
) -> tuple[tuple[GroupEstimate, ...], tuple[GroupEstimate, ...]]:
    """Headlines by parts of the users and by popularity of the answer, in the first run."""
    lengths = np.zeros(len(users), dtype=np.int64)
    for piece in run:
        lengths[np.searchsorted(users, piece.measured.users)] = piece.task.histories.lengths
    columns = {metric: _column(run, metric, users) for metric in _GROUPED}
    by_user = [activity_groups(lengths), *parts]
    found = [user_group_metrics(part, columns, seed=_SEED, n_draws=_DRAWS) for part in by_user]
    found.append(_by_answer(run))
    return (
        tuple(estimate for part in found for estimate in part.estimates),
        tuple(_gap(gap) for part in found for gap in part.gaps),
    )


def _by_answer(run: Sequence[Piece]) -> GroupMetrics:
    ranks = AnswerRanks.joined([piece.measured.ranks for piece in run])
    met = popularity_of([Popularity.of(piece.task.fit_on) for piece in run])
    return answer_group_metrics(item_popularity_groups(met), ranks, _GROUPED, seed=_SEED, n_draws=_DRAWS)


def _gap(gap: GroupGap) -> GroupEstimate:
    return GroupEstimate(gap.column, f"{gap.highest} - {gap.lowest}", gap.metric, 0, gap.estimate)
