"""What the page does when something happens, as plain functions of values; `page` wires them to components."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args

from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.errors import DataError, FeedbackError, LLMRecError
from llmrec.interfaces import FeedbackStore
from llmrec.types import Event, Feedback, ItemId, Signal, Turn
from llmrec.ui.contract import Chat, ChatRecommender, Variants
from llmrec.ui.conversation import MAX_EXCHANGES, MAX_MESSAGE_CHARS, Conversation, checked_k, checked_language
from llmrec.ui.critiques import Critiques
from llmrec.ui.draft import Draft
from llmrec.ui.frame import Place
from llmrec.ui.markup import Html
from llmrec.ui.reactions import LIST_OF, Section, carry_over, holds, react, remove
from llmrec.ui.shown_log import note_shown
from llmrec.ui.stored import from_browser
from llmrec.ui.views import View, Viewer, complaint_of, draft_of, words_of
from llmrec.ui.words import FOLLOW, preferred_language

logger = logging.getLogger(__name__)

# Some twelve updates a second read as continuous; more only keep the browser busy.
_SECONDS_BETWEEN_UPDATES = 0.08


class ChatHandlers:
    """The page's events. Nothing is kept here: a conversation comes in, and a view with the next one goes out."""

    def __init__(
        self,
        recommender: ChatRecommender,
        feedback: FeedbackStore | None,
        *,
        places: Sequence[Place] = (),
        variants: Variants | None = None,
        keeps_trace: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Answer with `recommender`.

        Args:
            recommender: Answers; one object serves every visitor.
            feedback: Where reactions go; None for nowhere.
            places: The pages of this server, this one among them; none where it stands alone.
            variants: Answer who chose a language or left the language model out; None where that cannot be.
            keeps_trace: Whether the page shows how each reply came about.
            now: The clock of feedback, in seconds since 1970.
        """
        self._recommender = recommender
        self._catalogue = recommender.catalogue
        self._feedback = feedback
        self._variants = variants
        self._keeps_trace = keeps_trace
        self._now = now
        self.viewer = Viewer(recommender, places)

    def restore(self, stored: object, accepted: str = "") -> View:
        """The page as the browser left it, or a first page for a new one, in the language that it accepts."""
        conversation, complaints = from_browser(stored, self._catalogue)
        # Until then, the page is laid out in English.
        conversation = replace(conversation, framed_in=DEFAULT_LANGUAGE)
        if not conversation.exchanges:
            conversation = replace(conversation, heard=preferred_language(accepted))
        return self.viewer.view(conversation, notice=complaint_of(conversation, complaints))

    def ask(self, conversation: Conversation, message: str, draft: Draft | None) -> tuple[View, Draft | None] | None:
        """The page with the message in it, and the draft that `answer` takes up.

        Returns:
            No draft when the message is refused, with a notice that says why; None when there is nothing to send.
        """
        asked = message.strip()
        if not asked or draft_of(conversation, draft) is not None:
            return None
        if len(asked) > MAX_MESSAGE_CHARS:
            return self._refused(conversation, "too_long", n=len(asked), limit=MAX_MESSAGE_CHARS), None
        if len(conversation.exchanges) >= MAX_EXCHANGES:
            return self._refused(conversation, "too_many", limit=MAX_EXCHANGES), None
        draft = Draft(asked, conversation.id, len(conversation.exchanges), conversation.profile)
        return self.viewer.view(conversation, draft, message=""), draft

    def answer(self, conversation: Conversation, draft: Draft | None) -> Iterator[tuple[Html, Draft]]:
        """The current exchange as it grows, and its draft; nothing when there is no message that waits for one."""
        draft = draft_of(conversation, draft)
        if draft is None or draft.started:
            return
        shown_at = 0.0
        for grown in self._drafts(conversation, replace(draft, started=True)):
            if grown.is_mid_text and time.monotonic() - shown_at < _SECONDS_BETWEEN_UPDATES:
                continue
            yield self.viewer.thread(conversation).draft(grown), grown
            shown_at = time.monotonic()

    def finish(self, conversation: Conversation, draft: Draft | None) -> View:
        """The page after an answer ended; a draft that is not over belongs to the next one and stays."""
        if draft is not None and draft.is_over:
            return self._settled(conversation, draft)
        return self._as_it_is(conversation, draft)

    def stop(self, conversation: Conversation, draft: Draft | None) -> View:
        """The page with what there is of the answer, which ends; without any, the message is back in the box."""
        if draft is not None:
            draft.stopped.set()
        return self._settled(conversation, draft)

    def react(self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None) -> View | None:
        """The page after a card's button; None for a button that this page cannot have shown."""
        signal = _signal(press.get("signal"))
        item_id = self._item_id(press)
        if signal is None or item_id is None:
            return None
        try:
            self._record(conversation, signal, item_id)
        except FeedbackError as error:
            return self._refused(conversation, "not_saved", draft, reason=error)
        return self.viewer.view(_reacted(conversation, signal, item_id), draft)

    def pick(self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None) -> View | None:
        """The page after a title was picked as one the user likes; picking it again changes nothing."""
        item_id = self._item_id(press)
        if item_id is None or holds(conversation.profile, "like", item_id):
            return None
        return self.react(conversation, {"item": item_id, "signal": "like"}, draft)

    def because(
        self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None
    ) -> tuple[View, Draft | None] | None:
        """The page after an item was turned away for a reason: it is disliked, and the reason is said in the chat."""
        item_id, number = self._item_id(press), str(press.get("reason", ""))
        critiques = Critiques(self._catalogue, words_of(conversation))
        reasons = critiques.reasons(self._catalogue[item_id]) if item_id is not None else ()
        if item_id is None or not number.isdecimal() or int(number) >= len(reasons):
            return None
        if not holds(conversation.profile, "dislike", item_id):
            try:
                self._record(conversation, "dislike", item_id)
            except FeedbackError as error:
                return self._refused(conversation, "not_saved", draft, reason=error), draft
            conversation = _reacted(conversation, "dislike", item_id)
        return self.ask(conversation, reasons[int(number)].message, draft)

    def retry(self, conversation: Conversation, draft: Draft | None) -> tuple[View, Draft | None] | None:
        """The page with the message of the last exchange asked again, where nothing came of it."""
        if not conversation.exchanges or not conversation.exchanges[-1].failed:
            return None
        message = conversation.exchanges[-1].asked
        return self.ask(replace(conversation, exchanges=conversation.exchanges[:-1]), message, draft)

    def undo(self, conversation: Conversation, draft: Draft | None) -> View:
        """The page with the last change of what is known of the user taken back."""
        return self.viewer.view(conversation.undone(), draft)

    def choose(self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None) -> View | None:
        """The page with another number of cards, another language or one voice less; None for what is not offered."""
        if press.get("model") in {"on", "off"} and self._variants is not None:
            return self.viewer.view(replace(conversation, with_model=press["model"] == "on"), draft)
        try:
            if "language" in press:
                return self.viewer.view(replace(conversation, language=checked_language(press["language"])), draft)
            return self.viewer.view(replace(conversation, k=checked_k(press.get("k"))), draft)
        except DataError:
            return None

    def remove(self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None) -> View | None:
        """The page after a line of the panel was taken back; None for a line that cannot be there."""
        section, index = _section(press.get("section")), str(press.get("index", ""))
        if section is None or not index.isdecimal():
            return None
        profile = remove(conversation.profile, section, int(index))
        return self.viewer.view(conversation.with_profile(profile), draft)

    def start_over(self, conversation: Conversation, draft: Draft | None) -> View:
        """A first page for the same user: conversation and profile are gone from the browser, the answer ends."""
        if draft is not None:
            draft.stopped.set()
        return self.viewer.view(conversation.again(), message="")

    def _refused(self, conversation: Conversation, key: str, draft: Draft | None = None, **slots: object) -> View:
        """The page as it is, with a sentence."""
        return self.viewer.view(conversation, draft, notice=words_of(conversation).say(key, **slots))

    def _chat(self, conversation: Conversation) -> Chat:
        if self._variants is None:
            return self._recommender
        language = None if conversation.language == FOLLOW else conversation.language
        return self._variants.of(language, with_model=conversation.with_model)

    def _item_id(self, press: Mapping[str, object]) -> ItemId | None:
        item_id = press.get("item")
        return ItemId(item_id) if isinstance(item_id, str) and item_id in self._catalogue else None

    def _record(self, conversation: Conversation, signal: Signal, item_id: ItemId) -> None:
        """Taking a reaction back changes the profile only; what was recorded stays, as the user's own past."""
        if self._feedback is not None and not holds(conversation.profile, signal, item_id):
            self._feedback.record(Feedback(conversation.user_id, item_id, signal, self._now()))

    def _drafts(self, conversation: Conversation, draft: Draft) -> Iterator[Draft]:
        yield draft
        turns = (*conversation.turns, Turn("user", draft.asked))
        try:
            chat = self._chat(conversation).for_user(conversation.user_id)
            with _stream(chat.chat_stream(turns, draft.before, k=conversation.k)) as events:
                for event in events:
                    if draft.stopped.is_set():
                        return
                    note_shown(self._feedback, conversation.user_id, event, at=self._now())
                    draft = draft.take(event)
                    yield draft
        except LLMRecError as error:
            yield draft.fail(str(error))
        except Exception:
            # The page is the outermost layer: an unforeseen error must cost one turn, not the conversation.
            logger.exception("a turn failed")
            yield draft.fail(words_of(conversation).say("broken"))

    def _settled(self, conversation: Conversation, draft: Draft | None) -> View:
        draft = draft_of(conversation, draft)
        if draft is None:
            return self._as_it_is(conversation, draft)
        exchange, profile = draft.settle(words_of(conversation)), conversation.profile
        if not self._keeps_trace:
            exchange = replace(exchange, trace=None)
        if draft.after is not None:
            profile = carry_over(draft.before, profile, draft.after)
        candidates = draft.candidates or conversation.candidates
        view = self.viewer.view(replace(conversation.with_exchange(exchange, profile), candidates=candidates))
        return replace(view, message=draft.asked) if exchange.failed else view

    def _as_it_is(self, conversation: Conversation, draft: Draft | None) -> View:
        return replace(self.viewer.view(conversation, draft), notice=None)


@contextmanager
def _stream(events: Iterator[Event]) -> Iterator[Iterator[Event]]:
    try:
        yield events
    finally:
        # A turn that ends early has to stop its model now, not when the garbage is collected.
        if isinstance(events, Generator):
            events.close()


def _reacted(conversation: Conversation, signal: Signal, item_id: ItemId) -> Conversation:
    turn = max(len(conversation.turns) - 1, 0)
    return conversation.with_profile(react(conversation.profile, signal, item_id, turn=turn))


def _signal(value: object) -> Signal | None:
    return next((signal for signal in LIST_OF if signal == value), None)


def _section(value: object) -> Section | None:
    return next((section for section in get_args(Section) if section == value), None)
