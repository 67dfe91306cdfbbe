"""Means over users with the interval in which chance could have moved them: the bootstrap, for all metrics at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

N_DRAWS = 10_000
_CHUNK_BYTES = 32_000_000
Key = TypeVar("Key", bound=Hashable)
PerUser = NDArray[np.float64]  # [n_users]; nan where the metric says nothing of a user


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the interval that holds it with 95 % confidence; (nan, nan) where there is no sample."""

    mean: float
    ci95: tuple[float, float] = (float("nan"), float("nan"))


def bootstrap_means(values: Mapping[Key, PerUser], *, seed: int, n_draws: int = N_DRAWS) -> Mapping[Key, Estimate]:
    """Mean of each metric over the users who have it, with the percentile interval of `bootstrap_draws`.

    Args:
        values: By metric, or by whatever tells them apart, float64 [n_users], all in the same order of users; nan
            where a metric says nothing of a user.
        seed: Of the draws; the same seed and values give the same interval.
        n_draws: How many samples of users are drawn.
    """
    if not values:
        return {}
    table = np.column_stack(list(values.values()))
    return dict(zip(values, estimates_of(table, bootstrap_draws(table, seed=seed, n_draws=n_draws)), strict=True))


def bootstrap_draws(values: NDArray[np.float64], *, seed: int, n_draws: int = N_DRAWS) -> NDArray[np.float64]:
    """Means of samples of users drawn with replacement, float64 [n_draws, n_columns].

    This is the plain bootstrap, not an approximation of it: each draw counts how often each of n users was met in n
    picks (multinomial), and one product of counts and values gives the means of all columns, so the columns are drawn
    together. A column's mean is over the users of the sample who are not nan there; nan when there is none.
    Only a slice of the counts is in memory at a time. Source: Efron & Tibshirani 1993, chapters 6 and 13.

    Args:
        values: float64 [n_users, n_columns], nan where a column says nothing of a user.
        seed: Of the picks.
        n_draws: How many samples.
    """
    used = values[~np.isnan(values).all(axis=1)]
    if not len(used):
        return np.full((n_draws, values.shape[1]), np.nan)
    known = ~np.isnan(used)
    has_gaps = ~known.all(axis=0)
    filled, gaps = np.where(known, used, 0.0), known[:, has_gaps].astype(np.float64)
    n_known = np.full((1, values.shape[1]), float(len(used)))
    means, rng = np.empty((n_draws, values.shape[1])), np.random.default_rng(seed)
    size = max(1, _CHUNK_BYTES // (8 * len(used)))
    for start in range(0, n_draws, size):
        counts = _counts(rng, len(used), min(size, n_draws - start))
        sizes = np.repeat(n_known, len(counts), axis=0)
        sizes[:, has_gaps] = counts @ gaps
        means[start : start + size] = np.divide(
            counts @ filled, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0
        )
    return means


def estimates_of(values: NDArray[np.float64], draws: NDArray[np.float64]) -> tuple[Estimate, ...]:
    """Each column's mean over the users who have it, and the 2.5 and 97.5 percentiles of its draws.

    One user alone shows no spread: the interval is nan then, as it is without any user.
    """
    return tuple(_estimate(values[:, column], draws[:, column]) for column in range(values.shape[1]))


def _estimate(values: NDArray[np.float64], draws: NDArray[np.float64]) -> Estimate:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else float("nan"))
    low, high = np.quantile(draws[~np.isnan(draws)], [0.025, 0.975])
    return Estimate(float(known.mean()), (float(low), float(high)))


def _counts(rng: np.random.Generator, n_users: int, n_draws: int) -> NDArray[np.float64]:
    """How often each user is met in `n_users` picks, float64 [n_draws, n_users]."""
    counts = np.empty((n_draws, n_users))
    for draw in counts:
        draw[:] = np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)
    return counts
