"""What stands around a conversation: the head of the page, the message box, what can be done with the user's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmrec.dialogue.messages import Messages
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.picker import input_html


@dataclass(frozen=True, slots=True)
class Place:
    """A page of this server, each with a catalogue of its own.

    Attributes:
        path: Under the server's address; empty for the first.
    """

    name: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame in one language; the last four are plain texts of the message box."""

    masthead: Html
    picker: Html
    tools: Html
    label: str
    placeholder: str
    send: str
    stop: str


def frame_of(here: Place, places: Sequence[Place], n_items: int, words: Messages) -> Frame:
    """The frame of the page `here`, which is one of `places`."""
    return Frame(
        masthead=_masthead_html(here, places, n_items, words),
        picker=input_html(words),
        tools=_tools_html(words),
        label=words.say("message"),
        placeholder=words.say("placeholder"),
        send=words.say("send"),
        stop=words.say("stop"),
    )


def _masthead_html(here: Place, places: Sequence[Place], n_items: int, words: Messages) -> Html:
    tabs = [
        element("button", text(words.say(name)), type="button", class_="view", data_view=name, aria_current=current)
        for name, current in (("chat", "page"), ("insights", ""))
    ]
    return element(
        "header",
        element("h1", text(here.name)),
        element("p", text(words.say("n_items", n=n_items)), class_="size"),
        _places_html(here, places, words),
        element("nav", *tabs, class_="views", aria_label=words.say("pages")),
        class_="masthead",
        data_language=words.language,
    )


def _places_html(here: Place, places: Sequence[Place], words: Messages) -> Html:
    """Links to the other catalogues; nothing where there is one."""
    if len(places) < 2:
        return Html("")
    label = words.say("catalogues")
    links = (
        element("li", element("a", text(place.name), href=_href(place), aria_current="page" if place == here else ""))
        for place in places
    )
    listed = element("nav", element("ul", *links), aria_label=label, class_="inside")
    return element("details", element("summary", text(label), class_="quiet"), listed, class_="places")


def _href(place: Place) -> str:
    """Relative, for the server may be reached under a path of its own; all places are siblings of the first."""
    return f"./{place.path}"


def _tools_html(words: Messages) -> Html:
    export = element("button", text(words.say("export")), type="button", class_="plain", data_event="export")
    sure = element("button", text(words.say("erase_sure")), type="button", class_="plain danger", data_event="erase")
    delete = element(
        "details",
        element("summary", text(words.say("erase")), class_="plain"),
        element("div", element("p", text(words.say("erase_what"))), sure, class_="inside"),
        class_="delete",
    )
    actions = element("div", export, delete, class_="panel-actions")
    return join([element("h2", text(words.say("data")), class_="side-title"), actions])
