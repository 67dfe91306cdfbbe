"""Items and histories as plain text, for encoders and prompts alike."""

from __future__ import annotations

from llmrec.types import FactValue, Item


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
