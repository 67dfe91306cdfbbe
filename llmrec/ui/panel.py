"""What the recommender believes of the user, as HTML; every line can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from llmrec.data.catalogue import Catalogue
from llmrec.types import ItemEntry, Profile
from llmrec.ui.conversation import DEFAULT_K, K_CHOICES
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.reactions import Section
from llmrec.ui.wording import clipped, constraint_words

ModelSwitch = Literal["on", "off", "none"]
_MAX_WISH_CHARS = 120
_HEADINGS: dict[Section, str] = {
    "wishes": "In the mood for",
    "constraints": "Conditions",
    "liked": "You like",
    "disliked": "Not for you",
    "seen": "Already seen",
}


def panel_html(
    profile: Profile,
    catalogue: Catalogue,
    *,
    k: int = DEFAULT_K,
    model: ModelSwitch = "none",
    can_undo: bool = False,
) -> Html:
    """The panel: a list for each kind of belief that there is, and what can be done with all of it."""
    lines = _lines(profile, catalogue)
    n_entries = sum(len(words) for words in lines.values())
    sections = join(_section_html(section, lines[section]) for section in _HEADINGS if lines[section])
    nothing = element(
        "p", Html("Nothing yet. What you tell me shows up here, and each line can be removed."), class_="nothing"
    )
    title = "What I know about you"
    toggle = element(
        "button",
        Html(f"{title} ({n_entries})"),
        type="button",
        class_="panel-toggle",
        aria_expanded="false",
        aria_controls="panel-body",
    )
    return join(
        [
            element("h2", Html(title), class_="panel-title"),
            toggle,
            element("div", sections or nothing, class_="panel-body", id="panel-body"),
            element("div", *_actions(can_undo=can_undo), class_="panel-actions"),
            _choices_html(k),
            _model_html(model) if model != "none" else Html(""),
        ]
    )


def _actions(*, can_undo: bool) -> Iterator[Html]:
    yield element(
        "button", Html("Undo"), type="button", class_="plain", data_event="undo", disabled=not can_undo,
        title="Take the last change back",
    )  # fmt: skip
    yield element("button", Html("Start over"), type="button", class_="plain", data_event="start_over")


def _choices_html(k: int) -> Html:
    buttons = (
        element(
            "button", Html(str(choice)), type="button", class_="choice", aria_pressed=str(choice == k).lower(),
            data_event="choose", data_k=str(choice),
        )
        for choice in K_CHOICES
    )  # fmt: skip
    label = element("span", Html("How many"), class_="label", id="how-many")
    return element("div", label, *buttons, class_="choices", role="group", aria_labelledby="how-many")


def _model_html(model: ModelSwitch) -> Html:
    other = "off" if model == "on" else "on"
    button = element(
        "button",
        Html("Language model"),
        type="button",
        class_="choice wide",
        aria_pressed=str(model == "on").lower(),
        title="Whether the language model has a say in the order; without it answers come sooner",
        data_event="choose",
        data_model=other,
    )
    return element("div", button, class_="choices")


def _lines(profile: Profile, catalogue: Catalogue) -> dict[Section, list[str]]:
    def titles(entries: Sequence[ItemEntry]) -> list[str]:
        return [catalogue[entry.item_id].title for entry in entries]

    return {
        "wishes": [clipped(entry.text, max_chars=_MAX_WISH_CHARS) for entry in profile.wishes],
        "constraints": [constraint_words(entry.constraint) for entry in profile.constraints],
        "liked": titles(profile.liked),
        "disliked": titles(profile.disliked),
        "seen": titles(profile.seen),
    }


def _section_html(section: Section, lines: Sequence[str]) -> Html:
    entries = (_entry_html(section, index, words) for index, words in enumerate(lines))
    return element(
        "section", element("h3", Html(_HEADINGS[section])), element("ul", *entries, class_="entries"), class_=section
    )


def _entry_html(section: Section, index: int, words: str) -> Html:
    cross = Html('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18"/></svg>')
    button = element(
        "button",
        cross,
        type="button",
        class_="forget",
        aria_label=f"Forget: {words}",
        title="Forget this",
        data_event="remove",
        data_section=section,
        data_index=str(index),
    )
    return element("li", element("span", text(words)), button)
