from math import inf, log2

import numpy as np
import pytest

from llmrec.errors import DataError
from llmrec.evaluation.conversation_metrics import gold_metrics, over_dialogues, rank_of


def row(*scores: float) -> np.ndarray:
    return np.array(scores, dtype=np.float32)


def test_equal_scores_share_the_mean_of_their_places() -> None:
    assert rank_of(row(3, 1, 1, 1), [2]) == 3.0


def test_the_best_of_twins_counts() -> None:
    assert rank_of(row(3, 2, 1), [2, 1]) == 2.0


def test_what_is_not_ranked_is_never_found() -> None:
    assert rank_of(row(3, -inf), [1]) == inf


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(DataError, match="a score is nan"):
        rank_of(row(1, np.nan), [0])


def test_metrics_of_second_eleventh_and_never() -> None:
    found = gold_metrics(np.array([2.0, 11.0, inf]))
    assert found["R@1"].tolist() == [0, 0, 0]
    assert found["R@5"].tolist() == [1, 0, 0]
    assert found["R@20"].tolist() == [1, 1, 0]
    assert found["NDCG@10"] == pytest.approx([1 / log2(3), 0, 0])
    assert found["MRR"] == pytest.approx([1 / 2, 1 / 11, 0])


def test_the_mean_is_over_gold_items_and_dialogues_are_drawn() -> None:
    values = {"R@1": np.array([1.0, 1.0, 1.0, 0.0])}
    found = over_dialogues(values, np.array([0, 0, 0, 1]), seed=0)["R@1"]
    assert found.mean == 0.75
    # A sample has two dialogues: both the first, both the second, or one of each.
    assert found.ci95 == (0.0, 1.0)


def test_one_dialogue_shows_no_spread() -> None:
    found = over_dialogues({"R@1": np.array([1.0, 0.0])}, np.array([4, 4]), seed=0)["R@1"]
    assert found.mean == 0.5
    assert np.isnan(found.ci95).all()
