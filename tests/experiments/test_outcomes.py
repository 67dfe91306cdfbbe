import math

import numpy as np

from llmrec.experiments.outcomes import Signals, outcomes_of
from tests.experiments.rows import feedback, impression

SIGNALS = Signals(clicks=frozenset({"like"}), conversions=frozenset({"seen"}))


def test_clicks_and_conversions_are_counted_by_user() -> None:
    shown = [
        impression("ann", "x", "test/a"),
        impression("ann", "y", "test/a"),
        impression("bob", "x", "test/b"),
        impression("cho", "x", "other/a"),
    ]
    said = [feedback("ann", "y", "like"), feedback("bob", "x", "seen"), feedback("cho", "x", "like")]
    found = outcomes_of("test", ["a", "b"], shown, said, signals=SIGNALS)
    np.testing.assert_array_equal(found.arms["a"].shown, [2])
    np.testing.assert_array_equal(found.arms["a"].clicked, [1])
    np.testing.assert_array_equal(found.arms["a"].converted, [0])
    np.testing.assert_array_equal(found.arms["b"].converted, [1])
    assert (found.n_users, found.n_mixed, found.since) == (2, 0, 0.0)


def test_two_likes_of_one_impression_are_one_click() -> None:
    found = outcomes_of(
        "test",
        ["a"],
        [impression("ann", "x", "test/a")],
        [feedback("ann", "x", "like", at=1), feedback("ann", "x", "like", at=2)],
        signals=SIGNALS,
    )
    np.testing.assert_array_equal(found.arms["a"].clicked, [1])


def test_feedback_answers_the_latest_impression_before_it() -> None:
    shown = [impression("ann", "x", "test/a", at=at) for at in (1.0, 5.0)]
    both = [feedback("ann", "x", "like", at=2), feedback("ann", "x", "like", at=5)]
    found = outcomes_of("test", ["a"], shown, both, signals=SIGNALS)
    np.testing.assert_array_equal(found.arms["a"].clicked, [2])


def test_what_was_said_before_it_was_shown_counts_for_nothing() -> None:
    shown = [impression("ann", "x", "test/a", at=3.0)]
    found = outcomes_of("test", ["a"], shown, [feedback("ann", "x", "like", at=2.9)], signals=SIGNALS)
    np.testing.assert_array_equal(found.arms["a"].clicked, [0])


def test_a_user_of_two_arms_is_left_out_and_counted() -> None:
    shown = [impression("ann", "x", "test/a"), impression("ann", "y", "test/b"), impression("bob", "x", "test/b")]
    found = outcomes_of("test", ["a", "b"], shown, [], signals=SIGNALS)
    assert (found.arms["a"].n_users, found.arms["b"].n_users, found.n_mixed) == (0, 1, 1)


def test_users_stand_in_the_order_in_which_they_came() -> None:
    shown = [impression("bob", "x", "test/a", at=2.0), impression("ann", "x", "test/a", at=1.0)]
    found = outcomes_of("test", ["a"], shown, [feedback("bob", "x", "like", at=3)], signals=SIGNALS)
    np.testing.assert_array_equal(found.arms["a"].clicked, [0, 1])


def test_an_experiment_nobody_saw_has_no_numbers() -> None:
    found = outcomes_of("test", ["a"], [], [], signals=SIGNALS)
    assert found.n_users == 0
    assert math.isnan(found.since)
    assert math.isnan(found.arms["a"].metrics["click rate"].value)
