"""Candidates fused by rank over whole histories, and slates put in order above everything else."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from llmrec.evaluation.fused_stages import (
    CrossFittedRanker,
    RankFusionScorer,
    ShuffledRanker,
    Slates,
    SlateScorer,
    query_of,
)
from llmrec.evaluation.fusion_fitting import CrossFitted
from llmrec.ranking.fusion_model import FusionModel
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Candidate, Histories, ItemId, Query, Ranking
from tests.evaluation.tiny import histories, table


@dataclass(frozen=True)
class Fixed:
    """Scores that were written down."""

    name: str
    scores: ScoreTable

    def score_histories(self, histories: Histories) -> ScoreTable:
        return self.scores


def fused(*parts: Fixed, n_candidates: int = 10) -> list[float]:
    scorer = RankFusionScorer(parts, {part.name: weight for part, weight in zip(parts, (1.0, 0.5), strict=False)},
                              n_candidates, k0=1.0)  # fmt: skip
    return scorer.score_histories(histories([4]))[0].tolist()


def test_weights_over_ranks_are_summed_and_what_was_met_or_is_unknown_gets_nothing() -> None:
    # Ranks of the first: items 1, 0, 3; item 4 was met, item 2 has the lowest score. Of the second: item 3 alone.
    found = fused(Fixed("a", table([2, 3, 0, 1, 9])), Fixed("b", table([0, 0, 0, 7, 0])))
    assert found == pytest.approx([1 / 3, 1 / 2, 0, 1 / 4 + 0.5 / 2, 0])


def test_equals_share_their_mean_rank() -> None:
    assert fused(Fixed("a", table([5, 5, 0, 1, 9]))) == pytest.approx([1 / 2.5, 1 / 2.5, 0, 1 / 4, 0])


def test_all_that_tie_with_the_last_one_heard_are_heard() -> None:
    # Two are heard: item 3, and both that share rank 2 and 3.
    found = fused(Fixed("a", table([5, 5, 0, 7, 1])), n_candidates=2)
    assert found == pytest.approx([1 / 3.5, 1 / 3.5, 0, 1 / 2, 0])


IDS = tuple(ItemId(name) for name in "abcde")


@dataclass(frozen=True)
class Says:
    """Scores of items that were written down."""

    scores: dict[str, float]

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        found = sorted((candidate.item_id for candidate in candidates), key=lambda item_id: -self.scores[item_id])
        return Ranking(tuple(found), tuple(self.scores[item_id] for item_id in found), "retrieval")


def ordered(base: list[float], says: dict[str, float], *, size: int) -> list[float]:
    scorer = SlateScorer("any", Slates(Fixed("base", table(base)), IDS, size), Says(says))
    return scorer.score_histories(histories([4]))[0].tolist()


def test_the_slate_stands_above_everything_and_what_is_below_keeps_its_order() -> None:
    scores = ordered([5, 4, 3, 2, 9], {"a": 1, "b": 7, "c": 3}, size=3)
    # Item 4 was met, and is on no slate.
    assert sorted(range(4), key=lambda item: -scores[item]) == [1, 2, 0, 3]
    assert scores[3] == 2
    assert min(scores[:3]) > scores[4]


def test_what_a_ranker_cannot_tell_apart_stays_tied() -> None:
    scores = ordered([5, 4, 3, 2, 9], {"a": 1, "b": 2, "c": 1}, size=3)
    assert scores[0] == scores[2] < scores[1]


def test_a_shuffle_depends_on_seed_and_user_alone() -> None:
    slate = [Candidate(item_id, 0.0, "x") for item_id in IDS]
    users = [query_of(histories([item]).items, IDS) for item in range(5)]
    orders = {ShuffledRanker(seed).rank(user, slate).item_ids for seed in range(5) for user in users}
    assert len(orders) > 10
    assert ShuffledRanker(3).rank(users[0], slate) == ShuffledRanker(3).rank(users[0], slate)
    assert all(sorted(order) == list(IDS) for order in orders)


def test_each_user_gets_the_weights_that_are_his() -> None:
    upside_down, upright = FusionModel({"retrieval": -1.0}), FusionModel({"retrieval": 1.0})
    fusions = CrossFitted(upright, (upside_down,), {(IDS[4],): 0})
    ranker = CrossFittedRanker(RetrievalOrderRanker(), fusions, {}, slate_size=2)
    slate = [Candidate(item_id, score, "x") for item_id, score in zip(IDS[:2], (2.0, 1.0), strict=True)]
    assert ranker.rank(query_of(histories([4]).items, IDS), slate).item_ids == ("b", "a")
    assert ranker.rank(query_of(histories([3]).items, IDS), slate).item_ids == ("a", "b")
