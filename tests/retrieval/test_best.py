"""From scores to a short list."""

import numpy as np

from llmrec.retrieval.best import best_candidates, best_positions
from llmrec.types import ItemId


def test_ties_at_the_edge_are_cut_by_position() -> None:
    scores = np.array([1, 3, 2, 2, 2, 0], dtype=np.float32)
    assert best_positions(scores, 3, allowed=None).tolist() == [1, 2, 3]


def test_masked_missing_and_worthless_items_stay_out() -> None:
    scores = np.array([5, np.nan, 0, 2, 1], dtype=np.float32)
    allowed = np.array([False, True, True, True, True])
    assert best_positions(scores, 9, allowed=allowed, above=0.0).tolist() == [3, 4]


def test_random_scores_with_many_ties_agree_with_a_full_stable_sort() -> None:
    scores = np.random.default_rng(0).integers(0, 7, 200).astype(np.float32)
    expected = sorted(range(200), key=lambda position: (-scores[position], position))
    for k in (1, 13, 60, 199, 200, 500):
        assert best_positions(scores, k, allowed=None).tolist() == expected[:k]


def test_candidates_carry_source_and_rank() -> None:
    found = best_candidates(
        np.array([1, 2], dtype=np.float32), 2, item_ids=[ItemId("a"), ItemId("b")], source="s", allowed=None
    )
    assert [(c.item_id, c.score, c.source, dict(c.ranks)) for c in found] == [
        ("b", 2.0, "s", {"s": 1}),
        ("a", 1.0, "s", {"s": 2}),
    ]
