"""Whether a stage serves all alike: metrics among parts of the users, and the gaps between the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import DataError
from llmrec.evaluation.estimates import N_DRAWS, Estimate, PerUser, bootstrap_draws, estimates_of
from llmrec.evaluation.metrics import AnswerRanks, user_metrics
from llmrec.evaluation.results import GroupEstimate

ACTIVITY = ("fewest", "fewer", "more", "most")
POPULARITY = ("head", "middle", "tail")
BUILT_IN = _BY_ACTIVITY, _BY_POPULARITY = "user activity", "item popularity"
"""Columns that every stage is compared by."""
_END_SHARE = 0.2  # of all interactions, for the head and for the tail


@dataclass(frozen=True)
class Groups:
    """Users, or items, in parts.

    Attributes:
        column: What divides them, e.g. `user activity`.
        names: Of the parts.
        of: int64 [n], the part of each; -1 for none.
    """

    column: str
    names: tuple[str, ...]
    of: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupGap:
    """How far a metric's best and worst part are from each other.

    Attributes:
        column: What divides the users.
        metric: Which one.
        highest: Part with the highest mean; of several, the first.
        lowest: Part with the lowest mean.
        estimate: Highest minus lowest. The two were picked because they are far apart, so with many small parts the gap
            looks larger than it is; the interval is that of these two parts alone.
    """

    column: str
    metric: str
    highest: str
    lowest: str
    estimate: Estimate


@dataclass(frozen=True)
class GroupMetrics:
    """Metrics of every part that has a user, and the gap in each metric where two parts have."""

    estimates: tuple[GroupEstimate, ...]
    gaps: tuple[GroupGap, ...]


def activity_groups(lengths: NDArray[np.integer]) -> Groups:
    """Users by quartile of their history's length, [n_users]; equal lengths are never parted."""
    quartiles = np.quantile(lengths, [0.25, 0.5, 0.75]) if len(lengths) else np.zeros(3)
    return Groups(_BY_ACTIVITY, ACTIVITY, np.searchsorted(quartiles, lengths, side="left").astype(np.int64))


def label_groups(column: str, labels: Sequence[str | None]) -> Groups:
    """Users by a column of theirs, one label each; None and blank belong to no part."""
    texts = [(label or "").strip() for label in labels]
    names = tuple(sorted({text for text in texts if text}))
    numbers = {name: number for number, name in enumerate(names)}
    return Groups(column, names, np.array([numbers.get(text, -1) for text in texts], dtype=np.int64))


def item_popularity_groups(counts: NDArray[np.float64]) -> Groups:
    """Items by popularity: the head has 20 % of all interactions, the tail 20 %, the middle the rest.

    Equally popular items are never parted but go where the middle of their interactions lies, so the shares are about
    20 %. The most popular items are always head, the least popular ones and those that nobody met tail; when all are
    alike they are the middle. Source: Abdollahpouri et al. 2021.

    Args:
        counts: float64 [n_items], interactions of each in what was learned from.
    """
    order = np.sort(counts)
    before = np.concatenate([[0.0], np.cumsum(order)]) / max(float(order.sum()), 1.0)
    place = (before[np.searchsorted(order, counts, "left")] + before[np.searchsorted(order, counts, "right")]) / 2
    is_top, is_last = counts == counts.max(initial=0.0), counts == counts.min(initial=np.inf)
    head = ((place > 1 - _END_SHARE) | is_top) & ~is_last
    tail = ((place < _END_SHARE) | is_last) & ~is_top | (counts == 0)
    return Groups(_BY_POPULARITY, POPULARITY, np.where(head, 0, np.where(tail, 2, 1)).astype(np.int64))


