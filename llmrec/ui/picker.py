"""Picking titles by typing their beginning: a combobox over the whole catalogue, as HTML."""

from __future__ import annotations

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.ui.markup import Html, element, join, text, void_element
from llmrec.ui.titles import MAX_TYPED_CHARS, TitleSearch

_LIST_ID = "suggestions-list"


class Picker:
    """The input, and the list under it."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Suggest titles of `catalogue`."""
        self._catalogue = catalogue
        self._search = TitleSearch(catalogue)

    def list_html(self, typed: str, words: Messages) -> Html:
        """What may be meant, or a sentence that nothing is; an empty list where nothing was typed."""
        found = self._search.suggest(typed)
        options = (
            element(
                "li", text(self._catalogue[item_id].title), role="option", id=f"suggestion-{number}",
                aria_selected="false", data_event="pick", data_item=item_id,
            )
            for number, item_id in enumerate(found)
        )  # fmt: skip
        listbox = element(
            "ul", *options, role="listbox", id=_LIST_ID, aria_label=words.say("pick_list"), hidden=not found
        )
        nothing = words.say("pick_nothing") if typed.strip() and not found else ""
        status = element(
            "p", text(nothing or (words.say("pick_found", n=len(found)) if found else "")), role="status",
            class_="nothing" if nothing else "spoken",
        )  # fmt: skip
        return join([listbox, status])


def input_html(words: Messages) -> Html:
    """The labelled input; its list is another piece, so that typing goes on while the list changes."""
    label = element("label", text(words.say("pick")), for_="pick-title")
    field = void_element(
        "input", id="pick-title", type="text", role="combobox", autocomplete="off", spellcheck="false",
        placeholder=words.say("pick_placeholder"), maxlength=str(MAX_TYPED_CHARS), aria_autocomplete="list",
        aria_expanded="false", aria_controls=_LIST_ID,
    )  # fmt: skip
    return element("div", label, field, class_="picker")
