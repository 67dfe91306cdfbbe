"""The parts of a score sum to the score."""

import pytest

from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.ranking.voices import LANGUAGE_MODEL, parts_of, standardised_parts
from llmrec.retrieval.fusion import ReciprocalRankFusion
from llmrec.types import Candidate, ItemId, Query, Ranking, RankReport

A, B, C = ItemId("a"), ItemId("b"), ItemId("c")
FUSED = [
    Candidate(A, 3.0, "fusion", parts={"dense": 1.0, "bm25": 2.0}),
    Candidate(B, 1.0, "fusion", parts={"dense": 1.0}),
]


class SayingRanker:
    def rank(self, query: Query, candidates: list[Candidate]) -> Ranking:
        scores = {A: 0.0, B: 4.0}
        return Ranking((B, A), (4.0, 0.0), "lm+retrieval", RankReport(lm_scores=scores))


def test_a_lone_retriever_is_the_only_voice() -> None:
    assert parts_of(Candidate(A, 2.5, "dense")) == {"dense": 2.5}


def test_reciprocal_ranks_are_kept_apart() -> None:
    lists = [[Candidate(A, 1.0, "dense"), Candidate(B, 0.5, "dense")], [Candidate(B, 9.0, "bm25")]]
    best, other = ReciprocalRankFusion({"bm25": 2.0}, k0=60).fuse(lists, 2)
    assert best.parts == {"dense": pytest.approx(1 / 62), "bm25": pytest.approx(2 / 61)}
    assert best.score == pytest.approx(sum(best.parts.values()))
    assert other.parts == {"dense": pytest.approx(1 / 61)}


def test_standardised_parts_sum_to_the_standardised_score() -> None:
    # Scores 3 and 1 have mean 2 and spread 1; bm25 parts 2 and 0 have mean 1.
    assert standardised_parts(FUSED) == [{"dense": 0.0, "bm25": 1.0}, {"dense": 0.0, "bm25": -1.0}]


def test_equal_scores_say_nothing() -> None:
    assert standardised_parts([Candidate(A, 1.0, "dense"), Candidate(B, 1.0, "dense")]) == [{"dense": 0.0}] * 2


def test_the_fused_ranking_tells_what_the_model_adds() -> None:
    ranking = FusedRanker(SayingRanker(), lm_weight=0.5).rank(Query(), FUSED)
    assert ranking.report.voices[A] == {"dense": 0.0, "bm25": 1.0, LANGUAGE_MODEL: pytest.approx(-0.5)}
    assert ranking.scores[0] == pytest.approx(sum(ranking.report.voices[A].values()))


def test_without_a_model_the_retrievers_are_the_voices() -> None:
    ranking = RetrievalOrderRanker().rank(Query(), FUSED)
    assert ranking.report.voices[A] == {"dense": 1.0, "bm25": 2.0}
