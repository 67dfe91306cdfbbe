from math import log

import numpy as np
import pytest

from llmrec.errors import DataError
from llmrec.evaluation.calibration import calibration, joined


def test_brier_score_and_likelihood_of_one_prediction() -> None:
    found = calibration(np.array([[0.7, 0.2, 0.1]]), np.array([1]))
    assert found.per_user["Brier"].tolist() == [pytest.approx(0.49 + 0.64 + 0.01)]
    assert found.per_user["NLL"].tolist() == [pytest.approx(-log(0.2))]


def test_certainty_costs_nothing_when_right_and_most_when_wrong() -> None:
    found = calibration(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert found.per_user["Brier"].tolist() == [0, 2]
    assert found.per_user["NLL"].tolist() == [0, pytest.approx(27.63, abs=0.01)]


def test_the_error_is_the_gap_of_each_bin_weighted_by_its_size() -> None:
    # Three predictions of .8, of which two are right; one of .6, wrong.
    p = np.array([[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    found = calibration(p, np.array([0, 1, 1, 1]))
    assert found.ece == pytest.approx(3 / 4 * abs(2 / 3 - 0.8) + 1 / 4 * 0.6)
    filled = [(round(each.low, 1), round(each.high, 1), each.n) for each in found.bins if each.n]
    assert filled == [(0.5, 0.6, 1), (0.7, 0.8, 3)]
    assert found.bins[7].confidence == pytest.approx(0.8)
    assert found.bins[7].accuracy == pytest.approx(2 / 3)
    assert np.isnan(found.bins[0].accuracy)


def test_probabilities_that_come_true_have_no_error() -> None:
    p = np.tile([0.75, 0.25], (4, 1))
    assert calibration(p, np.array([0, 0, 0, 1])).ece == pytest.approx(0)


def test_more_bins_see_what_fewer_average_away() -> None:
    p = np.array([[0.55, 0.45], [0.65, 0.35]])  # .55 is right, .65 is wrong
    answers = np.array([0, 1])
    assert calibration(p, answers, n_bins=1).ece == pytest.approx(0.1)
    assert calibration(p, answers, n_bins=10).ece == pytest.approx((0.45 + 0.65) / 2)


@pytest.mark.parametrize("answer", [0, 1, 2])
def test_labels_that_share_the_top_share_being_right_whatever_their_order(answer: int) -> None:
    found = calibration(np.full((1, 3), 1 / 3), np.array([answer]))
    assert found.bins[3].accuracy == pytest.approx(1 / 3)
    assert found.ece == pytest.approx(0)


def test_float32_probabilities_will_do() -> None:
    found = calibration(np.array([[0.7, 0.2, 0.1]], dtype=np.float32), np.array([0]))
    assert found.ece == pytest.approx(0.3, abs=1e-6)


def test_no_predictions_have_no_error() -> None:
    found = calibration(np.zeros((0, 5)), np.zeros(0, dtype=np.int64))
    assert np.isnan(found.ece)
    assert (len(found.bins), len(found.per_user["NLL"])) == (10, 0)


@pytest.mark.parametrize("row", [[0.7, 0.7], [1.2, -0.2], [np.nan, 1.0], [0.2, 0.3]])
def test_what_is_no_distribution_is_refused(row: list[float]) -> None:
    with pytest.raises(DataError, match=r"row 1 .* must be a distribution"):
        calibration(np.array([[0.5, 0.5], row]), np.array([0, 0]))


@pytest.mark.parametrize("answer", [-1, 2])
def test_an_answer_that_is_no_label_is_refused(answer: int) -> None:
    with pytest.raises(DataError, match=f"answer {answer} of row 0 is none of 2 labels"):
        calibration(np.array([[0.5, 0.5]]), np.array([answer]))


def test_answers_of_another_number_are_refused() -> None:
    with pytest.raises(DataError, match="do not fit"):
        calibration(np.array([[0.5, 0.5]]), np.array([0, 1]))


def test_curves_of_parts_join_to_the_curve_of_all() -> None:
    rows, right = np.array([[0.9, 0.1], [0.8, 0.2], [0.85, 0.15], [0.6, 0.4]]), np.array([0, 1, 1, 0])
    parts = [calibration(rows[part], right[part], n_bins=2).bins for part in (slice(0, 1), slice(1, 4))]
    (low, high), (_, whole) = joined(parts), calibration(rows, right, n_bins=2).bins
    assert (high.n, high.confidence, high.accuracy) == (4, pytest.approx(whole.confidence), 0.5)
    assert low.n == 0
    assert np.isnan(low.accuracy)


def test_no_curves_join_to_none() -> None:
    assert joined([]) == ()
