"""What another policy would have earned, from what a logged one showed with known probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import DataError
from llmrec.experiments.means import Mean, ratio_of

PerRow = NDArray[np.float64]  # [n_rows]


@dataclass(frozen=True)
class Logged:
    """Actions that were drawn, one for each row.

    Attributes:
        rewards: float64 [n_rows], what each action earned.
        propensities: float64 [n_rows], how probable the logged policy made it.
        targets: float64 [n_rows], how probable the policy in question makes it.
        users: int64 [n_rows], whose row it is: rows of one user are not independent. None for a user each.
    """

    rewards: PerRow
    propensities: PerRow
    targets: PerRow
    users: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Raise DataError for a propensity outside (0, 1], a target outside [0, 1], or arrays that do not match."""
        if not len(self.rewards) == len(self.propensities) == len(self.targets):
            raise DataError(
                f"{len(self.rewards)} rewards, {len(self.propensities)} propensities and {len(self.targets)} targets "
                "are not one for each row."
            )
        _require(self.propensities, (self.propensities > 0) & (self.propensities <= 1), "propensity", "in (0, 1]")
        _require(self.targets, (self.targets >= 0) & (self.targets <= 1), "target probability", "in [0, 1]")
        _require(self.rewards, np.isfinite(self.rewards), "reward", "finite")

    @property
    def weights(self) -> PerRow:
        """How much more often the policy in question does what was done, float64 [n_rows]."""
        return np.asarray(self.targets / self.propensities)

    def mean_of(self, totals: PerRow, counts: PerRow | None = None) -> Mean:
        """All `totals` over all `counts`, 1 for each row by default, with the error that users make."""
        counts = np.ones(len(totals)) if counts is None else counts
        if self.users is None:
            return ratio_of(totals, counts)
        sums = [np.bincount(self.users, weights=values).astype(np.float64) for values in (totals, counts)]
        return ratio_of(*sums)

    @property
    def effective_size(self) -> float:
        """As many rows of equal weight would be worth about as much: (sum w)^2 / sum w^2. Source: Kish 1965."""
        squares = float(self.weights @ self.weights)
        return float(self.weights.sum()) ** 2 / squares if squares else 0.0


def ips(logged: Logged) -> Mean:
    """Mean reward of the policy in question, by inverse propensities: unbiased, at the price of spread.

    Source: Horvitz & Thompson 1952.
    """
    return logged.mean_of(logged.weights * logged.rewards)


def snips(logged: Logged) -> Mean:
    """The same divided by the mean weight: a little bias for much less spread. Source: Swaminathan & Joachims 2015."""
    return logged.mean_of(logged.weights * logged.rewards, logged.weights)


def doubly_robust(logged: Logged, *, predicted: PerRow, predicted_by_target: PerRow) -> Mean:
    """The same beside a model of rewards: right where the propensities are, or where the model is.

    The model must not have learned from these rows. Source: Dudik, Langford & Li 2011.

    Args:
        logged: What was drawn.
        predicted: float64 [n_rows], the model's reward of the action that was shown.
        predicted_by_target: float64 [n_rows], its expected reward of the policy in question in that row.

    Raises:
        DataError: A prediction is missing or not finite.
    """
    for name, values in (("prediction", predicted), ("expected prediction", predicted_by_target)):
        if len(values) != len(logged.rewards):
            raise DataError(f"{len(values)} {name}s do not match {len(logged.rewards)} rows.")
        _require(values, np.isfinite(values), name, "finite")
    return logged.mean_of(predicted_by_target + logged.weights * (logged.rewards - predicted))


def _require(values: PerRow, is_right: NDArray[np.bool_], what: str, must_be: str) -> None:
    if not is_right.all():
        row = int(np.flatnonzero(~is_right)[0])
        raise DataError(
            f"the {what} of row {row} is {values[row]:g}; it must be {must_be}.",
            hint="Leave out rows whose propensity was not logged." if what == "propensity" else "",
        )
