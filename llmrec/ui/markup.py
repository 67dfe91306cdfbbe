"""HTML with every value escaped: the only place where the page's markup is made.

Gradio would also render templates, but its `gr.HTML(html_template=...)` escapes HTML only and then evaluates the result
as a JavaScript template literal, so a title like `${alert(1)}` would run. Hence whole strings, made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NewType

Html = NewType("Html", str)


def element(name: str, *children: Html, **attributes: str | bool) -> Html:
    """`<name ...>children</name>`.

    An attribute's name may end in `_` where Python reserves the word, and `_` inside it becomes `-`. False and the
    empty string leave the attribute out.
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items() if value not in {False, ""})
    return Html(f"<{name}{shown}>{''.join(children)}</{name}>")


def void_element(name: str, **attributes: str | bool) -> Html:
    """`<name ...>`, for elements that hold nothing; attributes as for `element`."""
    return Html(element(name, **attributes).removesuffix(f"</{name}>"))


def text(value: str) -> Html:
    """Text of an item, a user or a model; a writing direction of its own does not reach its neighbours."""
    return Html(f"<bdi>{escape(value)}</bdi>")


def plain(words: str) -> Html:
    """Words of the page itself, where nothing of others follows."""
    return Html(escape(words))


def join(parts: Iterable[Html]) -> Html:
    """One piece of markup after the other."""
    return Html("".join(parts))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
