"""Each arm beside the first: how far apart, how sure, and how long until an effect of a given size would be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import optimize, stats

from llmrec.experiments.means import Mean, anytime_factor
from llmrec.experiments.outcomes import Outcomes

Verdict = Literal["higher", "lower", "not shown"]
_POWER = 0.8
_MAX_USERS = 1e12
_SURELY_UNEVEN = 0.001  # a split of users this improbable is a fault of the experiment, not chance


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one arm, and its difference to the first arm.

    Attributes:
        mean: Of the arm itself.
        difference: Arm less first arm; None for the first arm.
        fixed: Interval of the difference for one look, decided on before; of `mean` for the first arm.
        anytime: The same that may be looked at as often as one likes.
        users_needed: Users of both arms together until an effect of the wanted size is seen with power 0.8 by the
            always-valid interval; None where no effect was named or nothing varies yet.
    """

    arm: str
    metric: str
    mean: Mean
    difference: Mean | None
    fixed: tuple[float, float]
    anytime: tuple[float, float]
    users_needed: int | None = None

    @property
    def verdict(self) -> Verdict:
        """What the always-valid interval of the difference lets one say."""
        low, high = self.anytime
        if self.difference is None or low <= 0 <= high:
            return "not shown"
        return "higher" if low > 0 else "lower"


def compared(
    outcomes: Outcomes, *, planned_users: int, level: float = 0.95, effect: float | None = None
) -> tuple[Comparison, ...]:
    """Every metric of every arm; the first arm is what the others are compared with.

    Args:
        outcomes: So far.
        planned_users: Of both arms together, chosen before the first look; see `Mean.anytime_interval`.
        level: Of confidence, of each interval by itself: with several arms or metrics, of one picked in advance.
        effect: Size of a difference, in the metric's unit, that one wants to see; None for none.
    """
    [first, *others] = outcomes.arms.items()
    rows = []
    for metric, base in first[1].metrics.items():
        rows.append(_row(first[0], metric, base, None, planned_users=planned_users, level=level))
        for arm, found in others:
            row = found.metrics[metric]
            rows.append(_row(arm, metric, row, base, planned_users=planned_users, level=level, effect=effect))
    return tuple(rows)


def _row(
    arm: str,
    metric: str,
    mean: Mean,
    base: Mean | None,
    *,
    planned_users: int,
    level: float,
    effect: float | None = None,
) -> Comparison:
    difference = None if base is None else mean.minus(base)
    judged = difference or mean
    needed = users_needed(judged, effect, planned_users=planned_users, level=level) if effect and base else None
    return Comparison(
        arm,
        metric,
        mean,
        difference,
        judged.fixed_interval(level=level),
        judged.anytime_interval(planned_users=planned_users, level=level),
        needed,
    )


def users_needed(difference: Mean, effect: float, *, planned_users: int, level: float = 0.95) -> int | None:
    """At how many users of both arms together a true `effect` is seen by then with probability 0.8 or more.

    The always-valid interval leaves out 0 at that look with power 0.8; earlier looks only add to it. The spread is
    taken to stay as it is. None where nothing varies yet.
    """
    deviation = difference.standard_error * math.sqrt(difference.n_users)
    if not deviation > 0:  # false for nan too
        return None
    aside = float(stats.norm.ppf(_POWER))

    def lacking(n_users: float) -> float:
        reach = anytime_factor(math.ceil(n_users), planned_users=planned_users, level=level) + aside
        return reach * deviation / math.sqrt(n_users) - abs(effect)

    if lacking(1) <= 0:
        return 1
    return math.ceil(optimize.brentq(lacking, 1, _MAX_USERS, xtol=1.0)) if lacking(_MAX_USERS) < 0 else None


def days_left(outcomes: Outcomes, users_wanted: int, *, now: float) -> float:
    """Days until `users_wanted` users came, at the rate since the first; 0 when they have, infinite when none comes."""
    n_users, days = outcomes.n_users, (now - outcomes.since) / 86_400
    if users_wanted <= n_users:
        return 0.0
    return (users_wanted - n_users) * days / n_users if n_users and days > 0 else math.inf


def uneven_split(n_users: Mapping[str, int], shares: Sequence[float]) -> float | None:
    """How improbable the arms' numbers of users are under their shares, where that is below 1 in 1,000; else None.

    Then users of one arm went missing, and no other number can be trusted. Source: Fabijan et al. 2019 (sample ratio
    mismatch), by the chi-squared test.
    """
    total = sum(n_users.values())
    if not total:
        return None
    p = float(stats.chisquare(list(n_users.values()), [share * total for share in shares]).pvalue)
    return p if p < _SURELY_UNEVEN else None
