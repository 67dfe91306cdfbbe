"""What one order is worth beside another, as a difference and as a share, with paired bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_draws, estimates_of

_SEED = 0


@dataclass(frozen=True)
class Gain:
    """`a` beside `b`, paired by user.

    Attributes:
        absolute: Mean of a - b.
        relative: Mean of a over mean of b, minus 1.
    """

    n_users: int
    absolute: Estimate
    relative: Estimate

    @classmethod
    def of(cls, a: PerUser, b: PerUser) -> Gain:
        """From values of the same users; one who has none on either side is left out. Source: Efron & Tibshirani 1993.

        The share's interval is that of the quotient of both means in each draw of users, so both move together.
        """
        known = ~(np.isnan(a) | np.isnan(b))
        table = np.column_stack([a[known], b[known]])
        draws = bootstrap_draws(table, seed=_SEED)
        [absolute] = estimates_of(np.diff(table[:, ::-1]), np.diff(draws[:, ::-1]))
        return cls(int(known.sum()), absolute, _quotient(table.mean(axis=0), draws))

    def to_json(self) -> dict[str, Any]:
        """Rounded numbers."""
        return {
            "n_users": self.n_users,
            "absolute": {"mean": round(self.absolute.mean, 5), "ci95": _rounded(self.absolute.ci95, 5)},
            "relative": {"mean": round(self.relative.mean, 4), "ci95": _rounded(self.relative.ci95, 4)},
        }

    def __str__(self) -> str:
        """For a person."""
        low, high = self.relative.ci95
        return (
            f"{self.absolute.mean:+.4f} ({self.absolute.ci95[0]:+.4f} to {self.absolute.ci95[1]:+.4f}), "
            f"{self.relative.mean:+.1%} ({low:+.1%} to {high:+.1%}), {self.n_users} users"
        )


def gains(columns: Mapping[str, PerUser], pairs: Sequence[tuple[str, str]]) -> Mapping[str, Gain]:
    """Of each pair that is there, by `a over b`; `columns` has values by stage."""
    return {f"{a} over {b}": Gain.of(columns[a], columns[b]) for a, b in pairs if a in columns and b in columns}


def _quotient(means: PerUser, draws: PerUser) -> Estimate:
    if not means[1] > 0:
        return Estimate(float("nan"))
    shares = draws[draws[:, 1] > 0]
    low, high = np.quantile(shares[:, 0] / shares[:, 1] - 1, [0.025, 0.975])
    return Estimate(float(means[0] / means[1] - 1), (float(low), float(high)))


def _rounded(values: Sequence[float], digits: int) -> list[float]:
    return [round(value, digits) for value in values]
