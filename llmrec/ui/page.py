"""The page: Gradio components, and which handler answers which event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from llmrec.interfaces import FeedbackStore
from llmrec.ui.contract import ChatRecommender
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
    stored: gr.BrowserState
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
    def outputs(self) -> list[Any]:
        """Everything a `View` speaks of."""
        return [
            self.stored, self.draft, self.past, self.now, self.panel, self.notice, self.message, self.send, self.stop
        ]  # fmt: skip

    def show(self, view: View | None) -> Updates:
        """The components' updates that make the page look like `view`; none for None."""
        if view is None:
            return {self.draft: gr.skip()}
        is_busy = view.draft is not None
        return {
            self.stored: view.stored,
            self.draft: view.draft,
            self.past: view.past,
            self.now: view.now,
            self.panel: view.panel,
            self.notice: view.notice,
            self.message: gr.skip() if view.message is None else view.message,
            self.send: gr.update(visible=not is_busy),
            self.stop: gr.update(visible=is_busy),
        }


def _queued(demo: gr.Blocks) -> gr.Blocks:
    demo.queue(max_size=MAX_QUEUE_SIZE, api_open=False)
    return demo


def _html(value: Html, elem_id: str, *, script: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=script)


def _lay_out(recommender: ChatRecommender, first: View) -> _Page:
    script = (_ASSETS / "page.js").read_text(encoding="utf-8")
    stored = gr.BrowserState(None, storage_key=f"llmrec.{recommender.name}", secret=_BROWSER_KEY)
    draft = gr.State(None)
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
    return _Page(stored, draft, past, now, panel, notice, message, send, stop, start_over)


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

    def send(self, message: str, stored: object, draft: Draft | None) -> Updates:
        return self._page.show(self._handlers.ask(message, stored, draft))

    def send_example(self, stored: object, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._handlers.ask(str(event._data.get("text", "")), stored, draft))

    def answer(self, stored: object, draft: Draft | None) -> Iterator[Updates]:
        for now, grown in self._handlers.answer(stored, draft):
            yield {self._page.now: now, self._page.draft: grown}

    def finish(self, stored: object, draft: Draft | None) -> Updates:
        return self._page.show(self._handlers.finish(stored, draft))

    def react(self, stored: object, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._handlers.react(event._data, stored, draft))

    def remove(self, stored: object, draft: Draft | None, event: gr.EventData) -> Updates:
        return self._page.show(self._handlers.remove(event._data, stored, draft))

    def start_over(self, stored: object) -> Updates:
        return self._page.show(self._handlers.start_over(stored))


def _wire(demo: gr.Blocks, page: _Page, events: _Events) -> None:
    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    quick = {**hidden, "outputs": page.outputs, "concurrency_limit": None}
    slow = {**hidden, "outputs": [page.now, page.draft], "concurrency_id": "llm", "concurrency_limit": 1}
    session = [page.stored, page.draft]
    demo.load(events.restore, [page.stored], **quick)
    sent = [
        gr.on([page.message.submit, page.send.click], events.send, [page.message, *session], **quick),
        page.now.ask(events.send_example, session, **quick),
    ]
    answered = [event.then(events.answer, session, **slow) for event in sent]
    for event in answered:
        event.then(events.finish, session, **quick)
    page.stop.click(events.finish, session, cancels=answered, **quick)
    page.start_over.click(events.start_over, [page.stored], cancels=answered, **quick)
    for cards in (page.past, page.now):
        cards.react(events.react, session, **quick)
    page.panel.remove(events.remove, session, **quick)
