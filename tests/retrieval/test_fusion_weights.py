"""Weights of signals: found again where they were planted, and safe where there is nothing to find."""

from dataclasses import replace

import numpy as np
import pytest

from llmrec.retrieval.fusion_weights import Examples, fitted_weights, joined, safe_weights, settled

PLANTED = np.array([1.5, -0.7, 0.0])


def drawn(n_examples: int, n_candidates: int, *, seed: int, weights: object = PLANTED) -> Examples:
    """Candidates with signals at random, the answer drawn by the logit with `weights` and put first."""
    rng = np.random.default_rng(seed)
    planted = np.asarray(weights, dtype=np.float64)
    signals = rng.normal(size=(n_examples, n_candidates, len(planted)))
    # The largest of utility plus Gumbel noise is a draw from the multinomial logit (McFadden 1974).
    answers = np.argmax(signals @ planted + rng.gumbel(size=(n_examples, n_candidates)), axis=1)
    rows = np.arange(n_examples)
    signals[rows, answers], signals[rows, 0] = signals[rows, 0].copy(), signals[rows, answers].copy()
    names = tuple("abcdefgh"[: len(planted)])
    no_shares = np.zeros((n_examples, n_candidates), np.float32)
    return Examples(names, signals.astype(np.float32), no_shares, np.arange(n_examples))


def test_planted_weights_are_found_again() -> None:
    examples = drawn(4_000, 30, seed=0)
    np.testing.assert_allclose(fitted_weights(examples, l2=0.0), PLANTED, atol=0.06)
    found = safe_weights(examples, l2=1e-6, seed=0)
    assert list(found) == ["a", "b", "c"]
    np.testing.assert_allclose(list(found.values()), PLANTED, atol=0.06)


def test_one_signal_between_two_candidates_is_worked_by_hand() -> None:
    # Three of four answers have the larger signal, by 1: sigmoid(w) = 3/4, so w = ln 3.
    signals = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)[:, :, None]
    examples = Examples(("only",), signals, np.zeros((4, 2), np.float32), np.arange(4))
    assert settled(fitted_weights(examples, l2=0.0), examples, l2=0.0)[0] == pytest.approx(np.log(3), rel=1e-9)
    # With a penalty the gradient is sigmoid(w) - 3/4 + 2 l2 w = 0.
    weight = settled(fitted_weights(examples, l2=0.1), examples, l2=0.1)[0]
    assert 1 / (1 + np.exp(-weight)) - 0.75 + 0.2 * weight == pytest.approx(0, abs=1e-12)


def test_a_candidate_that_stands_for_many_weighs_as_many() -> None:
    rng = np.random.default_rng(1)
    answer, other = rng.normal(size=(2, 200, 1, 2)) + np.array([0.3, 0.0])[[0, 1]][:, None, None, None]
    three = np.concatenate([answer, other, other, other], axis=1).astype(np.float32)
    one = np.concatenate([answer, other], axis=1).astype(np.float32)
    counted = Examples(("a", "b"), three, np.zeros((200, 4), np.float32), np.arange(200))
    standing = Examples(("a", "b"), one, np.log(np.tile([1, 3], (200, 1))).astype(np.float32), np.arange(200))
    expected = settled(fitted_weights(counted, l2=0.01), counted, l2=0.01)
    np.testing.assert_allclose(settled(fitted_weights(standing, l2=0.01), standing, l2=0.01), expected, rtol=1e-5)


def test_a_candidate_that_stands_for_none_is_not_there() -> None:
    examples = drawn(300, 6, seed=2)
    shares = np.concatenate([examples.log_shares, np.full((300, 1), -np.inf, np.float32)], axis=1)
    tempting = np.concatenate([examples.signals, np.full((300, 1, 3), 9, np.float32)], axis=1)
    padded = replace(examples, signals=tempting, log_shares=shares)
    expected = settled(fitted_weights(examples, l2=0.01), examples, l2=0.01)
    np.testing.assert_allclose(settled(fitted_weights(padded, l2=0.01), padded, l2=0.01), expected, rtol=1e-6)
    assert safe_weights(padded, l2=0.01, seed=0) == pytest.approx(safe_weights(examples, l2=0.01, seed=0), rel=1e-6)


