"""What a user can set, as HTML: how many cards, the language, whether the language model is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from llmrec.dialogue.messages import Messages
from llmrec.ui.conversation import K_CHOICES, Conversation
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.words import FOLLOW, LANGUAGES

ModelSwitch = Literal["on", "off", "none"]


def preferences_html(conversation: Conversation, words: Messages, *, model: ModelSwitch) -> Html:
    """The settings with what is chosen; the language model only where it can be left out."""
    numbers = (_choice_html(str(k), chosen=k == conversation.k, data_k=str(k)) for k in K_CHOICES)
    return join(
        [
            element("h2", text(words.say("settings")), class_="side-title"),
            _group_html("how-many", words.say("how_many"), numbers),
            _group_html("language", words.say("language"), _languages(conversation.language, words)),
            _model_html(model, words) if model != "none" else Html(""),
        ]
    )


def _languages(chosen: str, words: Messages) -> Iterable[Html]:
    yield _choice_html(
        words.say("follow"), chosen=chosen == FOLLOW, data_language=FOLLOW, title=words.say("follow_hint")
    )
    for code, name in LANGUAGES.items():
        yield _choice_html(name, chosen=chosen == code, data_language=code, lang=code)


def _choice_html(label: str, *, chosen: bool, **attributes: str) -> Html:
    return element(
        "button", text(label), type="button", class_="choice", aria_pressed=str(chosen).lower(), data_event="choose",
        **attributes,
    )  # fmt: skip


def _group_html(name: str, label: str, buttons: Iterable[Html]) -> Html:
    heading = element("span", text(label), class_="label", id=name)
    choices = element("span", *buttons, class_="options")
    return element("div", heading, choices, class_="choices", role="group", aria_labelledby=name)


def _model_html(model: ModelSwitch, words: Messages) -> Html:
    button = element(
        "button",
        text(words.say("model")),
        element("span", text(words.say(model)), class_="state", aria_hidden="true"),
        type="button",
        class_="choice wide",
        aria_pressed=str(model == "on").lower(),
        title=words.say("model_hint"),
        data_event="choose",
        data_model="off" if model == "on" else "on",
    )
    return element("div", button, class_="choices")
