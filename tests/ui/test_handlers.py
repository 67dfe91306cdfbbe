"""What the page does, without a page: handlers called with values."""

from collections.abc import Generator
from dataclasses import replace
from typing import cast

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import FeedbackError, ModelTimeout
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.interfaces import FeedbackStore
from llmrec.types import Feedback, ItemEntry, ItemId, Profile
from llmrec.ui.contract import Chat
from llmrec.ui.conversation import MAX_EXCHANGES, Conversation, Exchange, new_conversation
from llmrec.ui.draft import Draft
from llmrec.ui.handlers import ChatHandlers, View
from llmrec.ui.words import words_in
from tests.ui.fakes import FakeRecommender

ALIEN = {"item": "2", "signal": "like"}


@pytest.fixture
def handlers(recommender: FakeRecommender, feedback: SQLiteFeedbackStore) -> ChatHandlers:
    return ChatHandlers(recommender, feedback, now=lambda: 17.0)


def asked(handlers: ChatHandlers, conversation: Conversation, message: str) -> Draft:
    answer = handlers.ask(conversation, message, None)
    assert answer is not None
    assert answer[1] is not None
    return answer[1]


def after(handlers: ChatHandlers, conversation: Conversation, message: str) -> View:
    draft = asked(handlers, conversation, message)
    *_, (_, last) = handlers.answer(conversation, draft)
    return handlers.finish(conversation, last)


def test_a_turn_becomes_an_exchange_with_cards_and_the_new_profile(handlers: ChatHandlers) -> None:
    view = after(handlers, new_conversation(), " something scary ")
    (exchange,) = view.conversation.exchanges
    assert exchange.asked == "something scary"
    assert exchange.text == "You said: something scary. Here is what fits."
    assert [card.item_id for card in exchange.cards] == ["1", "2", "3", "4", "5"]
    assert exchange.status == "43 fit, 30 found, 10 ranked, 0.8 s"
    assert [wish.text for wish in view.conversation.profile.wishes] == ["something scary"]
    assert (view.is_busy, view.message) == (False, None)