def test_settled_weights_do_not_depend_on_where_the_search_started_or_on_the_order_of_candidates() -> None:
    examples = drawn(500, 40, seed=5)
    order = np.concatenate([[0], 1 + np.random.default_rng(6).permutation(39)])
    shuffled = replace(examples, signals=examples.signals[:, order])
    first = settled(fitted_weights(examples, l2=1e-3), examples, l2=1e-3)
    for others, start in ((examples, np.array([2.0, 2.0, -1.0])), (shuffled, None)):
        again = settled(fitted_weights(others, l2=1e-3, start=start), others, l2=1e-3)
        np.testing.assert_allclose(again, first, rtol=1e-9, atol=1e-12)


def test_settling_never_makes_weights_worse() -> None:
    # Always larger signals: without a penalty no weight is large enough, and the curvature vanishes on the way.
    signals = np.tile(np.array([[3.0], [-3.0]], dtype=np.float32), (20, 1, 1))
    examples = Examples(("only",), signals, np.zeros((20, 2), np.float32), np.arange(20))
    weights = fitted_weights(examples, l2=0.0)
    assert np.isfinite(settled(weights, examples, l2=0.0)).all()
    assert settled(weights, examples, l2=0.0)[0] >= weights[0]


def test_a_signal_that_says_nothing_weighs_nothing() -> None:
    examples = drawn(400, 10, seed=7)
    mute = replace(examples, signals=np.where([True, True, False], examples.signals, np.float32(0)))
    for l2 in (0.0, 1e-3):
        assert safe_weights(mute, l2=l2, seed=0)["c"] == pytest.approx(0.0, abs=1e-9)


def noisy(n_users: int) -> Examples:
    """One signal that matters, one that does not, and thirty of noise."""
    examples = drawn(n_users, 200, seed=8, weights=[2.0, 0.0])
    noise = np.random.default_rng(9).normal(size=(n_users, 200, 30)).astype(np.float32)
    names = (*examples.names, *(f"noise {n}" for n in range(30)))
    return replace(examples, names=names, signals=np.concatenate([examples.signals, noise], axis=-1))


def test_one_signal_stands_alone_where_all_others_are_noise() -> None:
    # Forty users are too few for 32 weights: the fit believes the noise, and unseen users pay for it.
    examples = noisy(40)
    found = safe_weights(examples, l2=1e-4, seed=0)
    assert found.keys() == set(examples.names)
    assert {name: weight for name, weight in found.items() if weight} == {"a": 1.0}
    assert np.count_nonzero(fitted_weights(examples, l2=1e-4)) == 32


def test_folds_part_no_user() -> None:
    # Every example stands five times. Known to be of one user, all are in one fold, and the noise is found out as
    # above; were they of five users, what was learned on some would foretell the others.
    examples = joined([noisy(16)] * 5)
    assert np.count_nonzero(list(safe_weights(examples, l2=1e-4, seed=0).values())) == 1
    strangers = replace(examples, users=np.arange(80))
    assert np.count_nonzero(list(safe_weights(strangers, l2=1e-4, seed=0).values())) == 32


def test_two_signals_that_need_each_other_are_both_kept() -> None:
    found = safe_weights(drawn(600, 50, seed=10, weights=[1.0, 1.0]), l2=1e-3, seed=0)
    assert all(weight > 0.8 for weight in found.values())


@pytest.mark.parametrize("n_examples", [1, 2, 3])
def test_very_few_examples_are_learned_from_without_a_crash(n_examples: int) -> None:
    found = safe_weights(drawn(n_examples, 4, seed=12), l2=1e-3, seed=0)
    assert found.keys() == {"a", "b", "c"}
    assert all(np.isfinite(weight) for weight in found.values())


def test_a_single_candidate_teaches_nothing() -> None:
    weights = safe_weights(drawn(5, 1, seed=13), l2=1e-3, seed=0)
    assert sorted(weights.values()) in ([0, 0, 0], [0, 0, 1])


def test_no_examples_have_no_weights() -> None:
    assert safe_weights(joined([]), l2=1e-3, seed=0) == {}


def test_joined_examples_fill_a_signal_that_a_piece_lacks_with_nothing() -> None:
    first, second = drawn(2, 3, seed=14), drawn(3, 3, seed=15)
    lacking = Examples(("c", "a"), second.signals[:, :, [2, 0]], second.log_shares, second.users)
    both = joined([first, lacking])
    assert both.names == ("a", "b", "c")
    np.testing.assert_array_equal(both.signals[:2], first.signals)
    np.testing.assert_array_equal(both.signals[2:], np.where([True, False, True], second.signals, 0))
    assert both.users.tolist() == [0, 1, 0, 1, 2]
    assert both.of(np.array([False, False, True, True, False])).users.tolist() == [0, 1]
