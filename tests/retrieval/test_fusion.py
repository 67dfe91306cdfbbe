"""One list out of many."""

import pytest

from llmrec.errors import ConfigError
from llmrec.retrieval.fusion import ReciprocalRankFusion
from llmrec.types import Candidate, ItemId


def found_by(source: str, *item_ids: str) -> list[Candidate]:
    return [Candidate(ItemId(i), 9.0 - n, source, {source: n}) for n, i in enumerate(item_ids, 1)]


def test_scores_are_summed_reciprocal_ranks_and_ranks_are_kept() -> None:
    fused = ReciprocalRankFusion({"bm25": 2.0}, k0=1).fuse([found_by("dense", "a", "b"), found_by("bm25", "b", "c")], 9)
    assert [(c.item_id, pytest.approx(c.score), dict(c.ranks)) for c in fused] == [
        ("b", 1 / 3 + 2 / 2, {"dense": 2, "bm25": 1}),
        ("c", 2 / 3, {"bm25": 2}),
        ("a", 1 / 2, {"dense": 1}),
    ]
    assert {c.source for c in fused} == {"fusion"}


def test_ties_go_to_the_best_rank_and_then_to_the_earlier_list() -> None:
    fusion = ReciprocalRankFusion({"x": 1.0, "y": 1.0, "z": 62 / 61})
    assert [c.item_id for c in fusion.fuse([found_by("x", "a"), found_by("y", "b")], 2)] == ["a", "b"]
    assert [c.item_id for c in fusion.fuse([found_by("z", "p", "a"), found_by("x", "b")], 3)] == ["p", "b", "a"]


def test_a_mute_retriever_brings_no_item_and_changes_no_score() -> None:
    lists = [found_by("x", "a"), found_by("y", "b", "a"), found_by("z", "a")]
    fused = ReciprocalRankFusion({"y": 0.0}, k0=1).fuse(lists, 9)
    assert [(c.item_id, c.score) for c in fused] == [("a", 1.0)]


def test_a_retriever_that_alone_speaks_keeps_its_scores() -> None:
    fused = ReciprocalRankFusion({"y": 0.0}).fuse([found_by("x", "a", "b"), found_by("y", "c"), []], 9)
    assert [(c.item_id, c.score, c.source, dict(c.ranks)) for c in fused] == [
        ("a", 8.0, "x", {"x": 1}),
        ("b", 7.0, "x", {"x": 2}),
    ]


def test_only_k_come_out() -> None:
    assert len(ReciprocalRankFusion({}).fuse([found_by("x", "a", "b", "c")], 2)) == 2
    assert ReciprocalRankFusion({}).fuse([[], []], 2) == []


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="must not be negative"):
        ReciprocalRankFusion({"x": -1.0})
    with pytest.raises(ConfigError, match="k is 0"):
        ReciprocalRankFusion({}).fuse([], 0)
