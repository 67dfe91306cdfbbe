import numpy as np
import pytest

from llmrec.errors import DataError
from llmrec.experiments.off_policy import Logged, doubly_robust, ips, snips

ONES = np.ones(2)


def test_weights_by_hand() -> None:
    found = Logged(np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.25]), np.array([1.0, 0.0, 0.5]))
    np.testing.assert_array_equal(found.weights, [2, 0, 2])
    assert ips(found).value == pytest.approx(4 / 3)
    assert snips(found).value == pytest.approx(1.0)
    assert found.effective_size == pytest.approx(2.0)


def test_a_perfect_model_of_rewards_needs_no_weights() -> None:
    found = Logged(np.array([1.0, 0.0]), np.array([0.1, 0.9]), np.array([0.5, 0.5]))
    value = doubly_robust(found, predicted=np.array([1.0, 0.0]), predicted_by_target=np.array([0.5, 0.5]))
    assert (value.value, value.standard_error) == (0.5, 0.0)


def test_without_a_model_it_is_ips() -> None:
    found = Logged(np.array([1.0, 0.0]), np.array([0.1, 0.9]), np.array([0.5, 0.5]))
    zeros = np.zeros(2)
    assert doubly_robust(found, predicted=zeros, predicted_by_target=zeros) == ips(found)


@pytest.mark.parametrize("wrong", [0.0, np.nan, -0.1, 1.1])
def test_a_propensity_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(DataError, match=r"the propensity of row 1 is .*; it must be in \(0, 1\]"):
        Logged(ONES, np.array([0.5, wrong]), ONES)


def test_other_wrong_columns_are_refused() -> None:
    with pytest.raises(DataError, match="target probability of row 0 is 2"):
        Logged(ONES, ONES, np.array([2.0, 1.0]))
    with pytest.raises(DataError, match="reward of row 1 is nan"):
        Logged(np.array([1.0, np.nan]), ONES, ONES)
    with pytest.raises(DataError, match="not one for each row"):
        Logged(np.ones(3), ONES, ONES)
    with pytest.raises(DataError, match="prediction"):
        doubly_robust(Logged(ONES, ONES, ONES), predicted=np.ones(3), predicted_by_target=ONES)


def test_the_intervals_of_a_logged_policy_hold_the_truth() -> None:
    # Three actions, logged with .6/.3/.1, asked about .1/.1/.8; the truth is .1 * .1 + .1 * .2 + .8 * .5 = .43.
    logged_as, target, earns = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.1, 0.8]), np.array([0.1, 0.2, 0.5])
    truth, rng = float(target @ earns), np.random.default_rng(0)
    held: dict[str, list[bool]] = {"ips": [], "snips": [], "dr": []}
    values = []
    for _ in range(300):
        actions = rng.choice(3, size=2000, p=logged_as)
        rewards = (rng.random(2000) < earns[actions]).astype(np.float64)
        log = Logged(rewards, logged_as[actions], target[actions])
        model = np.array([0.2, 0.2, 0.4])  # wrong, as models are
        found = {
            "ips": ips(log),
            "snips": snips(log),
            "dr": doubly_robust(log, predicted=model[actions], predicted_by_target=np.full(2000, target @ model)),
        }
        values.append(found["ips"].value)
        for name, mean in found.items():
            low, high = mean.fixed_interval()
            held[name].append(low <= truth <= high)
    assert np.mean(values) == pytest.approx(truth, abs=3 * np.std(values) / np.sqrt(300))
    for each in held.values():
        assert 0.91 <= np.mean(each) <= 0.99
