import math

import numpy as np
import pytest

from llmrec.experiments.means import EVERYTHING, Mean, anytime_factor, mean_of, ratio_of

TEN = 100 * np.ones(50)


def test_a_mean_and_its_error() -> None:
    # Deviations of 1 on both sides: variance 2 with ddof 1 over 2 users.
    assert mean_of(np.array([1.0, 3.0])) == Mean(2.0, pytest.approx(1.0), 2, 2)


def test_a_ratio_counts_users_not_places() -> None:
    # 3 clicks on 10 places; residuals 1 - .3 * 5 and 2 - .3 * 5 over 5 places a user.
    found = ratio_of(np.array([1.0, 2.0]), np.array([5.0, 5.0]))
    assert found.value == pytest.approx(0.3)
    assert found.standard_error == pytest.approx(math.sqrt((0.1**2 + 0.1**2) / 2))


def test_a_user_shown_ten_times_as_much_is_still_one_user() -> None:
    once = ratio_of(np.array([1.0, 0.0]), np.array([2.0, 2.0]))
    often = ratio_of(np.array([10.0, 0.0]), np.array([20.0, 20.0]))
    assert often.standard_error == pytest.approx(once.standard_error)


def test_the_error_of_a_difference() -> None:
    found = Mean(0.5, 0.03, 100, 100).minus(Mean(0.2, 0.04, 60, 60))
    assert found == Mean(pytest.approx(0.3), pytest.approx(0.05), 160, 60)


def test_a_fixed_interval_of_many_users_is_the_normal_one() -> None:
    low, high = Mean(0.0, 1.0, 10**6, 10**6).fixed_interval()
    assert (low, high) == (pytest.approx(-1.96, abs=0.001), pytest.approx(1.96, abs=0.001))


def test_nobody_and_no_spread_say_nothing() -> None:
    assert mean_of(np.zeros(0)).fixed_interval() == EVERYTHING
    assert mean_of(np.zeros(500)).fixed_interval() == EVERYTHING
    assert mean_of(np.zeros(500)).anytime_interval(planned_users=100) == EVERYTHING
    assert math.isnan(ratio_of(np.zeros(3), np.zeros(3)).value)


def test_an_always_valid_interval_waits_for_the_smaller_arm() -> None:
    assert Mean(0.0, 1.0, 549, 49).anytime_interval(planned_users=100) == EVERYTHING
    assert Mean(0.0, 1.0, 550, 50).anytime_interval(planned_users=100) != EVERYTHING


def test_the_factor_is_that_of_the_paper() -> None:
    # rho^2 = (2 ln 20 + ln(2 ln 20 + 1)) / 100 = .07937; t = 100: sqrt(2 * 8.937/7.937 * ln(sqrt(8.937) / .05)).
    assert anytime_factor(100, planned_users=100) == pytest.approx(3.036, abs=0.001)


def test_the_interval_is_narrowest_about_where_it_was_planned() -> None:
    widths = {n: anytime_factor(n, planned_users=1000) for n in (100, 300, 1000, 3000, 10_000)}
    assert min(widths, key=widths.__getitem__) == 1000
    assert min(widths.values()) > 1.96
