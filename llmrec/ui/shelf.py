"""The conversations that a browser keeps beside the open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.types import Profile
from llmrec.ui.conversation import Conversation
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.stored import from_browser, to_browser
from llmrec.ui.wording import clipped
from llmrec.wire import Json

MAX_CONVERSATIONS = 10
_MAX_EXCHANGES = 150  # of all together: a browser keeps some megabytes for a site
_MAX_TITLE_CHARS = 44


@dataclass(frozen=True, slots=True)
class Shelf:
    """Conversations that are not open, the one left last first."""

    conversations: tuple[Conversation, ...] = ()

    def put(self, conversation: Conversation) -> Shelf:
        """The shelf with one more conversation in front; one without a word is not kept, the oldest give way."""
        if not conversation.exchanges:
            return self
        kept: list[Conversation] = []
        n_exchanges = 0
        for each in (conversation, *self._without(conversation.id)):
            n_exchanges += len(each.exchanges)
            if len(kept) < MAX_CONVERSATIONS and (not kept or n_exchanges <= _MAX_EXCHANGES):
                kept.append(each)
        return Shelf(tuple(kept))

    def take(self, conversation_id: object) -> tuple[Conversation | None, Shelf]:
        """The conversation with this id, None where there is none, and the shelf without it."""
        found = next((each for each in self.conversations if each.id == conversation_id), None)
        return found, Shelf(self._without(conversation_id))

    def _without(self, conversation_id: object) -> tuple[Conversation, ...]:
        return tuple(each for each in self.conversations if each.id != conversation_id)


def next_conversation(before: Conversation) -> Conversation:
    """A new conversation of the same user: what they like and know is kept, what they felt like is not."""
    known = before.profile
    profile = Profile(liked=known.liked, disliked=known.disliked, seen=known.seen)
    return replace(before.again(), profile=profile)


def shelf_to_browser(shelf: Shelf, catalogue: Catalogue) -> Json:
    """The shelf as JSON."""
    return {"conversations": [to_browser(conversation, catalogue) for conversation in shelf.conversations]}


def shelf_from_browser(data: object, catalogue: Catalogue) -> tuple[Shelf, tuple[str, ...]]:
    """The shelf behind what a browser sent, and the keys of phrases that say which parts could not be used."""
    rows = data.get("conversations", []) if isinstance(data, Mapping) else []
    if not isinstance(rows, list) or not (data is None or isinstance(data, Mapping)):
        return Shelf(), ("bad_shelf",)
    read = [from_browser(row, catalogue) for row in rows[:MAX_CONVERSATIONS]]
    kept = tuple(conversation for conversation, _ in read if conversation.exchanges)
    return Shelf(kept), tuple(dict.fromkeys(complaint for _, complaints in read for complaint in complaints))


def shelf_html(shelf: Shelf, words: Messages) -> Html:
    """The list, each conversation to open or to delete."""
    new = element("button", text(words.say("new")), type="button", class_="plain", data_event="new")
    rows = [_row_html(conversation, words) for conversation in shelf.conversations]
    listed = element("ul", *rows, class_="entries") if rows else Html("")
    return join([element("h2", text(words.say("conversations")), class_="side-title"), listed, new])


def _row_html(conversation: Conversation, words: Messages) -> Html:
    """A conversation by what the user said first; one without a word is never on the shelf."""
    title = clipped(conversation.exchanges[0].asked, max_chars=_MAX_TITLE_CHARS)
    open_ = element(
        "button", text(title), type="button", class_="kept", data_event="open", data_id=conversation.id,
        aria_label=words.say("open", title=title),
    )  # fmt: skip
    cross = Html('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18"/></svg>')
    drop = element(
        "button", cross, type="button", class_="forget", data_event="drop", data_id=conversation.id,
        aria_label=words.say("drop", title=title), title=words.say("drop_hint"),
    )  # fmt: skip
    return element("li", open_, drop)
