"""The Insights page as it grows, without a browser."""

from dataclasses import replace
from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.types import Feedback, ItemEntry, ItemId, Profile, UserId
from llmrec.ui.conversation import Card, Exchange, new_conversation
from llmrec.ui.insights import InsightsPage, person_of
from tests.ui.fakes import FakeRecommender


def test_the_person_is_who_the_last_cards_were_for() -> None:
    cards = (Card(ItemId("3"), "why", voices={"dense": 1.0}), Card(ItemId("4"), "why"))
    conversation = new_conversation().with_exchange(Exchange("a", "b", cards), Profile())
    conversation = conversation.with_exchange(Exchange("thanks", "You are welcome."), Profile())
    person = person_of(conversation)
    assert person.shown == ("3", "4")
    assert person.voices == {ItemId("3"): {"dense": 1.0}}


def test_the_page_grows_by_sections_and_what_is_common_is_drawn_once(films: Catalogue, tmp_path: Path) -> None:
    with SQLiteFeedbackStore(tmp_path / "feedback.sqlite3") as store:
        page = InsightsPage(FakeRecommender(films), store, None)
        first = list(page.grow(new_conversation()))
        assert [html.count("<h2>") for html in first] == [0, 1, 2, 3, 3]
        assert "Drawing" not in first[-1]
        store.record(Feedback(UserId("u"), ItemId("2"), "like", 17.0))
        liked = new_conversation().with_profile(Profile(liked=(ItemEntry(ItemId("2"), 0),)))
        second = list(page.grow(liked))[-1]
        assert "Reactions" in second
        assert "Horror 1 (100%)" in second
        assert all(part in second for part in page._kept["en"])
        chinese = list(page.grow(replace(liked, language="zh")))
        assert "正在画图" in chinese[0]
        assert all(words in chinese[-1] for words in ('<div class="sections" lang="zh">', "评价", "Horror 1 (100%)"))
        assert "The catalogue" not in chinese[-1]


def test_an_evaluation_that_cannot_be_read_is_a_sentence(films: Catalogue, tmp_path: Path) -> None:
    *_, last = InsightsPage(FakeRecommender(films), None, tmp_path / "none").grow(new_conversation())
    assert "The pictures could not be drawn" in last
