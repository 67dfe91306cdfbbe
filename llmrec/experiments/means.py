"""Means over users, and the intervals around them: for one look at the end, and for looking all the time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

PerUser = NDArray[np.float64]  # [n_users]
MIN_USERS = 50  # in each arm, before an interval that may be looked at all the time says anything
EVERYTHING = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over users who are independent of each other, or a difference of two such.

    Attributes:
        value: nan without users.
        standard_error: Of `value`; nan with fewer than two users.
        n_users: Of both arms together, for a difference.
        n_smaller: Users of the smaller arm, for a difference.
    """

    value: float
    standard_error: float
    n_users: int
    n_smaller: int

    def minus(self, other: Mean) -> Mean:
        """This less `other`, who are other users."""
        error = math.hypot(self.standard_error, other.standard_error)
        smaller = min(self.n_smaller, other.n_smaller)
        return Mean(self.value - other.value, error, self.n_users + other.n_users, smaller)

    def fixed_interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """The interval that holds the truth with probability `level` at one look whose time was set before.

        Infinite where users show no spread, as when nobody has clicked yet.
        Source: the central limit theorem, with Student's quantiles for the smaller arm's users.
        """
        if self.n_smaller < 2 or self.standard_error == 0:
            return EVERYTHING
        width = float(stats.t.ppf((1 + level) / 2, self.n_smaller - 1)) * self.standard_error
        return self.value - width, self.value + width

    def anytime_interval(self, *, planned_users: int, level: float = 0.95) -> tuple[float, float]:
        """The interval that holds the truth at all looks together with probability `level`, however many there are.

        Asymptotic: it says nothing (is infinite) until each arm has `MIN_USERS`. Of a difference it is that of the
        mean over all users of both arms, weighted by their shares.
        Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024 (first 2021), theorem 2.2.

        Args:
            planned_users: At how many users it is narrowest; chosen before the first look.
            level: Of confidence.
        """
        if self.n_smaller < MIN_USERS or self.standard_error == 0:
            return EVERYTHING
        width = anytime_factor(self.n_users, planned_users=planned_users, level=level) * self.standard_error
        return self.value - width, self.value + width


def anytime_factor(n_users: int, *, planned_users: int, level: float = 0.95) -> float:
    """How many standard errors the always-valid interval reaches to each side at `n_users`.

    Source: Waudby-Smith et al. 2024, theorem 2.2, with rho for `planned_users` from their appendix B.2.
    """
    alpha = 1 - level
    rho_squared = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned_users
    scale = n_users * rho_squared
    return math.sqrt(2 * (scale + 1) / scale * math.log(math.sqrt(scale + 1) / alpha))


def mean_of(values: PerUser) -> Mean:
    """The mean of one value for each user."""
    return ratio_of(values, np.ones(len(values)))


def ratio_of(totals: PerUser, counts: PerUser) -> Mean:
    """All `totals` over all `counts`, as clicks over places shown; the users are drawn, not the places.

    One user's places are alike, so their number says less than it seems; the delta method counts users.
    Source: Deng, Knoblich & Lu 2018, equation 4.

    Args:
        totals: float64 [n_users], clicks of each.
        counts: float64 [n_users], places shown to each; a sum of 0 has no ratio.
    """
    n, shown = len(totals), float(counts.sum())
    if not shown:
        return Mean(math.nan, math.nan, n, n)
    ratio = float(totals.sum()) / shown
    if n < 2:
        return Mean(ratio, math.nan, n, n)
    residuals = (totals - ratio * counts) / (shown / n)
    return Mean(ratio, math.sqrt(float(residuals @ residuals) / (n * (n - 1))), n, n)
