import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.standing import Standings
from llmrec.types import ItemId
from tests.ranking.test_contributions import LikesHistory, history, pipeline


def test_an_item_that_is_ranked_has_its_rank_and_what_each_voice_gave_the_last_one_shown(films: Catalogue) -> None:
    # With Alien the scores are 3 for 4, 0 for 5 and 6, -1 for 1.
    standings = Standings(pipeline(films), films.position)
    (six,) = standings.of(history("2"), [ItemId("6")], k=2)
    assert six.shown == ("4", "5")
    assert (six.is_allowed, six.rank, six.n_candidates, six.score) == (True, 3, 4, 0.0)
    assert six.retrieved == {"lifting": 3}
    assert six.lead == {"lifting": 0.0}
    assert not six.is_passed_over


def test_the_language_model_is_one_of_the_voices(films: Catalogue) -> None:
    parts = pipeline(films, voice=LikesHistory())
    assert isinstance(parts.ranker, FusedRanker)
    (six,) = Standings(parts, films.position).of(history("3"), [ItemId("6")], k=1)
    assert six.shown == ("5",)
    # The model gave 5 its 9 and the other three 0: three and minus one over the square root of three.
    assert six.lead["language model"] == pytest.approx(4 / 3**0.5)


def test_an_item_that_may_not_be_shown_has_no_rank(films: Catalogue) -> None:
    (two,) = Standings(pipeline(films), films.position).of(history("2"), [ItemId("2")], k=2)
    assert (two.is_allowed, two.rank, two.retrieved) == (False, None, {})


def test_an_item_that_nobody_finds_has_no_rank(films: Catalogue) -> None:
    (ten,) = Standings(pipeline(films), films.position).of(history("2"), [ItemId("10")], k=2)
    assert (ten.is_allowed, ten.rank, ten.retrieved) == (True, None, {})


def test_several_items_are_answered_in_their_order(films: Catalogue) -> None:
    found = Standings(pipeline(films), films.position).of(history("2"), [ItemId("6"), ItemId("4")], k=2)
    assert [(one.item_id, one.rank) for one in found] == [("6", 3), ("4", 1)]
