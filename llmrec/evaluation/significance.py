"""Whether two stages differ by more than chance: the paired bootstrap over users."""

from __future__ import annotations

import numpy as np

from llmrec.errors import DataError
from llmrec.evaluation.estimates import N_DRAWS, bootstrap_means
from llmrec.evaluation.results import Difference, StageResult


def paired_differences(a: StageResult, b: StageResult, *, seed: int, n_draws: int = N_DRAWS) -> tuple[Difference, ...]:
    """`a` minus `b` in each metric both have, user by user, with the percentile interval.

    A user for whom either side is nan is left out of that metric, on both sides.

    Raises:
        DataError: When the two have not the same number of users. That they are the same users is the caller's to know.
    """
    shared = [metric for metric in a.per_user if metric in b.per_user]
    for metric in shared:
        if len(a.per_user[metric]) != len(b.per_user[metric]):
            raise DataError(
                f"{a.name} has {len(a.per_user[metric])} users and {b.name} {len(b.per_user[metric])}.",
                hint="Compare runs of one protocol on one data set.",
            )
    by_user = {metric: a.per_user[metric] - b.per_user[metric] for metric in shared}
    found = bootstrap_means(by_user, seed=seed, n_draws=n_draws)
    return tuple(Difference(a.name, b.name, metric, at.mean, at.ci95) for metric, at in found.items())


def verdict(difference: Difference) -> str:
    """What the interval lets one say, in a sentence; higher is not better for every metric, so it does not say so."""
    a, b, metric, (low, high) = difference.a, difference.b, difference.metric, difference.ci95
    interval = f"{difference.mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"
    if np.isnan(low):
        interval = "no user has both" if np.isnan(difference.mean) else "one user alone has both"
    if not difference.is_shown:
        return f"no difference shown between {a} and {b} in {metric} ({interval})"
    return f"{a} is {'higher' if difference.mean > 0 else 'lower'} than {b} in {metric} ({interval})"
