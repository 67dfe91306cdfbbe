"""The page's Gradio components, and how a view is shown on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from llmrec.ui.frame import Frame
from llmrec.ui.library import LibraryView
from llmrec.ui.markup import Html
from llmrec.ui.shelf import Shelf, shelf_html
from llmrec.ui.views import View, words_of

# Gradio encrypts what it keeps in the browser with a key that the page itself carries: no secret, but it has to stay
# the same, or every restart of the server would make the stored conversations unreadable.
_BROWSER_KEY = "llmrec-browser-1"
_ASSETS = Path(__file__).parent / "assets"

# What Gradio takes as an update is untyped: a dict from component to value or to `gr.update(...)`.
Updates = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """The components that change or that events come from.

    Attributes:
        stored: The conversation as the browser keeps it, for the next visit.
        kept: The other conversations, in the browser too.
        conversation: The same while the page is open; the one that counts, for two quick clicks both read it.
        draft: The turn under way.
        download: Carries what is exported to the browser; never seen.
    """

    stored: gr.BrowserState
    kept: gr.BrowserState
    conversation: gr.State
    draft: gr.State
    masthead: gr.HTML
    past: gr.HTML
    now: gr.HTML
    picker: gr.HTML
    suggestions: gr.HTML
    panel: gr.HTML
    preferences: gr.HTML
    shelf: gr.HTML
    tools: gr.HTML
    insights: gr.HTML
    notice: gr.HTML
    message: gr.Textbox
    send: gr.Button
    stop: gr.Button
    download: gr.Textbox

    @property
    def session(self) -> list[Any]:
        """What nearly every event reads."""
        return [self.stored, self.conversation, self.draft]

    @property
    def outputs(self) -> list[Any]:
        """Everything an event of the open conversation may change."""
        shown = [self.past, self.now, self.panel, self.preferences, self.notice, self.message, self.send, self.stop]
        return [*self.session, *shown, self.masthead, self.picker, self.tools]

    @property
    def library_outputs(self) -> list[Any]:
        """The same with the list of conversations."""
        return [*self.outputs, self.kept, self.shelf]

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
            self.preferences: view.preferences,
            self.notice: gr.skip() if view.notice is None else view.notice,
            self.message: gr.skip() if view.message is None else view.message,
            self.send: gr.update(visible=not view.is_busy),
            self.stop: gr.update(visible=view.is_busy),
            **({} if view.frame is None else self._framed(view.frame, view)),
        }

    def _framed(self, frame: Frame, view: View) -> Updates:
        """The updates of what stands around the conversation."""
        message: Updates = {} if view.message is None else {"value": view.message}
        return {
            self.message: gr.update(label=frame.label, placeholder=frame.placeholder, **message),
            self.masthead: frame.masthead,
            self.picker: frame.picker,
            self.tools: frame.tools,
            self.send: gr.update(value=frame.send, visible=not view.is_busy),
            self.stop: gr.update(value=frame.stop, visible=view.is_busy),
        }

    def show_library(self, view: LibraryView | None) -> Updates:
        """The updates after an event of the list of conversations."""
        if view is None:
            return {self.notice: gr.skip()}
        return {**self.show(view.view), self.kept: view.stored, self.shelf: view.shelf}


def lay_out(name: str, first: View, frame: Frame) -> Page:
    """The components of a page that shows `first` within `frame`; inside a `gr.Blocks` context.

    Args:
        name: Of the catalogue; a browser keeps its conversations under it.
        first: What is shown until the browser has said what it keeps.
        frame: In the same language.
    """
    key = f"llmrec.{name}"
    stored = gr.BrowserState(None, storage_key=key, secret=_BROWSER_KEY)
    kept = gr.BrowserState(None, storage_key=f"{key}.kept", secret=_BROWSER_KEY)
    conversation, draft = gr.State(None), gr.State(None)
    download = gr.Textbox(visible=False)
    masthead = _html(frame.masthead, "masthead")
    with gr.Row(elem_id="columns"):
        with gr.Column(elem_id="chat"):
            with gr.Column(elem_id="thread"):
                past, now = _html(first.past, "past"), _html(first.now, "now")
                with gr.Column(elem_id="picking"):
                    picker = _html(frame.picker, "picker")
                    suggestions = _html(Html(""), "suggestions")
            notice = _html(Html(""), "notice")
            message, send, stop = _composer(frame)
        with gr.Column(elem_id="side"):
            panel = _html(first.panel, "panel")
            preferences = _html(first.preferences, "preferences")
            shelf = _html(shelf_html(Shelf(), words_of(first.conversation)), "shelf")
            tools = _html(frame.tools, "tools")
    insights = _html(Html(""), "insights")
    return Page(
        stored, kept, conversation, draft, masthead, past, now, picker, suggestions, panel, preferences, shelf, tools,
        insights, notice, message, send, stop, download,
    )  # fmt: skip


def html_piece(value: Html, elem_id: str) -> gr.HTML:
    """A piece of markup without behaviour."""
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=None)


def _composer(frame: Frame) -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="composer"):
        message = gr.Textbox(
            label=frame.label,
            show_label=False,
            placeholder=frame.placeholder,
            max_lines=6,
            autofocus=True,
            container=False,
            elem_id="message",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
        )
        send = gr.Button(frame.send, variant="primary", elem_id="send", min_width=0)
        stop = gr.Button(frame.stop, variant="stop", elem_id="stop", min_width=0, visible=False)
    return message, send, stop


def _html(value: Html, elem_id: str) -> gr.HTML:
    script = (_ASSETS / "page.js").read_text(encoding="utf-8")
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=script)