def user_group_metrics(
    groups: Groups, per_user: Mapping[str, PerUser], *, seed: int, n_draws: int = N_DRAWS
) -> GroupMetrics:
    """Metrics among the users of each part, with bootstrap intervals.

    Args:
        groups: Of the users.
        per_user: By metric, float64 [n_users] in the same order; nan where a metric says nothing of a user.
        seed: Of the bootstrap.
        n_draws: Of the bootstrap.

    Raises:
        DataError: When a metric has not one value for each user of `groups`.
    """
    for metric, values in per_user.items():
        if len(values) != len(groups.of):
            raise DataError(f"{metric} has {len(values)} users and {groups.column} {len(groups.of)}.")
    by_group = [
        {metric: np.where(groups.of == number, values, np.nan) for metric, values in per_user.items()}
        for number in range(len(groups.names))
    ]
    return _measured(groups, by_group, seed=seed, n_draws=n_draws)


def answer_group_metrics(
    items: Groups, ranks: AnswerRanks, metrics: Sequence[str], *, seed: int, n_draws: int = N_DRAWS
) -> GroupMetrics:
    """Metrics of the answers of each part, with bootstrap intervals; a user with answers in several is in all of them.

    Only the answers of the part are sought, at the ranks they have among all candidates; users who have none in it are
    left out of its mean.

    Args:
        items: Parts of the catalogue's items.
        ranks: Of all answers.
        metrics: Names of `user_metrics`, e.g. `NDCG@10`.
        seed: Of the bootstrap.
        n_draws: Of the bootstrap.
    """
    cutoffs = sorted({int(metric.partition("@")[2]) for metric in metrics if "@" in metric})
    part = items.of[ranks.items]
    found = [user_metrics(ranks.where(part == number), cutoffs=cutoffs) for number in range(len(items.names))]
    by_group = [{metric: values[metric] for metric in metrics} for values in found]
    return _measured(items, by_group, seed=seed, n_draws=n_draws)


def _measured(groups: Groups, by_group: Sequence[Mapping[str, PerUser]], *, seed: int, n_draws: int) -> GroupMetrics:
    """Estimates and gaps; users are drawn once for all parts, as they may be in several, and for all metrics."""
    metrics, n = tuple(by_group[0]) if by_group else (), len(by_group)
    if not metrics:
        return GroupMetrics((), ())
    table = np.column_stack([values[metric] for metric in metrics for values in by_group])
    draws = bootstrap_draws(table, seed=seed, n_draws=n_draws)
    columns = [slice(at * n, (at + 1) * n) for at in range(len(metrics))]
    found = [
        _estimates(groups, metric, table[:, at], draws[:, at]) for metric, at in zip(metrics, columns, strict=True)
    ]
    gaps = [_gap(groups, each, draws[:, at]) for each, at in zip(found, columns, strict=True) if len(each) > 1]
    return GroupMetrics(tuple(estimate for each in found for estimate in each), tuple(gaps))


def _estimates(
    groups: Groups, metric: str, table: NDArray[np.float64], draws: NDArray[np.float64]
) -> Sequence[GroupEstimate]:
    n_users = np.count_nonzero(~np.isnan(table), axis=0).tolist()
    found = zip(groups.names, n_users, estimates_of(table, draws), strict=True)
    return [GroupEstimate(groups.column, name, metric, n, estimate) for name, n, estimate in found if n]


def _gap(groups: Groups, parts: Sequence[GroupEstimate], draws: NDArray[np.float64]) -> GroupGap:
    high = max(parts, key=lambda part: part.estimate.mean)
    low = min(parts, key=lambda part: part.estimate.mean)
    limits = np.full(2, np.nan)
    if min(high.n_users, low.n_users) > 1:  # one user alone shows no spread
        between = draws[:, groups.names.index(high.group)] - draws[:, groups.names.index(low.group)]
        limits = np.nanquantile(between, [0.025, 0.975])
    estimate = Estimate(high.estimate.mean - low.estimate.mean, (float(limits[0]), float(limits[1])))
    return GroupGap(groups.column, high.metric, high.group, low.group, estimate)
