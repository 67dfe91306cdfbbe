"""Picking titles by typing their beginning: a combobox over the whole catalogue, as HTML."""

from __future__ import annotations

from llmrec.data.catalogue import Catalogue
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.titles import MAX_TYPED_CHARS, TitleSearch

_LIST_ID = "suggestions-list"


class Picker:
    """The input, and the list under it."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Suggest titles of `catalogue`."""
        self._catalogue = catalogue
        self._search = TitleSearch(catalogue)

    def input_html(self) -> Html:
        """The labelled input; its list is another piece, so that typing goes on while the list changes."""
        label = element("label", Html("Or pick titles you like"), for_="pick-title")
        field = Html(
            '<input id="pick-title" type="text" role="combobox" autocomplete="off" spellcheck="false"'
            f' placeholder="Type a title" maxlength="{MAX_TYPED_CHARS}" aria-autocomplete="list"'
            f' aria-expanded="false" aria-controls="{_LIST_ID}">'
        )
        return element("div", label, field, class_="picker")

    def list_html(self, typed: str) -> Html:
        """What may be meant, or a sentence that nothing is; an empty list where nothing was typed."""
        found = self._search.suggest(typed)
        options = (
            element(
                "li", text(self._catalogue[item_id].title), role="option", id=f"suggestion-{number}",
                aria_selected="false", data_event="pick", data_item=item_id,
            )
            for number, item_id in enumerate(found)
        )  # fmt: skip
        listbox = element("ul", *options, role="listbox", id=_LIST_ID, aria_label="Titles", hidden=not found)
        nothing = "No title like that here." if typed.strip() and not found else ""
        status = element("p", text(nothing or (f"{len(found)} titles" if found else "")), role="status",
                         class_="nothing" if nothing else "spoken")  # fmt: skip
        return join([listbox, status])


def tools_html() -> Html:
    """What a user can do with their data."""
    export = element("button", Html("Export"), type="button", class_="plain", data_event="export")
    sure = element("button", Html("Yes, delete it all"), type="button", class_="plain danger", data_event="erase")
    warning = element("p", Html("What you told me, your reactions and every conversation in this browser."))
    delete = element(
        "details",
        element("summary", Html("Delete everything"), class_="plain"),
        element("div", warning, sure, class_="inside"),
        class_="delete",
    )
    return join([element("h2", Html("Your data"), class_="side-title"), export, delete])
