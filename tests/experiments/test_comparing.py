import math

import numpy as np
import pytest

from llmrec.experiments.comparing import compared, days_left, uneven_split, users_needed
from llmrec.experiments.means import Mean
from llmrec.experiments.outcomes import ArmOutcomes, Outcomes


def arm(n_users: int, rate: float) -> ArmOutcomes:
    """Two places for each user; the first users click one of them and convert."""
    did = (np.arange(n_users) < rate * n_users).astype(np.float64)
    return ArmOutcomes(shown=np.full(n_users, 2.0), clicked=did, converted=did)


def outcomes(a: ArmOutcomes, b: ArmOutcomes) -> Outcomes:
    return Outcomes({"a": a, "b": b}, 0, 0.0)


def test_each_arm_is_compared_with_the_first() -> None:
    rows = compared(outcomes(arm(1000, 0.2), arm(1000, 0.5)), planned_users=2000)
    assert [(row.arm, row.metric) for row in rows] == [
        ("a", "click rate"),
        ("b", "click rate"),
        ("a", "conversion"),
        ("b", "conversion"),
    ]
    clicks, conversion = rows[1], rows[3]
    assert clicks.difference is not None
    assert clicks.difference.value == pytest.approx(0.15)
    assert conversion.difference is not None
    assert conversion.difference.value == pytest.approx(0.3)
    assert conversion.difference.standard_error == pytest.approx(math.sqrt((0.2 * 0.8 + 0.5 * 0.5) / 999))
    assert conversion.verdict == "higher"
    assert rows[0].difference is None


def test_the_always_valid_interval_holds_the_fixed_one() -> None:
    row = compared(outcomes(arm(500, 0.2), arm(500, 0.25)), planned_users=1000)[3]
    assert row.anytime[0] < row.fixed[0] < row.fixed[1] < row.anytime[1]
    assert row.verdict == "not shown"


def test_the_users_needed_let_the_interval_leave_out_zero() -> None:
    spread = Mean(0.0, 0.02, 1000, 500)  # a deviation of .632 a user
    n = users_needed(spread, 0.05, planned_users=3000)
    assert n is not None
    error = 0.02 * math.sqrt(1000 / n)
    low, _ = Mean(0.05 - 0.8416 * error, error, n, n // 2).anytime_interval(planned_users=3000)
    assert low == pytest.approx(0.0, abs=1e-4)


def test_a_smaller_effect_needs_more_users() -> None:
    spread = Mean(0.0, 0.02, 1000, 500)
    few, many = (users_needed(spread, effect, planned_users=3000) for effect in (0.1, 0.01))
    assert few is not None
    assert many is not None
    assert many > 50 * few


def test_nothing_is_foretold_while_nothing_varies() -> None:
    assert users_needed(Mean(0.0, 0.0, 1000, 500), 0.1, planned_users=1000) is None
    assert users_needed(Mean(math.nan, math.nan, 0, 0), 0.1, planned_users=1000) is None


def test_days_follow_from_the_rate_so_far() -> None:
    found = outcomes(arm(50, 0.5), arm(50, 0.5))  # 100 users in the first two days
    assert days_left(found, 300, now=2 * 86_400.0) == pytest.approx(4.0)
    assert days_left(found, 90, now=2 * 86_400.0) == 0.0
    assert days_left(outcomes(arm(0, 0), arm(0, 0)), 90, now=1.0) == math.inf


def test_a_split_that_chance_does_not_make_is_told() -> None:
    assert uneven_split({"a": 500, "b": 520}, (0.5, 0.5)) is None
    p = uneven_split({"a": 500, "b": 700}, (0.5, 0.5))
    assert p is not None
    assert p < 1e-6
    assert uneven_split({"a": 0, "b": 0}, (0.5, 0.5)) is None
