"""Conditions the user stated, said of an item that meets them, "it is from 1996, within 1990 to 1999", or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmrec.data.catalogue import FactField
from llmrec.explanation.telling import Telling
from llmrec.types import Constraint, Evidence, FactValue, Item

_BOUNDS = ("$gt", "$gte", "$lt", "$lte")


def is_bound(constraint: Constraint) -> bool:
    """Whether it is one end of a range."""
    return constraint.op in _BOUNDS


def condition_evidence(
    item: Item, met: Sequence[Constraint], fields: Mapping[str, FactField], words: Telling
) -> list[Evidence]:
    """One piece of evidence per field or wanted value; exclusions are kept silently.

    Args:
        item: The item.
        met: Constraints that it satisfies.
        fields: The catalogue's description of facts.
        words: The language.
    """
    found: list[Evidence] = []
    for name in dict.fromkeys(constraint.field for constraint in met):
        field, fact = fields.get(name), item.facts.get(name)
        if field is None or fact is None:
            continue
        stated = [constraint for constraint in met if constraint.field == name]
        found += _number(name, fact, stated, words) if field.kind == "number" else _worded(name, fact, stated, words)
    return found


def condition_broken(item: Item, constraint: Constraint, words: Telling) -> str:
    """What of `item` breaks `constraint`: "its year is 1979, and you asked for not before 1990"."""
    name, fact = constraint.field.replace("_", " "), item.facts.get(constraint.field)
    if fact is None:
        return words.say("no_fact", name=name)
    wanted = words.joined([_told(value, words) for value in _values(constraint)], "or")
    if constraint.op in _BOUNDS:
        wanted = words.say(_bound_key(constraint.field, constraint.op), value=wanted)
    elif constraint.op in {"$ne", "$nin"}:
        wanted = words.say("not", value=wanted)
    key = "has_facts" if isinstance(fact, tuple) and len(fact) > 1 else "has_fact"
    return words.say(key, name=name, value=_told(fact, words), wanted=wanted)


def _told(fact: FactValue, words: Telling) -> str:
    if isinstance(fact, tuple):
        return words.joined(fact, "comma")
    return words.say("yes" if fact else "no") if isinstance(fact, bool) else _shown(fact)


def _number(name: str, fact: FactValue, stated: Sequence[Constraint], words: Telling) -> list[Evidence]:
    if not isinstance(fact, (int, float)):
        return []
    value = f"{int(fact)}" if float(fact).is_integer() else f"{fact:g}"
    shown, within = name.replace("_", " "), _within(name, stated, words)
    if within:
        text = words.say("from" if _is_year(name) else "number", name=shown, value=value, within=within)
    elif any(c.op in {"$eq", "$in"} for c in stated):
        text = words.say("from_asked" if _is_year(name) else "is_asked", name=shown, value=value)
    else:
        return []
    return [Evidence("constraint", text, name, value)]


def _within(name: str, stated: Sequence[Constraint], words: Telling) -> str:
    """The bounds in words; empty where there are none."""
    bounds = {c.op: c.value for c in stated if c.op in _BOUNDS}
    if "$gte" in bounds and "$lte" in bounds:
        return words.say("within", low=bounds["$gte"], high=bounds["$lte"])
    return words.joined([words.say(_bound_key(name, op), value=value) for op, value in bounds.items()], "and")


def _bound_key(name: str, op: str) -> str:
    return f"year_{op}" if _is_year(name) else op


def _is_year(name: str) -> bool:
    return "year" in name.casefold()


def _worded(name: str, fact: FactValue, stated: Sequence[Constraint], words: Telling) -> list[Evidence]:
    wanted = {str(value).casefold() for c in stated if c.op in {"$eq", "$in"} for value in _values(c)}
    shown = name.replace("_", " ")
    if isinstance(fact, tuple):
        values = [value for value in fact if value.casefold() in wanted]
        texts = [words.say("include_asked", name=shown, value=value) for value in values]
        return [Evidence("constraint", text, name, value) for text, value in zip(texts, values, strict=True)]
    if str(fact).casefold() not in wanted:
        return []
    text = words.say("is_asked", name=shown, value=_told(fact, words))
    return [Evidence("constraint", text, name, _shown(fact))]


def _shown(fact: FactValue) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, float):
        return f"{fact:g}"
    return ", ".join(fact) if isinstance(fact, tuple) else str(fact)


def _values(constraint: Constraint) -> tuple[FactValue, ...]:
    return constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
