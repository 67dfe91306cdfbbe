import numpy as np
import pytest

from llmrec.evaluation.metrics import answer_ranks
from llmrec.evaluation.slate_metrics import first_wherever, slate_metrics
from tests.evaluation.tiny import answers, histories, table

# Two answers of the first user at places 2 and 4, one of the second at place 3, none of the third.
RANKS = answer_ranks(
    table([9, 8, 7, 6, 5], [9, 8, 7, 6, 5], [9, 8, 7, 6, 5]), histories([], [], []), answers([1, 3], [2], [])
)


def test_answers_on_the_slate_go_first_and_others_stay() -> None:
    held = RANKS.ranks <= 3
    assert first_wherever(RANKS, held).ranks.tolist() == [1, 4, 1]
    assert first_wherever(RANKS, np.array([True, True, False])).ranks.tolist() == [1, 2, 3]
    assert first_wherever(RANKS, np.array([False, False, False])) is not RANKS
    assert RANKS.ranks.tolist() == [2, 4, 3]


def test_users_without_an_answer_on_the_slate_are_left_out() -> None:
    found = slate_metrics(RANKS, RANKS.ranks <= 2, np.array([0.7, 0.5, np.nan]))
    assert found["R@slate"].tolist() == pytest.approx([0.5, 0.0, np.nan], nan_ok=True)
    assert found["NDCG@10|slate"].tolist() == pytest.approx([0.7, np.nan, np.nan], nan_ok=True)
