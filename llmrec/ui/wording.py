"""Facts and constraints in a few words, for chips."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.types import Constraint, FactValue, Item
from llmrec.ui.examples import is_year

_MAX_CHIPS = 7
_MAX_VALUES = 8
_MAX_CHIP_CHARS = 40


def fact_chips(item: Item, catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """Short facts of an item as (fact, words), in the item's order, without what the title says or what is too long."""
    chips: list[tuple[str, str]] = []
    for name, value in item.facts.items():
        values = value[:_MAX_VALUES] if isinstance(value, tuple) else (_fact_words(name, value, catalogue),)
        shown = (words for words in values if 0 < len(words) <= _MAX_CHIP_CHARS and f"({words})" not in item.title)
        chips += [(name, words) for words in shown]
    return tuple(chips[:_MAX_CHIPS])


def constraint_words(constraint: Constraint, words: Messages) -> str:
    """`year ≥ 1990`, `genres is not Horror`."""
    value = constraint.value
    values: Sequence[FactValue] = value if isinstance(value, tuple) else (value,)
    said = (words.say("yes" if v else "no") if isinstance(v, bool) else _value_words(v) for v in values)
    return words.say(f"op_{constraint.op}", field=constraint.field, value=", ".join(said))


def link_host(url: str) -> str:
    """The host an http(s) address leads to, as it must be shown beside the link; empty when it is no such address."""
    try:
        parts = urlsplit(url)
        # A name before the host (`https://shop.example@evil.example`) is there to deceive.
        is_plain = parts.scheme in {"http", "https"} and parts.username is None and url.isprintable()
        return parts.hostname or "" if is_plain and " " not in url else ""
    except ValueError:
        return ""


def clipped(value: str, *, max_chars: int) -> str:
    """The text in one line, cut at a word with an ellipsis when it is longer."""
    line = " ".join(value.split())
    if len(line) <= max_chars:
        return line
    return line[:max_chars].rsplit(" ", 1)[0].rstrip(",;:. ") + " …"


def _fact_words(name: str, value: FactValue, catalogue: Catalogue) -> str:
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, (int, float)) and not is_year(catalogue.fields[name]):
        return f"{name} {_value_words(value)}"
    return _value_words(value)


def _value_words(value: FactValue) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10g}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