def test_the_recommender_gets_all_turns_and_the_profile(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    conversation = after(handlers, new_conversation(), "one").conversation
    after(handlers, conversation, "two")
    turns, profile = recommender.calls[1]
    assert [(turn.role, turn.text) for turn in turns] == [
        ("user", "one"),
        ("assistant", "You said: one. Here is what fits."),
        ("user", "two"),
    ]
    assert profile == conversation.profile


def test_the_answer_grows_from_stages_to_cards_to_text(handlers: ChatHandlers) -> None:
    conversation = new_conversation()
    drafts = [draft for _, draft in handlers.answer(conversation, asked(handlers, conversation, "hello"))]
    assert (drafts[0].started, drafts[0].stages) == (True, ())
    seen = [(bool(draft.stages), bool(draft.cards), bool(draft.text)) for draft in drafts]
    assert seen == sorted(seen)
    assert drafts[-1].is_over


def test_a_draft_is_answered_once(handlers: ChatHandlers) -> None:
    conversation = new_conversation()
    _, started = next(iter(handlers.answer(conversation, asked(handlers, conversation, "hello"))))
    assert list(handlers.answer(conversation, started)) == []


def test_interleaved_conversations_go_as_two_separate_ones(handlers: ChatHandlers) -> None:
    ann, bob = new_conversation(), new_conversation()
    ann_draft, bob_draft = asked(handlers, ann, "ann"), asked(handlers, bob, "bob")
    pairs = zip(handlers.answer(ann, ann_draft), handlers.answer(bob, bob_draft), strict=False)
    *_, ((_, ann_last), (_, bob_last)) = pairs
    assert handlers.finish(ann, ann_last).conversation.exchanges == after(handlers, ann, "ann").conversation.exchanges
    assert handlers.finish(bob, bob_last).conversation.exchanges == after(handlers, bob, "bob").conversation.exchanges


@pytest.mark.parametrize("message", ["", "  \n "])
def test_an_empty_message_does_nothing(handlers: ChatHandlers, message: str) -> None:
    assert handlers.ask(new_conversation(), message, None) is None


def test_a_message_while_one_is_under_way_does_nothing(handlers: ChatHandlers) -> None:
    conversation = new_conversation()
    assert handlers.ask(conversation, "two", asked(handlers, conversation, "one")) is None


def test_a_message_over_the_limit_is_refused_and_stays_in_the_box(handlers: ChatHandlers) -> None:
    answer = handlers.ask(new_conversation(), "x" * 4001, None)
    assert answer is not None
    view, draft = answer
    assert draft is None
    assert view.message is None
    assert view.notice is not None
    assert "4,001 characters; at most 4,000 can be read" in view.notice


def test_a_conversation_that_is_full_says_what_to_do(handlers: ChatHandlers) -> None:
    full = replace(new_conversation(), exchanges=(Exchange("a", "b"),) * MAX_EXCHANGES)
    answer = handlers.ask(full, "one more", None)
    assert answer is not None
    assert answer[1] is None
    assert "reached 200 messages; press Start over" in str(answer[0].notice)


def test_a_failed_turn_is_shown_but_never_sent_again(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    before = after(handlers, new_conversation(), "one").conversation
    recommender.error = ModelTimeout("no answer within 30 s.", hint="Ask again.")
    failed = after(handlers, before, "two")
    assert failed.conversation.exchanges[-1] == Exchange("two", "no answer within 30 s. Ask again.", failed=True)
    assert failed.conversation.profile == before.profile
    assert failed.message == "two"
    recommender.error = None
    after(handlers, failed.conversation, "three")
    assert [turn.text for turn in recommender.calls[-1][0]][::2] == ["one", "three"]


def test_an_unforeseen_error_is_logged_and_not_shown(
    handlers: ChatHandlers, recommender: FakeRecommender, caplog: pytest.LogCaptureFixture
) -> None:
    recommender.error = ZeroDivisionError("in the depths")
    view = after(handlers, new_conversation(), "private words")
    assert view.conversation.exchanges[-1].text.startswith("Something went wrong on the server.")
    assert "in the depths" in caplog.text
    assert "private words" not in caplog.text


def test_stop_ends_the_stream_and_keeps_the_cards(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    conversation = new_conversation()
    answer = handlers.answer(conversation, asked(handlers, conversation, "hello"))
    draft = next(grown for _, grown in answer if grown.cards)
    (exchange,) = handlers.stop(conversation, draft).conversation.exchanges
    assert (exchange.text, len(exchange.cards), exchange.failed) == ("Stopped.", 5, False)
    assert list(answer) == []
    assert recommender.closed.is_set()


def test_starting_over_ends_the_stream(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    conversation = new_conversation()
    answer = handlers.answer(conversation, asked(handlers, conversation, "hello"))
    _, draft = next(answer)
    handlers.start_over(conversation, draft)
    assert list(answer) == []


def test_a_visitor_who_leaves_ends_the_stream(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    conversation = new_conversation()
    answer = handlers.answer(conversation, asked(handlers, conversation, "hello"))
    assert isinstance(answer, Generator)
    next(grown for _, grown in answer if grown.cards)
    answer.close()
    assert recommender.closed.is_set()


def test_a_turn_stopped_before_anything_came_gives_the_message_back(handlers: ChatHandlers) -> None:
    conversation = new_conversation()
    view = handlers.stop(conversation, asked(handlers, conversation, "hello"))
    assert view.message == "hello"
    assert view.conversation.turns == ()


def test_the_end_of_a_cancelled_answer_leaves_the_next_one_alone(handlers: ChatHandlers) -> None:
    fresh = handlers.start_over(new_conversation(), None).conversation
    waiting = asked(handlers, fresh, "the next one")
    view = handlers.finish(fresh, waiting)
    assert (view.is_busy, view.conversation.exchanges) == (True, ())


def test_a_late_draft_of_the_conversation_before_is_ignored(handlers: ChatHandlers) -> None:
    old = new_conversation()
    draft = asked(handlers, old, "hello")
    *_, (_, over) = handlers.answer(old, draft)
    fresh = handlers.start_over(old, draft).conversation
    assert handlers.finish(fresh, over).conversation.exchanges == ()
    assert list(handlers.answer(fresh, draft)) == []
    settled = handlers.finish(old, over).conversation
    assert handlers.finish(settled, over).conversation == settled


def test_a_like_is_stored_and_in_the_profile_at_once(handlers: ChatHandlers, feedback: SQLiteFeedbackStore) -> None:
    conversation = after(handlers, new_conversation(), "hello").conversation
    view = handlers.react(conversation, ALIEN, None)
    assert view is not None
    assert view.conversation.profile.liked == (ItemEntry(ItemId("2"), 1),)
    user_id = conversation.user_id
    assert feedback.for_user(user_id) == [Feedback(user_id, ItemId("2"), "like", 17.0)]


def test_a_like_pressed_again_is_taken_back_from_the_profile(
    handlers: ChatHandlers, feedback: SQLiteFeedbackStore
) -> None:
    view = handlers.react(new_conversation(), ALIEN, None)
    assert view is not None
    again = handlers.react(view.conversation, ALIEN, None)
    assert again is not None
    assert again.conversation.profile == Profile()
    assert len(feedback.for_user(again.conversation.user_id)) == 1


def test_a_like_while_an_answer_is_under_way_is_in_the_profile_afterwards(handlers: ChatHandlers) -> None:
    before = after(handlers, new_conversation(), "one").conversation
    *_, (_, over) = handlers.answer(before, asked(handlers, before, "two"))
    liked = handlers.react(before, ALIEN, over)
    assert liked is not None
    profile = handlers.finish(liked.conversation, over).conversation.profile
    assert [entry.item_id for entry in profile.liked] == ["2"]
    assert [wish.text for wish in profile.wishes] == ["one", "two"]


def test_feedback_that_cannot_be_stored_is_said_and_changes_nothing(recommender: FakeRecommender) -> None:
    class FullDisk:
        def record(self, feedback: Feedback) -> None:
            raise FeedbackError("the disk is full.", hint="Free some space.")

    handlers = ChatHandlers(recommender, cast(FeedbackStore, FullDisk()))
    view = handlers.react(new_conversation(), ALIEN, None)
    assert view is not None
    assert "This was not saved: the disk is full. Free some space." in str(view.notice)
    assert view.conversation.profile == Profile()


def test_without_a_store_reactions_live_in_the_profile_only(recommender: FakeRecommender) -> None:
    view = ChatHandlers(recommender, None).react(new_conversation(), ALIEN, None)
    assert view is not None
    assert [entry.item_id for entry in view.conversation.profile.liked] == ["2"]


@pytest.mark.parametrize(
    "press",
    [{}, {"item": "2"}, {"item": "999", "signal": "like"}, {"item": ["2"], "signal": "like"}, {**ALIEN, "signal": "x"}],
)
def test_a_forged_reaction_does_nothing(
    handlers: ChatHandlers, feedback: SQLiteFeedbackStore, press: dict[str, object]
) -> None:
    assert handlers.react(new_conversation(), press, None) is None


@pytest.mark.parametrize(
    "press", [{}, {"section": "liked"}, {"section": "x", "index": "0"}, {"section": "liked", "index": "-1"}]
)
def test_a_forged_removal_does_nothing(handlers: ChatHandlers, press: dict[str, object]) -> None:
    assert handlers.remove(new_conversation(), press, None) is None


def test_a_line_of_the_panel_is_taken_back(handlers: ChatHandlers) -> None:
    conversation = after(handlers, new_conversation(), "hello").conversation
    view = handlers.remove(conversation, {"section": "wishes", "index": "0"}, None)
    assert view is not None
    assert view.conversation.profile.wishes == ()
    assert view.conversation.profile.constraints == conversation.profile.constraints


def test_starting_over_keeps_the_user_and_nothing_else(handlers: ChatHandlers) -> None:
    conversation = after(handlers, new_conversation(), "hello").conversation
    fresh = handlers.start_over(conversation, None).conversation
    assert fresh == Conversation(fresh.id, conversation.user_id)
    assert fresh.id != conversation.id


def test_what_the_browser_kept_is_restored(handlers: ChatHandlers) -> None:
    view = after(handlers, new_conversation(), "hello")
    restored = handlers.restore(view.stored)
    assert replace(restored.conversation, id=view.conversation.id) == view.conversation
    assert restored.notice == ""


def test_a_new_browser_gets_a_first_page_and_a_user_of_its_own(handlers: ChatHandlers) -> None:
    first, second = handlers.restore(None), handlers.restore({})
    assert "What are you in the mood for?" in first.now
    assert first.conversation.user_id != second.conversation.user_id


def test_a_degraded_ranking_is_marked(recommender: FakeRecommender, films: Catalogue) -> None:
    recommender.ranked_by = "retrieval"
    view = after(ChatHandlers(recommender, None), new_conversation(), "hello")
    status = view.conversation.exchanges[0].status
    assert status == "43 fit, 30 found, 10 ranked, ordered without the language model, 0.8 s"


def test_a_reason_against_a_card_is_a_dislike_and_a_message(
    handlers: ChatHandlers, recommender: FakeRecommender, feedback: SQLiteFeedbackStore
) -> None:
    conversation = after(handlers, new_conversation(), "hello").conversation
    answer = handlers.because(conversation, {"item": "2", "reason": "0"}, None)
    assert answer is not None
    view, draft = answer
    assert draft is not None
    assert draft.asked == "no Horror"
    assert [entry.item_id for entry in view.conversation.profile.disliked] == ["2"]
    assert [row.signal for row in feedback.for_user(conversation.user_id)] == ["dislike"]
    *_, (_, last) = handlers.answer(view.conversation, draft)
    assert [entry.item_id for entry in recommender.calls[-1][1].disliked] == ["2"]
    assert last.is_over


@pytest.mark.parametrize("press", [{}, {"item": "2"}, {"item": "2", "reason": "99"}, {"item": "x", "reason": "0"}])
def test_a_forged_reason_does_nothing(handlers: ChatHandlers, press: dict[str, object]) -> None:
    assert handlers.because(new_conversation(), press, None) is None


def test_what_failed_is_asked_again_in_its_own_place(handlers: ChatHandlers, recommender: FakeRecommender) -> None:
    recommender.error = ModelTimeout("no answer within 30 s.", hint="Ask again.")
    failed = after(handlers, new_conversation(), "one").conversation
    recommender.error = None
    answer = handlers.retry(failed, None)
    assert answer is not None
    view, draft = answer
    assert draft is not None
    *_, (_, last) = handlers.answer(view.conversation, draft)
    done = handlers.finish(view.conversation, last).conversation
    assert [(exchange.asked, exchange.failed) for exchange in done.exchanges] == [("one", False)]


def test_what_did_not_fail_is_not_asked_again(handlers: ChatHandlers) -> None:
    assert handlers.retry(new_conversation(), None) is None
    assert handlers.retry(after(handlers, new_conversation(), "one").conversation, None) is None


def test_undo_takes_back_buttons_and_turns(handlers: ChatHandlers) -> None:
    conversation = after(handlers, new_conversation(), "hello").conversation
    liked = handlers.react(conversation, ALIEN, None)
    assert liked is not None
    once = handlers.undo(liked.conversation, None).conversation
    assert once.profile == conversation.profile
    twice = handlers.undo(once, None)
    assert twice.conversation.profile == Profile(shown=conversation.profile.shown)
    assert "Undo" in twice.panel


def test_picking_a_title_twice_likes_it_once(handlers: ChatHandlers, feedback: SQLiteFeedbackStore) -> None:
    picked = handlers.pick(new_conversation(), {"item": "2"}, None)
    assert picked is not None
    assert "Recommend from these" in picked.now
    assert handlers.pick(picked.conversation, {"item": "2"}, None) is None
    assert len(feedback.for_user(picked.conversation.user_id)) == 1
    assert handlers.pick(new_conversation(), {"item": "999"}, None) is None


def test_the_number_of_cards_is_chosen_from_those_offered(handlers: ChatHandlers) -> None:
    chosen = handlers.choose(new_conversation(), {"k": "3"}, None)
    assert chosen is not None
    assert len(after(handlers, chosen.conversation, "hello").conversation.exchanges[0].cards) == 3
    assert handlers.choose(new_conversation(), {"k": "100000"}, None) is None


def test_a_trace_is_kept_only_where_the_owner_asked_for_it(recommender: FakeRecommender) -> None:
    without = after(ChatHandlers(recommender, None), new_conversation(), "hello")
    assert without.conversation.exchanges[0].trace is None
    shown = after(ChatHandlers(recommender, None, keeps_trace=True), new_conversation(), "hello")
    assert "rank: fusion" in shown.now
    assert "trace" not in str(shown.stored)


def test_what_was_found_is_known_for_the_map(handlers: ChatHandlers, films: Catalogue) -> None:
    assert after(handlers, new_conversation(), "hello").conversation.candidates == films.ids


class HandVariants:
    """Says which variant was asked for."""

    def __init__(self, recommender: FakeRecommender) -> None:
        self._recommender = recommender

    def of(self, language: str | None, *, with_model: bool) -> Chat:
        if language is None and with_model:
            return self._recommender
        return FakeRecommender(self._recommender.catalogue, reply=f"In {language}." if with_model else "Without.")


def test_who_switched_the_model_off_is_answered_without_it(recommender: FakeRecommender) -> None:
    handlers = ChatHandlers(recommender, None, variants=HandVariants(recommender))
    first = after(handlers, new_conversation(), "one")
    assert 'data-model="off"' in first.preferences
    off = handlers.choose(first.conversation, {"model": "off"}, None)
    assert off is not None
    assert 'data-model="on"' in off.preferences
    assert after(handlers, off.conversation, "two").conversation.exchanges[-1].text == "Without."
    assert handlers.restore(off.stored).conversation.with_model is False
    assert len(recommender.calls) == 1


def test_a_model_that_cannot_be_left_out_is_not_switched_off(handlers: ChatHandlers) -> None:
    assert handlers.choose(new_conversation(), {"model": "off"}, None) is None


def test_the_page_and_the_answers_speak_the_chosen_language(recommender: FakeRecommender) -> None:
    handlers = ChatHandlers(recommender, None, variants=HandVariants(recommender))
    chosen = handlers.choose(new_conversation(), {"language": "zh"}, None)
    assert chosen is not None
    assert chosen.frame is not None
    assert (chosen.frame.send, "您今天想要什么" in chosen.now) == ("发送", True)
    view = after(handlers, chosen.conversation, "something scary")
    assert view.conversation.exchanges[0].text == "In zh."
    assert view.conversation.exchanges[0].status.startswith("43 个符合")
    assert "我对您的了解" in view.panel
    assert view.frame is None  # it is printed already
    assert handlers.start_over(view.conversation, None).conversation.language == "zh"
    assert handlers.choose(view.conversation, {"language": "xx"}, None) is None


def test_a_page_that_follows_speaks_as_the_user_writes(handlers: ChatHandlers) -> None:
    view = after(handlers, handlers.restore(None).conversation, "恐怖片")
    assert view.frame is not None
    assert view.frame.send == "发送"
    view = after(handlers, view.conversation, "a comedy")
    assert view.frame is not None
    assert view.frame.send == "Send"
    assert "What I know about you" in view.panel


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("de-DE,en;q=0.5,zh;q=0.3", "en"), ("de", "en"), ("", "en"), (";;,", "en")],
)
def test_a_first_page_speaks_what_the_browser_accepts(handlers: ChatHandlers, accepted: str, language: str) -> None:
    first = handlers.restore(None, accepted)
    assert first.conversation.speaks == language
    # In English it stands there already.
    assert (first.frame is None) is (language == "en")
    written = after(handlers, first.conversation, "something scary")
    assert handlers.restore(written.stored, accepted).conversation.speaks == "en"


def test_what_cannot_be_restored_is_said_in_the_language_of_the_page(handlers: ChatHandlers) -> None:
    forged = handlers.restore({"k": 7, "language": "zh", "earlier": "x"})
    assert all(words_in("zh").say(key) in str(forged.notice) for key in ("bad_k", "bad_earlier"))


def test_undo_survives_a_reload(handlers: ChatHandlers) -> None:
    liked = handlers.react(after(handlers, new_conversation(), "one").conversation, ALIEN, None)
    assert liked is not None
    again = handlers.restore(liked.stored).conversation
    once = handlers.undo(again, None).conversation
    assert once.profile.liked == ()
    assert [wish.text for wish in once.profile.wishes] == ["one"]
    assert once.profile.shown == liked.conversation.profile.shown
    assert handlers.undo(once, None).conversation.profile.wishes == ()
