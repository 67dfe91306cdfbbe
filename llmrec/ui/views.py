"""The whole page as values: what an event leaves behind, before any component knows of it."""

from __future__ import annotations

from dataclasses import dataclass

from llmrec.ranking.voices import LANGUAGE_MODEL
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation, to_browser
from llmrec.ui.draft import Draft
from llmrec.ui.examples import example_prompts
from llmrec.ui.markup import Html, element, text
from llmrec.ui.panel import ModelSwitch, panel_html
from llmrec.ui.thread import Thread
from llmrec.wire import Json


@dataclass(frozen=True, slots=True)
class View:
    """The whole page after an event.

    Attributes:
        stored: The conversation as the browser keeps it.
        is_busy: A turn is under way.
        is_new: Nothing was said yet.
        notice: A sentence for the user that is no part of the conversation, or empty; None leaves it alone.
        message: New content of the message box; None leaves it alone.
    """

    conversation: Conversation
    stored: Json
    is_busy: bool
    is_new: bool
    past: Html
    now: Html
    panel: Html
    notice: Html | None
    message: str | None


class Viewer:
    """Makes views of conversations with one recommender."""

    def __init__(self, recommender: ChatRecommender) -> None:
        """Show items of the recommender's catalogue."""
        self._catalogue = recommender.catalogue
        self.thread = Thread(recommender.catalogue, examples=example_prompts(recommender.catalogue))

    def view(
        self, conversation: Conversation, draft: Draft | None = None, *, notice: str = "", message: str | None = None
    ) -> View:
        """The page with this conversation, and with `draft` where it is the next exchange of it."""
        draft = draft_of(conversation, draft)
        return View(
            conversation=conversation,
            stored=to_browser(conversation, self._catalogue),
            is_busy=draft is not None,
            is_new=draft is None and not conversation.exchanges,
            past=self.thread.past(conversation, draft=draft),
            now=self.thread.now(conversation, draft=draft),
            panel=panel_html(
                conversation.profile,
                self._catalogue,
                k=conversation.k,
                model=_model_switch(conversation),
                can_undo=bool(conversation.earlier),
            ),
            notice=notice_html(notice),
            message=message,
        )


def _model_switch(conversation: Conversation) -> ModelSwitch:
    """Offered once a language model was heard, for until then it is not known whether there is one."""
    if not conversation.with_model:
        return "off"
    heard = any(LANGUAGE_MODEL in card.voices for exchange in conversation.exchanges for card in exchange.cards)
    return "on" if heard else "none"


def notice_html(sentence: str) -> Html:
    """A sentence for the user; nothing for an empty one."""
    return element("p", text(sentence), class_="notice", role="alert") if sentence else Html("")


def draft_of(conversation: Conversation, draft: Draft | None) -> Draft | None:
    """The draft if it is this conversation's next exchange; an answer that was stopped may still hand in an older."""
    if draft is None or (draft.conversation_id, draft.number) != (conversation.id, len(conversation.exchanges)):
        return None
    return draft
