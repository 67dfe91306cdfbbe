import math

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.ranking.item_tokens import ItemTokenRanker
from llmrec.types import Candidate, Histories, History, Interaction, ItemId, Query, UserId
from tests.contracts.ranker import QUERY, RankerContract, candidates_of
from tests.language_model.tiny_items import drawn_scorer

ANN = UserId("ann")


class Numbers:
    """A scorer that says the same of everybody, and keeps what it was asked."""

    name, adapter = "numbers", "steps"

    def __init__(self, *scores: float, failure: ModelError | None = None) -> None:
        self.row = np.array(scores, dtype=np.float32)
        self.failure = failure
        self.asked: list[Histories] = []

    def score_histories(self, histories: Histories) -> NDArray[np.float32]:
        self.asked.append(histories)
        if self.failure is not None:
            raise self.failure
        return np.tile(self.row, (len(histories), 1))


class TestItemTokenRanker(RankerContract):
    @pytest.fixture
    def ranker(self, films: Catalogue) -> ItemTokenRanker:
        return ItemTokenRanker(Numbers(*range(10)), films, max_slate=6)


class TestItemTokenRankerOfATinyModel(RankerContract):
    @pytest.fixture
    def ranker(self, films: Catalogue) -> ItemTokenRanker:
        return ItemTokenRanker(drawn_scorer(films, films.ids[:7]), films, max_slate=6)


def test_likely_items_come_first_and_those_beyond_the_slate_follow(films: Catalogue) -> None:
    scorer = Numbers(0.5, 0, 2, 1, 9, 9, 9, 9, 9, 9)
    ranking = ItemTokenRanker(scorer, films, max_slate=4).rank(QUERY, candidates_of(films, 6))
    assert ranking.item_ids == ("3", "4", "1", "2", "5", "6")
    assert ranking.scores == (2, 1, 0.5, 0, -1, -2)
    assert ranking.ranked_by == "lm+retrieval"
    assert dict(ranking.report.lm_scores) == {"3": 2.0, "4": 1.0, "1": 0.5, "2": 0.0}
    assert (ranking.report.model, ranking.report.adapter, ranking.report.label_mass) == ("numbers", "steps", 1.0)


def test_one_pass_reads_what_is_known_of_the_history(films: Catalogue) -> None:
    history = History(tuple(Interaction(ANN, ItemId(item_id)) for item_id in ("7", "gone", "2")))
    scorer = Numbers(*range(10))
    ItemTokenRanker(scorer, films).rank(Query(history=history), candidates_of(films, 9))
    (asked,) = scorer.asked
    assert asked.items.tolist() == [6, 1]
    assert asked.starts.tolist() == [0, 2]


def test_no_order_and_no_other_candidate_changes_a_score_of_a_real_model(films: Catalogue) -> None:
    ranker = ItemTokenRanker(drawn_scorer(films, films.ids[:7]), films)
    candidates = candidates_of(films, 9)
    every = ranker.rank(QUERY, candidates).report.lm_scores
    assert dict(ranker.rank(QUERY, candidates[::-1]).report.lm_scores) == dict(every)
    for candidate in candidates:
        alone = ranker.rank(QUERY, [candidate]).report.lm_scores
        assert alone == {candidate.item_id: every[candidate.item_id]}


@pytest.mark.parametrize(
    ("query", "scorer", "reason"),
    [
        (Query(), Numbers(*range(10)), "there is no history to read"),
        (Query(history=History((Interaction(ANN, ItemId("gone")),))), Numbers(*range(10)), "no history to read"),
        (QUERY, Numbers(failure=ModelError("the device is full.")), "the device is full"),
        (QUERY, Numbers(*[math.nan] * 10), "not numbers"),
    ],
)
def test_without_a_voice_the_retrieval_order_stands_and_says_why(
    films: Catalogue, query: Query, scorer: Numbers, reason: str
) -> None:
    candidates = candidates_of(films, 5)
    ranking = ItemTokenRanker(scorer, films).rank(query, candidates)
    assert ranking.item_ids == films.ids[:5]
    assert ranking.scores == tuple(candidate.score for candidate in candidates)
    assert ranking.ranked_by == "retrieval"
    assert reason in ranking.report.degraded
    assert ranking.report.lm_scores == {}


def test_a_candidate_is_scored_by_its_place_in_the_catalogue(films: Catalogue) -> None:
    candidates = [Candidate(ItemId("10"), 1.0, "fusion"), Candidate(ItemId("1"), 0.9, "fusion")]
    ranking = ItemTokenRanker(Numbers(5, 0, 0, 0, 0, 0, 0, 0, 0, 7), films).rank(QUERY, candidates)
    assert dict(ranking.report.lm_scores) == {"10": 7.0, "1": 5.0}
