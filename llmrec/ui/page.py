"""The page: Gradio components, and which handler answers which event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from llmrec.interfaces import FeedbackStore
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation
from llmrec.ui.draft import Draft
from llmrec.ui.handlers import ChatHandlers, View
from llmrec.ui.markup import Html, element, text

MAX_QUEUE_SIZE = 32
# Gradio encrypts what it keeps in the browser with a key that the page itself carries: no secret, but it has to stay
# the same, or every restart of the server would make the stored conversations unreadable.
_BROWSER_KEY = "llmrec-browser-1"
_ASSETS = Path(__file__).parent / "assets"

# What Gradio takes as an update is untyped: a dict from component to value or to `gr.update(...)`.
Updates = dict[Any, Any]


def build_demo(recommender: ChatRecommender, *, feedback: FeedbackStore | None = None) -> gr.Blocks:
    """The chat page over `recommender`, not started yet; reactions are stored in `feedback`, or not at all."""
    handlers = ChatHandlers(recommender, feedback)
    with gr.Blocks(title=f"{recommender.name} - recommendations", analytics_enabled=False, fill_width=True) as demo:
        page = _lay_out(recommender, handlers.restore(None))
        _wire(demo, page, _Events(page, handlers))
    return _queued(demo)


def build_notice(sentence: str) -> gr.Blocks:
    """A page that says why there is no chat."""
    with gr.Blocks(title="Recommendations", analytics_enabled=False, fill_width=True) as demo:
        notice = element("p", text(sentence), class_="notice", role="alert")
        gr.HTML(notice, apply_default_css=False, elem_id="notice")
    return _queued(demo)


@dataclass(frozen=True, slots=True)
class _Page:
    """The components that change.

    Attributes:
        stored: The conversation as the browser keeps it, for the next visit.
        conversation: The same while the page is open; the one that counts, for two quick clicks both read it.
        draft: The turn under way.
    """

    stored: gr.BrowserState
    conversation: gr.State
    draft: gr.State
    past: gr.HTML
    now: gr.HTML
    panel: gr.HTML
    notice: gr.HTML
    message: gr.Textbox
    send: gr.Button
    stop: gr.Button
    start_over: gr.Button

    @property
    def session(self) -> list[Any]:
        """What nearly every event reads."""
        return [self.stored, self.conversation, self.draft]

    @property
    def outputs(self) -> list[Any]:
        """Everything an event may change."""
        shown = [self.past, self.now, self.panel, self.notice, self.message, self.send, self.stop]
        return [*self.session, *shown]

    def show(self, view: View | None) -> Updates:
        """The updates that make the page look like `view`; none for None."""
        if view is None:
            return {self.notice: gr.skip()}
        return {
            self.stored: view.stored,
            self.conversation: view.conversation,
            self.draft: gr.skip() if view.is_busy else None,
            self.past: view.past,
            self.now: view.now,
            self.panel: view.panel,
            self.notice: gr.skip() if view.notice is None else view.notice,
            self.message: gr.skip() if view.message is None else view.message,
            self.send: gr.update(visible=not view.is_busy),
            self.stop: gr.update(visible=view.is_busy),
        }


def _queued(demo: gr.Blocks) -> gr.Blocks:
    demo.queue(max_size=MAX_QUEUE_SIZE, api_open=False)
    return demo


def _html(value: Html, elem_id: str, *, script: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=script)


def _lay_out(recommender: ChatRecommender, first: View) -> _Page:
    script = (_ASSETS / "page.js").read_text(encoding="utf-8")
    stored = gr.BrowserState(None, storage_key=f"llmrec.{recommender.name}", secret=_BROWSER_KEY)
    conversation, draft = gr.State(None), gr.State(None)
    _html(_header_html(recommender), "masthead")
    with gr.Row(elem_id="columns"):
        with gr.Column(elem_id="chat"):
            with gr.Column(elem_id="thread"):
                past = _html(first.past, "past", script=script)
                now = _html(first.now, "now", script=script)
            notice = _html(Html(""), "notice")
            with gr.Row(elem_id="composer"):
                message = gr.Textbox(
                    label="Your message",
                    show_label=False,
                    placeholder="Tell me what you feel like",
                    max_lines=6,
                    autofocus=True,
                    container=False,
                    elem_id="message",
                    html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
                )
                send = gr.Button("Send", variant="primary", elem_id="send", min_width=0)
                stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=0, visible=False)
        with gr.Column(elem_id="side"):
            panel = _html(first.panel, "panel", script=script)
            start_over = gr.Button("Start over", elem_id="start-over", size="sm")
    return _Page(stored, conversation, draft, past, now, panel, notice, message, send, stop, start_over)


def _header_html(recommender: ChatRecommender) -> Html:
    size = Html(f"{len(recommender.catalogue):,} items")
    return element(
        "header", element("h1", text(recommender.name)), element("p", size, class_="size"), class_="masthead"
    )


class _Events:
    """The handlers as Gradio calls them: component values in, updates out."""

    def __init__(self, page: _Page, handlers: ChatHandlers) -> None:
        self._page = page
        self._handlers = handlers

    def restore(self, stored: object) -> Updates:
        return self._page.show(self._handlers.restore(stored))

    def send(self, stored: object, kept: Conversation | None, draft: Draft | None, message: str) -> Updates:
        asked = self._handlers.ask(self._current(stored, kept), message, draft)
        if asked is None:
            return self._page.show(None)
        view, draft = asked
        return {**self._page.show(view), self._page.draft: draft}

    def send_example(
        self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData
    ) -> Updates:
        return self.send(stored, kept, draft, str(event._data.get("text", "")))

    def answer(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Iterator[Updates]:
        for now, grown in self._handlers.answer(self._current(stored, kept), draft):
            yield {self._page.now: now, self._page.draft: grown}

    def finish(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._handlers.finish(self._current(stored, kept), draft))

    def stop(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._handlers.stop(self._current(stored, kept), draft))

    def react(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._handlers.react(self._current(stored, kept), event._data, draft))

    def remove(self, stored: object, kept: Conversation | None, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._handlers.remove(self._current(stored, kept), event._data, draft))

    def start_over(self, stored: object, kept: Conversation | None, draft: Draft | None) -> Updates:
        return self._page.show(self._handlers.start_over(self._current(stored, kept), draft))

    def _current(self, stored: object, kept: Conversation | None) -> Conversation:
        # A server that was restarted under an open page has forgotten it; the browser has not.
        return kept if kept is not None else self._handlers.restore(stored).conversation


def _wire(demo: gr.Blocks, page: _Page, events: _Events) -> None:
    # By default Gradio drops an event while the one before is under way: the second of two quick clicks, or the answer
    # to a new message while a stopped one still ends.
    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
    # One at a time: each takes milliseconds, and each reads what the one before has written.
    quick = {**hidden, "outputs": page.outputs, "concurrency_id": "quick", "concurrency_limit": 1}
    slow = {**hidden, "outputs": [page.now, page.draft], "concurrency_id": "llm", "concurrency_limit": 1}
    demo.load(events.restore, [page.stored], **quick)
    sent = [
        gr.on([page.message.submit, page.send.click], events.send, [*page.session, page.message], **quick),
        page.now.ask(events.send_example, page.session, **quick),
    ]
    for event in sent:
        event.then(events.answer, page.session, **slow).then(events.finish, page.session, **quick)
    # Not with `cancels`: Gradio would cancel the latest answer only, which an impatient second Enter has replaced.
    page.stop.click(events.stop, page.session, **quick)
    page.start_over.click(events.start_over, page.session, **quick)
    for cards in (page.past, page.now):
        cards.react(events.react, page.session, **quick)
    page.panel.remove(events.remove, page.session, **quick)
