import math

import pytest

from llmrec.ranking.model_scores import order_flip_rate
from llmrec.types import ItemId

A, B, C, D = map(ItemId, "abcd")


def test_the_same_order_flips_nothing_and_the_reverse_everything() -> None:
    assert order_flip_rate({A: 3, B: 2, C: 1}, {A: 30, B: 20, C: 10}) == 0
    assert order_flip_rate({A: 3, B: 2, C: 1}, {A: 1, B: 2, C: 3}) == 1


def test_one_pair_of_three_by_hand() -> None:
    # a before b before c; then b before a before c: only a and b changed places.
    assert order_flip_rate({A: 3, B: 2, C: 1}, {A: 2, B: 3, C: 1}) == pytest.approx(1 / 3)


def test_a_tie_on_one_side_counts_half() -> None:
    assert order_flip_rate({A: 2, B: 1}, {A: 1, B: 1}) == 0.5
    assert order_flip_rate({A: 1, B: 1}, {A: 1, B: 1}) == 0


def test_only_items_of_both_count_and_without_a_pair_there_is_no_rate() -> None:
    assert order_flip_rate({A: 2, B: 1, C: 0}, {B: 2, A: 1, D: 5}) == 1
    assert math.isnan(order_flip_rate({A: 1}, {A: 2}))
