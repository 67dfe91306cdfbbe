from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Ranker
from llmrec.ranking.contributions import HeldVoice, LeaveOneOut, Pipeline
from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.types import (
    Allowed,
    Candidate,
    History,
    Interaction,
    ItemEntry,
    ItemId,
    ItemMask,
    Profile,
    Query,
    Ranking,
    RankReport,
    UserId,
    WishEntry,
)
from tests.contracts.contribution_meter import ContributionMeterContract

# Alien lifts 4 by 3, Aliens lifts 5 by 1 and 4 by -1; Heat says nothing.
LIFTS: Mapping[str, Mapping[str, float]] = {"2": {"4": 3.0}, "3": {"5": 1.0, "4": -1.0}, "9": {}}


class Lifting:
    """Scores 4, 5 and 6 by what the user met; a wish is worth 2 to item 6."""

    name = "lifting"

    def __init__(self) -> None:
        self.masks: list[ItemMask | None] = []

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        self.masks.append(allowed)
        scores = {"4": 0.0, "5": 0.0, "6": 2.0 if query.text else 0.0, "1": -1.0}
        for source in query.positive_item_ids:
            for item_id, lift in LIFTS[source].items():
                scores[item_id] += lift
        found = sorted(scores.items(), key=lambda pair: -pair[1])[:k]
        return [Candidate(ItemId(item_id), score, self.name) for item_id, score in found]


class FirstList:
    def fuse(self, lists: Sequence[Sequence[Candidate]], k: int) -> Sequence[Candidate]:
        return lists[0][:k]


