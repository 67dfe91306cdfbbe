"""What the page does when something happens, as plain functions of values; `page` wires them to components."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import get_args

from llmrec.errors import FeedbackError, LLMRecError
from llmrec.interfaces import FeedbackStore
from llmrec.types import Event, Feedback, ItemId, Signal, Turn
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import (
    MAX_EXCHANGES,
    MAX_MESSAGE_CHARS,
    Conversation,
    from_browser,
    new_conversation,
    to_browser,
)
from llmrec.ui.draft import Draft
from llmrec.ui.examples import example_prompts
from llmrec.ui.markup import Html, element, text
from llmrec.ui.panel import panel_html
from llmrec.ui.reactions import Section, carry_over, holds, react, remove
from llmrec.ui.thread import draft_html, now_html, past_html
from llmrec.wire import Json

logger = logging.getLogger(__name__)

# Some twelve updates a second read as continuous; more only keep the browser busy.
_SECONDS_BETWEEN_UPDATES = 0.08
_TOO_LONG = (
    "Your message has {n:,} characters; at most {limit:,} can be read. Please shorten it - it is still in the box."
)
_TOO_MANY = "This conversation has reached {limit} messages; press Start over to begin a new one."
_BROKEN = "Something went wrong on the server. Your conversation is as it was; please try again."


@dataclass(frozen=True, slots=True)
class View:
    """The whole page after an event.

    Attributes:
        stored: The conversation as the browser keeps it.
        is_busy: A turn is under way.
        notice: A sentence for the user that is no part of the conversation, or empty; None leaves it alone.
        message: New content of the message box; None leaves it alone.
    """

    conversation: Conversation
    stored: Json
    is_busy: bool
    past: Html
    now: Html
    panel: Html
    notice: Html | None
    message: str | None


class ChatHandlers:
    """The page's events. Nothing is kept here: a conversation comes in, and a view with the next one goes out."""

    def __init__(
        self,
        recommender: ChatRecommender,
        feedback: FeedbackStore | None,
        *,
        k: int = 5,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Answer with `recommender`, `k` cards a turn; reactions go to `feedback`, or nowhere when it is None."""
        self._recommender = recommender
        self._catalogue = recommender.catalogue
        self._feedback = feedback
        self._k = k
        self._now = now
        self._examples = example_prompts(recommender.catalogue)

    def restore(self, stored: object) -> View:
        """The page as the browser left it, or a first page for a new one."""
        conversation, complaint = from_browser(stored, self._catalogue)
        return self._view(conversation, notice=complaint)

    def ask(self, conversation: Conversation, message: str, draft: Draft | None) -> tuple[View, Draft | None] | None:
        """The page with the message in it, and the draft that `answer` takes up.

        Returns:
            No draft when the message is refused, with a notice that says why; None when there is nothing to send.
        """
        asked = message.strip()
        if not asked or _of(conversation, draft) is not None:
            return None
        if len(asked) > MAX_MESSAGE_CHARS:
            return self._view(conversation, notice=_TOO_LONG.format(n=len(asked), limit=MAX_MESSAGE_CHARS)), None
        if len(conversation.exchanges) >= MAX_EXCHANGES:
            return self._view(conversation, notice=_TOO_MANY.format(limit=MAX_EXCHANGES)), None
        draft = Draft(asked, conversation.id, len(conversation.exchanges), conversation.profile)
        return self._view(conversation, draft, message=""), draft

    def answer(self, conversation: Conversation, draft: Draft | None) -> Iterator[tuple[Html, Draft]]:
        """The current exchange as it grows, and its draft; nothing when there is no message that waits for one."""
        draft = _of(conversation, draft)
        if draft is None or draft.started:
            return
        shown_at = 0.0
        for grown in self._drafts(conversation, replace(draft, started=True)):
            if grown.is_mid_text and time.monotonic() - shown_at < _SECONDS_BETWEEN_UPDATES:
                continue
            yield draft_html(grown, self._catalogue), grown
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
        item_id, signal = press.get("item"), _signal(press.get("signal"))
        if signal is None or not isinstance(item_id, str) or item_id not in self._catalogue:
            return None
        item_id = ItemId(item_id)
        # Taking a reaction back changes the profile; what was recorded stays, as the user's own past.
        if self._feedback is not None and not holds(conversation.profile, signal, item_id):
            try:
                self._feedback.record(Feedback(conversation.user_id, item_id, signal, self._now()))
            except FeedbackError as error:
                return self._view(conversation, draft, notice=f"This was not saved: {error}")
        turn = max(len(conversation.turns) - 1, 0)
        profile = react(conversation.profile, signal, item_id, turn=turn)
        return self._view(replace(conversation, profile=profile), draft)

    def remove(self, conversation: Conversation, press: Mapping[str, object], draft: Draft | None) -> View | None:
        """The page after a line of the panel was taken back; None for a line that cannot be there."""
        section, index = _section(press.get("section")), str(press.get("index", ""))
        if section is None or not index.isdecimal():
            return None
        profile = remove(conversation.profile, section, int(index))
        return self._view(replace(conversation, profile=profile), draft)

    def start_over(self, conversation: Conversation, draft: Draft | None) -> View:
        """A first page for the same user: conversation and profile are gone from the browser, the answer ends."""
        if draft is not None:
            draft.stopped.set()
        return self._view(new_conversation(conversation.user_id), message="")

    def _drafts(self, conversation: Conversation, draft: Draft) -> Iterator[Draft]:
        yield draft
        turns = (*conversation.turns, Turn("user", draft.asked))
        try:
            with _stream(self._recommender.chat_stream(turns, draft.before, k=self._k)) as events:
                for event in events:
                    if draft.stopped.is_set():
                        return
                    draft = draft.take(event)
                    yield draft
        except LLMRecError as error:
            yield draft.fail(str(error))
        except Exception:
            # The page is the outermost layer: an unforeseen error must cost one turn, not the conversation.
            logger.exception("a turn failed")
            yield draft.fail(_BROKEN)

    def _settled(self, conversation: Conversation, draft: Draft | None) -> View:
        draft = _of(conversation, draft)
        if draft is None:
            return self._as_it_is(conversation, draft)
        exchange, profile = draft.settle(), conversation.profile
        if draft.after is not None:
            profile = carry_over(draft.before, profile, draft.after)
        view = self._view(conversation.with_exchange(exchange, profile))
        return replace(view, message=draft.asked) if exchange.failed else view

    def _as_it_is(self, conversation: Conversation, draft: Draft | None) -> View:
        return replace(self._view(conversation, draft), notice=None)

    def _view(
        self, conversation: Conversation, draft: Draft | None = None, *, notice: str = "", message: str | None = None
    ) -> View:
        draft = _of(conversation, draft)
        return View(
            conversation=conversation,
            stored=to_browser(conversation, self._catalogue),
            is_busy=draft is not None,
            past=past_html(conversation, self._catalogue, draft=draft),
            now=now_html(conversation, self._catalogue, draft=draft, examples=self._examples),
            panel=panel_html(conversation.profile, self._catalogue),
            notice=element("p", text(notice), class_="notice", role="alert") if notice else Html(""),
            message=message,
        )


def _of(conversation: Conversation, draft: Draft | None) -> Draft | None:
    """The draft if it is this conversation's next exchange; an answer that was stopped may still hand in an older."""
    if draft is None or (draft.conversation_id, draft.number) != (conversation.id, len(conversation.exchanges)):
        return None
    return draft


@contextmanager
def _stream(events: Iterator[Event]) -> Iterator[Iterator[Event]]:
    try:
        yield events
    finally:
        # A turn that ends early has to stop its model now, not when the garbage is collected.
        if isinstance(events, Generator):
            events.close()


def _signal(value: object) -> Signal | None:
    return next((signal for signal in get_args(Signal) if signal == value), None)


def _section(value: object) -> Section | None:
    return next((section for section in get_args(Section) if section == value), None)
