"""Items and histories as plain text, for encoders and prompts alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal

from llmrec.prompting.neutralise import neutralise
from llmrec.types import FactValue, Item, ItemId

ItemText = Literal["full", "short", "title"]

_TITLE_CHARS = 120
_FACT_CHARS = 60
_MAX_FACTS = 4
_MAX_VALUES = 4
_LAST_BRACKET = re.compile(r"(?<=\S)\s*\(([^()]+)\)\s*$")


def item_line(item: Item, *, max_description_chars: int, text: ItemText = "full") -> str:
    """One candidate of a prompt: `The Matrix (1999) | Action, Sci-Fi | hidden reality, rebellion`.

    Facts that the title already says, flags, addresses and long texts are left out; all of it is neutralised.

    Args:
        item: The item.
        max_description_chars: How much of its description is shown.
        text: `short` shows the short title and one fact, `The Matrix | Action, Sci-Fi`; `title` the short title alone.
    """
    if text != "full":
        return " | ".join([title_line(item, text=text), *islice(_short_facts(item), int(text == "short"))])
    description = neutralise(item.description, max_chars=max_description_chars)
    parts = (title_line(item), *_short_facts(item), description)
    return " | ".join(part for part in parts if part)


def title_line(item: Item, *, text: ItemText = "full") -> str:
    """An item's title as a prompt shows it; unless it is full, without a fact in brackets at its end.

    Many models read each digit of `(1999)` as a token: it is half of what a list of such titles costs.
    """
    title = item.title
    bracket = None if text == "full" else _LAST_BRACKET.search(title)
    if bracket and bracket.group(1) in {fact_text(value) for value in item.facts.values()}:
        title = title[: bracket.start()]
    return neutralise(title, max_chars=_TITLE_CHARS)


def history_lines(
    item_ids: Iterable[ItemId], items: Mapping[ItemId, Item], *, max_items: int, text: ItemText = "full"
) -> tuple[str, ...]:
    """Titles of the last `max_items` of `item_ids` that are known, oldest first; see `title_line`.

    An item met twice stands where it was met last.
    """
    latest_first = (item_id for item_id in dict.fromkeys(reversed(tuple(item_ids))) if item_id in items)
    chosen = tuple(islice(latest_first, max_items))
    return tuple(title_line(items[item_id], text=text) for item_id in reversed(chosen))


def history_document(item_ids: Iterable[ItemId], items: Mapping[ItemId, Item], *, max_items: int) -> str:
    """What an encoder reads of a history: `Aliens (1986); Alien (1979)`, see `history_lines`.

    Newest first, for an encoder cuts the end of a text that is too long.
    """
    return "; ".join(reversed(history_lines(item_ids, items, max_items=max_items)))


def item_document(item: Item) -> str:
    """What an encoder and a word index read of an item: title, facts as words, description.

    `Alien (1979). genres Horror, Sci-Fi. year 1979. A freighter's crew ...`; parts that are empty are left out.
    """
    facts = (f"{name} {fact_text(value)}" for name, value in sorted(item.facts.items()) if fact_text(value))
    parts = (item.title, *facts, item.description)
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip()) + "."


def fact_text(value: FactValue) -> str:
    """A fact's value as a person would write it: `Horror, Sci-Fi`, `1979`, `19.99`, `yes`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _short_facts(item: Item) -> Iterator[str]:
    title_words = set(re.findall(r"\w+", item.title))
    shown = 0
    for name, value in item.facts.items():
        text = "" if fact_text(value) in title_words else _fact(name, value)
        if text and shown < _MAX_FACTS:
            shown += 1
            yield text


def _fact(name: str, value: FactValue) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, tuple):
        return neutralise(", ".join(value[:_MAX_VALUES]), max_chars=_FACT_CHARS)
    if isinstance(value, str):
        return "" if "://" in value or len(value) > _FACT_CHARS else neutralise(value, max_chars=_FACT_CHARS)
    return f"{neutralise(name, max_chars=_FACT_CHARS)} {fact_text(value)}"
