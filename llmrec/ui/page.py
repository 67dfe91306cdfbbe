"""The page: which handler answers which event of which component."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.errors import ConfigError, FeedbackError
from llmrec.interfaces import FeedbackStore
from llmrec.ui.components import Page, Updates, html_piece, lay_out
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation
from llmrec.ui.draft import Draft
from llmrec.ui.frame import Place
from llmrec.ui.handlers import ChatHandlers
from llmrec.ui.insights import InsightsPage
from llmrec.ui.library import LibraryHandlers
from llmrec.ui.markup import element, text
from llmrec.ui.picker import Picker
from llmrec.ui.variants import variants_of
from llmrec.ui.views import View, notice_html, words_of
from llmrec.ui.words import words_in

MAX_QUEUE_SIZE = 32
_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True, slots=True)
class Served:
    """One recommender behind a page, with what belongs to it.

    Attributes:
        recommender: Answers; one object serves every visitor.
        feedback: Where reactions go; None keeps them in the visitor's browser only.
        evaluation: A directory of `llmrec evaluate --out`, for the quality on the Insights page.
    """

    recommender: ChatRecommender
    feedback: FeedbackStore | None = None
    evaluation: Path | None = None


def build_demo(
    recommender: ChatRecommender,
    *,
    feedback: FeedbackStore | None = None,
    keeps_trace: bool = False,
    evaluation: Path | None = None,
) -> gr.Blocks:
    """The chat page over `recommender`, not started yet.

    Args:
        recommender: Answers; one object serves every visitor.
        feedback: Where reactions go; None keeps them in the visitor's browser only.
        keeps_trace: Whether every reply shows how it came about; for the owner's eyes.
        evaluation: A directory of `llmrec evaluate --out`, for the quality on the Insights page.
    """
    return build_pages([Served(recommender, feedback, evaluation)], keeps_trace=keeps_trace)


def build_pages(served: Sequence[Served], *, keeps_trace: bool = False) -> gr.Blocks:
    """A page for each recommender, the first one at the root, with links between them; arguments as for `build_demo`.

    A conversation belongs to one catalogue: each page has its own, in the browser too.

    Raises:
        ConfigError: There is none, or two have one name.
    """
    places = _places([each.recommender.name for each in served])
    title = f"{places[0].name} - recommendations"
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as demo:
        _build_page(demo, served[0], places, keeps_trace=keeps_trace)
    for each, place in zip(served[1:], places[1:], strict=True):
        with demo.route(place.name, f"/{place.path}", show_in_navbar=False):
            _build_page(demo, each, places, keeps_trace=keeps_trace)
    return _queued(demo)


def _places(names: Sequence[str]) -> tuple[Place, ...]:
    if not names:
        raise ConfigError("there is no recommender to show.", hint="Name at least one directory.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"two of the recommenders are called {twice!r}, and a browser would mix up their conversations.",
            hint="Give one of them another name with `llmrec build --name`.",
        )
    return (Place(names[0]), *(Place(name, f"catalogue-{number}") for number, name in enumerate(names[1:], start=2)))


def _build_page(demo: gr.Blocks, served: Served, places: Sequence[Place], *, keeps_trace: bool) -> None:
    recommender, feedback = served.recommender, served.feedback
    variants = variants_of(recommender)
    chat = ChatHandlers(recommender, feedback, places=places, variants=variants, keeps_trace=keeps_trace)
    first = chat.restore(None)
    page = lay_out(recommender.name, first, chat.viewer.frame(first.conversation))
    library = LibraryHandlers(recommender, feedback, chat)
    insights = InsightsPage(recommender, feedback, served.evaluation)
    _wire(demo, page, _Events(page, chat, library, insights, Picker(recommender.catalogue)))


def build_notice(sentence: str) -> gr.Blocks:
    """A page that says why there is no chat."""
    with gr.Blocks(title="Recommendations", analytics_enabled=False, fill_width=True) as demo:
        html_piece(element("p", text(sentence), class_="notice", role="alert"), "notice")
    return _queued(demo)


def _queued(demo: gr.Blocks) -> gr.Blocks:
    demo.queue(max_size=MAX_QUEUE_SIZE, api_open=False)
    return demo


class _Events:
    """The handlers as Gradio calls them: component values in, updates out."""

    def __init__(
        self, page: Page, chat: ChatHandlers, library: LibraryHandlers, insights: InsightsPage, picker: Picker
    ) -> None:
        self._page = page
        self._chat = chat
        self._library = library
        self._insights = insights
        self._picker = picker

    def restore(self, stored: object, kept: object, request: gr.Request) -> Updates:
        view = self._chat.restore(stored, request.headers.get("accept-language", ""))
        shelf_stored, shelf, complaint = self._library.restore(view.conversation, kept)
        # Both are kept by one browser, and what is wrong with both is said once.
        notice = {self._page.notice: complaint} if complaint and not view.notice else {}
        return {**self._page.show(view), **notice, self._page.kept: shelf_stored, self._page.shelf: shelf}

    def relabel(self, stored: object, kept: Conversation | None, _draft: Draft | None, shelf: object) -> str:
        return self._library.relabel(self._current(stored, kept), shelf)

    def send(self, stored: object, kept: Conversation | None, draft: Draft | None, message: str) -> Updates:
        return self._asked(self._chat.ask(self._current(stored, kept), message, draft))

    def send_text(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self.send(stored, kept, draft, str(event._data.get("text", "")))

    def because(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._asked(self._chat.because(self._current(stored, kept), event._data, draft))

    def retry(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._asked(self._chat.retry(self._current(stored, kept), draft))

    def answer(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Iterator[Updates]:
        for now, grown in self._chat.answer(self._current(stored, kept), draft):
            yield {self._page.now: now, self._page.draft: grown}

    def finish(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._chat.finish(self._current(stored, kept), draft))

    def stop(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._chat.stop(self._current(stored, kept), draft))

    def react(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._chat.react(self._current(stored, kept), event._data, draft))

    def pick(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        conversation = self._current(stored, kept)
        picked = self._chat.pick(conversation, event._data, draft)
        return {**self._page.show(picked), self._page.suggestions: self._picker.list_html("", words_of(conversation))}

    def remove(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._chat.remove(self._current(stored, kept), event._data, draft))

    def choose(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._chat.choose(self._current(stored, kept), event._data, draft))

    def undo(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._chat.undo(self._current(stored, kept), draft))

    def start_over(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._chat.start_over(self._current(stored, kept), draft))

    def suggest(self, kept: Conversation | None, event: gr.EventData) -> str:
        words = words_of(kept) if kept is not None else words_in(DEFAULT_LANGUAGE)
        return self._picker.list_html(str(event._data.get("text", "")), words)

    def new(self, stored: object, kept: Conversation | None, draft: Draft | None, shelf: object) -> Updates:
        return self._page.show_library(self._library.new(self._current(stored, kept), draft, shelf))

    def open(
        self, stored: object, kept: Conversation | None, draft: Draft | None, shelf: object, event: gr.EventData
    ) -> Updates:
        return self._page.show_library(self._library.open(self._current(stored, kept), draft, shelf, event._data))

    def drop(
        self, stored: object, kept: Conversation | None, draft: Draft | None, shelf: object, event: gr.EventData
    ) -> Updates:
        return self._page.show_library(self._library.drop(self._current(stored, kept), draft, shelf, event._data))

    def erase(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show_library(self._library.erase(self._current(stored, kept), draft))

    def export(self, stored: object, kept: Conversation | None, _draft: Draft | None, shelf: object) -> Updates:
        try:
            return {self._page.download: self._library.export(self._current(stored, kept), shelf)}
        except FeedbackError as error:
            sentence = words_of(self._current(stored, kept)).say("not_exported", reason=error)
            return {self._page.download: "", self._page.notice: notice_html(sentence)}

    def insights(self, stored: object, kept: Conversation | None, _draft: Draft | None) -> Iterator[str]:
        yield from self._insights.grow(self._current(stored, kept))

    def _asked(self, asked: tuple[View, Draft | None] | None) -> Updates:
        if asked is None:
            return self._page.show(None)
        view, draft = asked
        return {**self._page.show(view), self._page.draft: draft}

    def _current(self, stored: object, kept: Conversation | None) -> Conversation:
        # A server that was restarted under an open page has forgotten it; the browser has not.
        return kept if kept is not None else self._chat.restore(stored).conversation


def _restore_script(page: Page) -> str:
    script = (_ASSETS / "restore.js").read_text(encoding="utf-8")
    keys = {"STORED": page.stored.storage_key, "KEPT": page.kept.storage_key}
    return re.sub("STORED|KEPT", lambda match: json.dumps(keys[match[0]]), script)


def _wire(demo: gr.Blocks, page: Page, events: _Events) -> None:
    # By default Gradio drops an event while the one before is under way: the second of two quick clicks, or the answer
    # to a new message while a stopped one still ends.
    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
    # One at a time: each takes milliseconds, and each reads what the one before has written.
    one_by_one: dict[str, Any] = {**hidden, "concurrency_id": "quick", "concurrency_limit": 1}
    quick = {**one_by_one, "outputs": page.outputs}
    slow = {**hidden, "outputs": [page.now, page.draft], "concurrency_id": "llm", "concurrency_limit": 1}
    library = {**one_by_one, "outputs": page.library_outputs}
    demo.load(events.restore, [page.stored, page.kept], js=_restore_script(page), **library)
    sent = [
        gr.on([page.message.submit, page.send.click], events.send, [*page.session, page.message], **quick),
        page.now.retry(events.retry, page.session, **quick),
    ]
    for cards in (page.past, page.now):
        cards.react(events.react, page.session, **quick)
        sent.append(cards.ask(events.send_text, page.session, **quick))
        sent.append(cards.because(events.because, page.session, **quick))
    for event in sent:
        event.then(events.answer, page.session, **slow).then(events.finish, page.session, **quick)
    # Not with `cancels`: Gradio would cancel the latest answer only, which an impatient second Enter has replaced.
    page.stop.click(events.stop, page.session, **quick)
    page.panel.start_over(events.start_over, page.session, **quick)
    page.panel.undo(events.undo, page.session, **quick)
    page.panel.remove(events.remove, page.session, **quick)
    page.preferences.choose(events.choose, page.session, **quick)
    page.picker.suggest(events.suggest, page.conversation, page.suggestions, **one_by_one)
    page.suggestions.pick(events.pick, page.session, **{**quick, "outputs": [*page.outputs, page.suggestions]})
    shelved = [*page.session, page.kept]
    # The head changes with the language only, and then the list has to.
    page.masthead.change(events.relabel, shelved, page.shelf, **one_by_one)
    page.shelf.new(events.new, shelved, **library)
    page.shelf.open(events.open, shelved, **library)
    page.shelf.drop(events.drop, shelved, **library)
    page.tools.erase(events.erase, page.session, **library)
    download = (_ASSETS / "download.js").read_text(encoding="utf-8")
    exported = page.tools.export(events.export, shelved, **{**one_by_one, "outputs": [page.download, page.notice]})
    exported.then(None, page.download, None, js=download, api_visibility="private")
    drawing = {**hidden, "concurrency_id": "insights", "concurrency_limit": 1}
    page.masthead.insights(events.insights, page.session, page.insights, **drawing)
