"""What the recommender believes of the user, as HTML; every line can be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.types import ItemEntry, Profile
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.reactions import Section
from llmrec.ui.wording import clipped, constraint_words

_MAX_WISH_CHARS = 120
# The page's phrases for them; "seen" by itself is what a card's button says.
_HEADINGS: dict[Section, str] = {
    "wishes": "wishes",
    "leanings": "leanings",
    "constraints": "constraints",
    "liked": "liked",
    "disliked": "disliked",
    "seen": "already_seen",
}


def panel_html(profile: Profile, catalogue: Catalogue, words: Messages, *, can_undo: bool = False) -> Html:
    """The panel: a list for each kind of belief that there is, and what can be done with all of it."""
    lines = _lines(profile, catalogue, words)
    n_entries = sum(len(each) for each in lines.values())
    sections = join(_section_html(section, lines[section], words) for section in _HEADINGS if lines[section])
    nothing = element("p", text(words.say("known_nothing")), class_="nothing")
    toggle = element(
        "button", text(words.say("known_n", n=n_entries)), type="button", class_="panel-toggle", aria_expanded="false",
        aria_controls="panel-body",
    )  # fmt: skip
    undo = element(
        "button", text(words.say("undo")), type="button", class_="plain", data_event="undo", disabled=not can_undo,
        title=words.say("undo_hint"),
    )  # fmt: skip
    start_over = element(
        "button", text(words.say("start_over")), type="button", class_="plain", data_event="start_over"
    )
    return join(
        [
            element("h2", text(words.say("known")), class_="panel-title"),
            toggle,
            element("div", sections or nothing, class_="panel-body", id="panel-body"),
            element("div", undo, start_over, class_="panel-actions"),
        ]
    )


def _lines(profile: Profile, catalogue: Catalogue, words: Messages) -> dict[Section, list[str]]:
    def titles(entries: Sequence[ItemEntry]) -> list[str]:
        return [catalogue[entry.item_id].title for entry in entries]

    return {
        "wishes": [clipped(entry.text, max_chars=_MAX_WISH_CHARS) for entry in profile.wishes],
        "leanings": [
            words.say(
                "leaning",
                value=constraint_words(entry.constraint, words),
                words=clipped(entry.words, max_chars=_MAX_WISH_CHARS),
            )
            for entry in profile.leanings
        ],
        "constraints": [constraint_words(entry.constraint, words) for entry in profile.constraints],
        "liked": titles(profile.liked),
        "disliked": titles(profile.disliked),
        "seen": titles(profile.seen),
    }


def _section_html(section: Section, lines: Sequence[str], words: Messages) -> Html:
    entries = (_entry_html(section, index, line, words) for index, line in enumerate(lines))
    heading = element("h3", text(words.say(_HEADINGS[section])))
    return element("section", heading, element("ul", *entries, class_="entries"), class_=section)


def _entry_html(section: Section, index: int, line: str, words: Messages) -> Html:
    cross = Html('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18"/></svg>')
    button = element(
        "button",
        cross,
        type="button",
        class_="forget",
        aria_label=words.say("forget", words=line),
        title=words.say("forget_this"),
        data_event="remove",
        data_section=section,
        data_index=str(index),
    )
    return element("li", element("span", text(line)), button)
