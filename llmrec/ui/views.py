"""The whole page as values: what an event leaves behind, before any component knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from llmrec.dialogue.messages import Messages
from llmrec.ranking.voices import LANGUAGE_MODEL
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation, Exchange
from llmrec.ui.draft import Draft
from llmrec.ui.frame import Frame, Place, frame_of
from llmrec.ui.markup import Html, element, text
from llmrec.ui.panel import panel_html
from llmrec.ui.preferences import ModelSwitch, preferences_html
from llmrec.ui.stored import to_browser
from llmrec.ui.thread import Thread
from llmrec.ui.words import LANGUAGES, words_in
from llmrec.wire import Json


@dataclass(frozen=True, slots=True)
class View:
    """The whole page after an event.

    Attributes:
        stored: The conversation as the browser keeps it.
        is_busy: A turn is under way.
        notice: A sentence for the user that is no part of the conversation, or empty; None leaves it alone.
        message: New content of the message box; None leaves it alone.
        frame: What stands around the conversation; None leaves it alone.
    """

    conversation: Conversation
    stored: Json
    is_busy: bool
    past: Html
    now: Html
    panel: Html
    preferences: Html
    notice: Html | None
    message: str | None
    frame: Frame | None


class Viewer:
    """Makes views of conversations with one recommender."""

    def __init__(self, recommender: ChatRecommender, places: Sequence[Place] = ()) -> None:
        """Show items of the recommender's catalogue, whose page is the one of its name among `places`."""
        self._catalogue = recommender.catalogue
        here = next((place for place in places if place.name == recommender.name), Place(recommender.name))
        spoken = {language: words_in(language) for language in LANGUAGES}
        self._threads = {language: Thread(recommender.catalogue, words) for language, words in spoken.items()}
        self._frames = {
            language: frame_of(here, places, len(self._catalogue), words) for language, words in spoken.items()
        }

    def frame(self, conversation: Conversation) -> Frame:
        """What stands around the conversation, in its language."""
        return self._frames[conversation.speaks]

    def thread(self, conversation: Conversation) -> Thread:
        """What prints the conversation, in its language."""
        return self._threads[conversation.speaks]

    def view(
        self, conversation: Conversation, draft: Draft | None = None, *, notice: str = "", message: str | None = None
    ) -> View:
        """The page with this conversation, and with `draft` where it is the next exchange of it."""
        draft = draft_of(conversation, draft)
        words, thread = words_of(conversation), self.thread(conversation)
        is_framed = conversation.framed_in == conversation.speaks
        stored = conversation if draft is None else _interrupted(conversation, draft)
        conversation = replace(conversation, framed_in=conversation.speaks)
        return View(
            conversation=conversation,
            stored=to_browser(stored, self._catalogue),
            is_busy=draft is not None,
            past=thread.past(conversation, draft=draft),
            now=thread.now(conversation, draft=draft),
            panel=panel_html(conversation.profile, self._catalogue, words, can_undo=bool(conversation.earlier)),
            preferences=preferences_html(conversation, words, model=_model_switch(conversation)),
            notice=notice_html(notice),
            message=message,
            frame=None if is_framed else self.frame(conversation),
        )


def _interrupted(conversation: Conversation, draft: Draft) -> Conversation:
    """What is left of a turn when page and server forget it on the way: the message, to be asked again."""
    lost = Exchange(draft.asked, words_of(conversation).say("interrupted"), failed=True)
    return conversation.with_exchange(lost, conversation.profile)


def words_of(conversation: Conversation) -> Messages:
    """The page's phrases in the language of this conversation."""
    return words_in(conversation.speaks)


def complaint_of(conversation: Conversation, keys: Iterable[str]) -> str:
    """Which parts of what a browser kept could not be used, as sentences; empty where all could."""
    return " ".join(words_of(conversation).say(key) for key in keys)


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