class Anything:
    """Lets everything pass but what was met."""

    def __init__(self, films: Catalogue) -> None:
        self._films = films

    def allowed(self, query: Query) -> Allowed:
        return Allowed(np.array([item_id not in query.positive_item_ids for item_id in self._films]))

    def select(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> tuple[ItemId, ...]:
        return ranking.item_ids[:k]


class LikesHistory:
    """A model that prefers 5 as long as Aliens is in the history, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        self.n_asked += 1
        likes = "3" in query.positive_item_ids
        scores = {c.item_id: 9.0 if c.item_id == "5" and likes else 0.0 for c in candidates}
        item_ids = tuple(scores)
        return Ranking(item_ids, tuple(scores.values()), "lm+retrieval", RankReport(model="m", lm_scores=scores))


def history(*item_ids: str) -> Query:
    return Query(history=History(tuple(Interaction(UserId("ann"), ItemId(item_id)) for item_id in item_ids)))


def pipeline(films: Catalogue, *, voice: Ranker | None = None, retriever: Lifting | None = None) -> Pipeline:
    ranker: Ranker = FusedRanker(voice, lm_weight=1.0) if voice else RetrievalOrderRanker()
    return Pipeline(Anything(films), [retriever or Lifting()], FirstList(), ranker, n_candidates=10)


def meter_of(parts: Pipeline, *, n_rereads: int = 0) -> LeaveOneOut:
    return LeaveOneOut(parts, lambda report: FusedRanker(HeldVoice(report), lm_weight=1.0), n_rereads=n_rereads)


def served(parts: Pipeline, query: Query) -> Ranking:
    return parts.ranker.rank(query, parts.fusion.fuse([parts.retrievers[0].retrieve(query, 10)], 10))


def test_a_contribution_is_the_fall_in_standard_deviations_of_the_slate(films: Catalogue) -> None:
    parts, query = pipeline(films), history("2", "9")
    (measured,) = meter_of(parts).measure(query, served(parts, query).keep((ItemId("4"),)), ["2", "9"])
    assert measured is not None
    # With Alien the scores are 3, 0, 0, -1, which spread by 1.5. Without it 4 has 0.
    assert measured.items["2"] == pytest.approx(3 / 1.5)
    assert measured.items["9"] == 0
    assert measured.wish is None


class LonelyLifting(Lifting):
    """Calls itself another, with scores in another unit, for users of whom nothing is known."""

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        found = super().retrieve(query, k, allowed=allowed)
        if query.positive_item_ids:
            return found
        return [replace(candidate, source="counts", score=500 + 100 * candidate.score) for candidate in found]


def test_where_the_unit_of_scores_changes_the_place_in_the_slate_is_compared(films: Catalogue) -> None:
    parts, query = pipeline(films, retriever=LonelyLifting()), history("2")
    (measured,) = meter_of(parts).measure(query, served(parts, query).keep((ItemId("4"),)), ["2"])
    assert measured is not None
    # With Alien the scores are 3, 0, 0, -1 (mean .5, spread 1.5): 4 stands 2.5 / 1.5 above. Without it they are 500,
    # 500, 500, 400 (mean 475, spread 43.3): 25 / 43.3.
    assert measured.items["2"] == pytest.approx(2.5 / 1.5 - 25 / 43.30127)


def test_what_speaks_against_an_item_has_a_contribution_below_nothing(films: Catalogue) -> None:
    parts, query = pipeline(films), history("2", "3")
    (measured,) = meter_of(parts).measure(query, served(parts, query).keep((ItemId("4"),)), ["2", "3"])
    assert measured is not None
    assert measured.items["3"] < 0 < measured.items["2"]


def test_liked_items_and_the_wish_are_taken_out_too(films: Catalogue) -> None:
    parts = pipeline(films)
    query = Query(profile=Profile(liked=(ItemEntry(ItemId("2"), 0),), wishes=(WishEntry("scary", 0),)))
    four, six = meter_of(parts).measure(query, served(parts, query).keep(("4", "6")), ["2"])
    assert four is not None
    assert six is not None
    assert four.items["2"] > 0 == six.items["2"]
    assert six.wish is not None
    assert six.wish > 0


class LiftingAll(Lifting):
    """A wish is worth as much to every item."""

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        heard = 1.0 if query.text else 0.0
        return [Candidate(ItemId(str(n)), heard + 1 / n, self.name) for n in range(1, 5)]


def test_a_wish_that_moves_no_rank_lifts_nothing(films: Catalogue) -> None:
    parts = pipeline(films, retriever=LiftingAll())
    query = Query(profile=Profile(wishes=(WishEntry("scary", 0),)))
    ranking = served(parts, query)
    measured = meter_of(parts).measure(query, ranking, [])
    assert [one and one.wish for one in measured] == [0.0] * 4


def test_what_was_taken_out_stays_out_of_the_lists(films: Catalogue) -> None:
    retriever = Lifting()
    parts = pipeline(films, retriever=retriever)
    meter_of(parts).measure(history("2", "3"), served(parts, history("2", "3")), ["2", "3"])
    place = films.position(ItemId("2"))
    assert all(mask is not None and not mask[place] for mask in retriever.masks[1:])


def test_an_item_that_is_not_found_is_not_measured(films: Catalogue) -> None:
    parts, query = pipeline(films), history("2")
    ranking = Ranking((ItemId("4"), ItemId("10")), (1.0, 0.0), "retrieval")
    four, ten = meter_of(parts).measure(query, ranking, ["2"])
    assert four is not None
    assert ten is None


def test_the_model_keeps_its_opinion_where_it_is_not_asked_again(films: Catalogue) -> None:
    voice = LikesHistory()
    parts, query = pipeline(films, voice=voice), history("2", "3")
    ranking = served(parts, query)
    meter_of(parts).measure(query, ranking, ["2", "3"])
    assert voice.n_asked == 1


def test_the_model_is_asked_again_for_what_would_be_cited_first(films: Catalogue) -> None:
    voice = LikesHistory()
    parts, query = pipeline(films, voice=voice), history("2", "3")
    five = served(parts, query).keep((ItemId("5"),))
    (held,) = meter_of(parts).measure(query, five, ["2", "3"])
    (asked,) = meter_of(parts, n_rereads=1).measure(query, five, ["2", "3"])
    assert held is not None
    assert asked is not None
    assert voice.n_asked == 2
    # The model liked 5 for Aliens alone, which only shows when it is asked.
    assert asked.items["3"] > held.items["3"] > 0
    assert asked.items["2"] == held.items["2"]


class TestContract(ContributionMeterContract):
    @pytest.fixture
    def parts(self, films: Catalogue) -> Pipeline:
        return pipeline(films, voice=LikesHistory())

    @pytest.fixture
    def meter(self, parts: Pipeline) -> LeaveOneOut:
        return meter_of(parts, n_rereads=1)

    @pytest.fixture
    def query(self) -> Query:
        return replace(history("2", "3"), profile=Profile(wishes=(WishEntry("scary", 0),)))

    @pytest.fixture
    def ranking(self, parts: Pipeline, query: Query) -> Ranking:
        return served(parts, query)
