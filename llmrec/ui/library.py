"""What the page does with several conversations, and with all that is kept of one user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmrec.errors import FeedbackError
from llmrec.interfaces import FeedbackStore
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation, new_conversation
from llmrec.ui.draft import Draft
from llmrec.ui.handlers import ChatHandlers
from llmrec.ui.markup import Html
from llmrec.ui.shelf import Shelf, next_conversation, shelf_from_browser, shelf_html, shelf_to_browser
from llmrec.ui.stored import to_browser
from llmrec.ui.views import View, complaint_of, notice_html, words_of
from llmrec.wire import Json


@dataclass(frozen=True, slots=True)
class LibraryView:
    """The page after the open conversation changed, and the list of the others."""

    view: View
    stored: Json
    shelf: Html


class LibraryHandlers:
    """Events of the list of conversations and of the user's data."""

    def __init__(self, recommender: ChatRecommender, feedback: FeedbackStore | None, chat: ChatHandlers) -> None:
        """End turns with `chat`; reactions are in `feedback`."""
        self._catalogue = recommender.catalogue
        self._feedback = feedback
        self._chat = chat
        self._viewer = chat.viewer

    def restore(self, conversation: Conversation, stored: object) -> tuple[Json, Html, Html]:
        """The list as the browser keeps it, as markup, and a sentence where a part could not be used."""
        shelf, complaints = shelf_from_browser(stored, self._catalogue)
        complaint = notice_html(complaint_of(conversation, complaints))
        return shelf_to_browser(shelf, self._catalogue), shelf_html(shelf, words_of(conversation)), complaint

    def relabel(self, conversation: Conversation, stored: object) -> Html:
        """The list as markup, in the language of the open conversation."""
        return shelf_html(self._shelf(stored), words_of(conversation))

    def new(self, conversation: Conversation, draft: Draft | None, stored: object) -> LibraryView:
        """A new conversation of the same user; the open one goes onto the list."""
        left = self._left(conversation, draft)
        return self._shown(next_conversation(left), self._shelf(stored).put(left))

    def open(
        self, conversation: Conversation, draft: Draft | None, stored: object, press: Mapping[str, object]
    ) -> LibraryView | None:
        """A conversation of the list, open; the one that was goes onto the list. None for an id that is not on it."""
        found, shelf = self._shelf(stored).take(press.get("id"))
        if found is None:
            return None
        left = self._left(conversation, draft)
        found = replace(found, user_id=left.user_id, framed_in=left.framed_in)
        return self._shown(found, shelf.put(left))

    def drop(
        self, conversation: Conversation, draft: Draft | None, stored: object, press: Mapping[str, object]
    ) -> LibraryView:
        """The list without one of its conversations; the open one stays as it is."""
        _, shelf = self._shelf(stored).take(press.get("id"))
        return self._shown(conversation, shelf, draft)

    def erase(self, conversation: Conversation, draft: Draft | None) -> LibraryView:
        """Nothing of the user any more, neither here nor in the browser; a new one begins."""
        if draft is not None:
            draft.stopped.set()
        try:
            n_rows = self._feedback.delete(conversation.user_id) if self._feedback is not None else 0
        except FeedbackError as error:
            notice = words_of(conversation).say("not_erased", reason=error)
            return self._shown(conversation, Shelf(), draft, notice=notice)
        fresh = replace(new_conversation(), heard=conversation.heard)
        return self._shown(fresh, Shelf(), notice=words_of(fresh).say("erased", n=n_rows))

    def export(self, conversation: Conversation, stored: object) -> str:
        """All that is kept of the user, as JSON text. Raises FeedbackError."""
        rows = self._feedback.export(conversation.user_id) if self._feedback is not None else ""
        kept = {
            "conversation": to_browser(conversation, self._catalogue),
            "other_conversations": shelf_to_browser(self._shelf(stored), self._catalogue)["conversations"],
            "on_the_server": [json.loads(line) for line in rows.splitlines()],
        }
        return json.dumps(kept, ensure_ascii=False, indent=1)

    def _left(self, conversation: Conversation, draft: Draft | None) -> Conversation:
        return self._chat.stop(conversation, draft).conversation

    def _shelf(self, stored: object) -> Shelf:
        return shelf_from_browser(stored, self._catalogue)[0]

    def _shown(
        self, conversation: Conversation, shelf: Shelf, draft: Draft | None = None, *, notice: str = ""
    ) -> LibraryView:
        view = self._viewer.view(conversation, draft, notice=notice, message=None if draft else "")
        html = shelf_html(shelf, words_of(conversation))
        return LibraryView(view, shelf_to_browser(shelf, self._catalogue), html)
