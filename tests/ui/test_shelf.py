"""Several conversations in one browser."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import FeedbackError
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.types import Feedback, ItemEntry, ItemId, Profile, UserId, WishEntry
from llmrec.ui.conversation import Conversation, Exchange, new_conversation
from llmrec.ui.handlers import ChatHandlers
from llmrec.ui.library import LibraryHandlers
from llmrec.ui.shelf import MAX_CONVERSATIONS, Shelf, shelf_from_browser, shelf_html, shelf_to_browser
from llmrec.ui.words import words_in
from tests.ui.fakes import FakeRecommender

LIKED = Profile(liked=(ItemEntry(ItemId("2"), 0),), wishes=(WishEntry("scary", 0),))


def talk(said: str, n: int = 1) -> Conversation:
    return replace(new_conversation(), exchanges=(Exchange(said, "Here."),) * n, profile=LIKED)


@pytest.fixture
def library(recommender: FakeRecommender, feedback: SQLiteFeedbackStore) -> LibraryHandlers:
    return LibraryHandlers(recommender, feedback, ChatHandlers(recommender, feedback))


def test_a_conversation_without_a_word_is_not_kept() -> None:
    assert Shelf().put(new_conversation()) == Shelf()


def test_a_conversation_stands_on_the_shelf_once_and_the_last_one_first() -> None:
    one, two = talk("one"), talk("two")
    assert Shelf().put(one).put(two).put(one).conversations == (one, two)


def test_the_oldest_give_way_when_there_are_too_many_or_too_long_ones() -> None:
    shelf = Shelf()
    for number in range(MAX_CONVERSATIONS + 2):
        shelf = shelf.put(talk(str(number)))
    assert [each.exchanges[0].asked for each in shelf.conversations] == [str(n) for n in range(11, 1, -1)]
    assert [each.exchanges[0].asked for each in shelf.put(talk("long", 148)).conversations] == ["long", "11", "10"]


def test_a_shelf_comes_back_from_json_as_it_was(films: Catalogue) -> None:
    shelf = Shelf((talk("one"), talk("two")))
    assert shelf_from_browser(json.loads(json.dumps(shelf_to_browser(shelf, films))), films) == (shelf, ())
    assert shelf_from_browser(None, films) == (Shelf(), ())


@pytest.mark.parametrize("data", ["x", [1], {"conversations": "x"}])
def test_a_forged_shelf_gets_a_sentence(films: Catalogue, data: object) -> None:
    assert shelf_from_browser(data, films) == (Shelf(), ("bad_shelf",))


def test_a_forged_conversation_costs_only_itself(films: Catalogue) -> None:
    stored = dict(shelf_to_browser(Shelf((talk("one"),)), films))
    rows = [*stored["conversations"], {"exchanges": "x"}, 7]  # type: ignore[misc]
    shelf, complaint = shelf_from_browser({"conversations": rows}, films)
    assert [each.exchanges[0].asked for each in shelf.conversations] == ["one"]
    assert complaint == ("bad_exchanges", "bad_store")


def test_titles_are_what_was_said_first_and_escaped() -> None:
    html = shelf_html(Shelf((talk("<b>one</b> " + "x" * 100),)), words_in("en"))
    assert "<b>" not in html
    assert "&lt;b&gt;one&lt;/b&gt;" in html


def test_a_new_conversation_keeps_what_is_liked_and_puts_the_old_one_away(library: LibraryHandlers) -> None:
    old = replace(talk("one"), k=8)
    after = library.new(old, None, None)
    fresh = after.view.conversation
    assert fresh.profile == Profile(liked=LIKED.liked)
    assert (fresh.user_id, fresh.k, fresh.exchanges) == (old.user_id, 8, ())
    back = library.open(fresh, None, after.stored, {"id": old.id})
    assert back is not None
    assert back.view.conversation == old
    assert back.stored == {"conversations": []}


def test_a_conversation_of_the_list_is_deleted_and_the_open_one_stays(library: LibraryHandlers) -> None:
    old, open_ = talk("one"), talk("two")
    stored = library.new(old, None, None).stored
    after = library.drop(open_, None, stored, {"id": old.id})
    assert after.stored == {"conversations": []}
    assert after.view.conversation == open_


@pytest.mark.parametrize("press", [{}, {"id": 7}, {"id": "x"}])
def test_a_forged_id_opens_nothing(library: LibraryHandlers, press: dict[str, object]) -> None:
    assert library.open(talk("two"), None, None, press) is None


def test_everything_of_a_user_is_exported(library: LibraryHandlers, feedback: SQLiteFeedbackStore) -> None:
    conversation = talk("one")
    feedback.record(Feedback(conversation.user_id, ItemId("2"), "like", 17.0))
    feedback.record(Feedback(UserId("other"), ItemId("3"), "like", 18.0))
    stored = library.new(talk("two"), None, None).stored
    data = json.loads(library.export(conversation, stored))
    assert data["conversation"]["profile"]["liked"][0]["title"] == "Alien (1979)"
    assert [each["exchanges"][0]["asked"] for each in data["other_conversations"]] == ["two"]
    assert [(row["item_id"], row["signal"]) for row in data["on_the_server"]] == [("2", "like")]


def test_everything_of_a_user_is_deleted_and_a_new_one_begins(
    library: LibraryHandlers, feedback: SQLiteFeedbackStore
) -> None:
    conversation = talk("one")
    feedback.record(Feedback(conversation.user_id, ItemId("2"), "like", 17.0))
    feedback.record(Feedback(UserId("other"), ItemId("3"), "like", 18.0))
    after = library.erase(conversation, None)
    assert feedback.for_user(conversation.user_id) == []
    assert len(feedback.for_user(UserId("other"))) == 1
    assert after.view.conversation.user_id != conversation.user_id
    assert after.view.conversation.profile == Profile()
    assert after.stored == {"conversations": []}
    assert "All of it is gone: 1 entries" in str(after.view.notice)


def test_what_cannot_be_deleted_is_said(recommender: FakeRecommender, tmp_path: Path) -> None:
    class Locked(SQLiteFeedbackStore):
        def delete(self, user_id: UserId) -> int:
            raise FeedbackError("the file is locked.")

    locked = Locked(tmp_path / "locked.sqlite3")
    library = LibraryHandlers(recommender, locked, ChatHandlers(recommender, locked))
    conversation = talk("one")
    after = library.erase(conversation, None)
    assert after.view.conversation == conversation
    assert "Not all of it could be deleted: the file is locked." in str(after.view.notice)
    locked.close()
