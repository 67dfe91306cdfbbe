"""Conditions the user stated, said of an item that meets them: "it is from 1996, within 1990 to 1999"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmrec.data.catalogue import FactField
from llmrec.explanation.telling import Telling
from llmrec.types import Constraint, Evidence, FactValue, Item

_BOUNDS = {"$gt": "over", "$gte": "at least", "$lt": "under", "$lte": "at most"}
_YEAR_BOUNDS = {"$gt": "after", "$gte": "not before", "$lt": "before", "$lte": "not after"}


def is_bound(constraint: Constraint) -> bool:
    """Whether it is one end of a range."""
    return constraint.op in _BOUNDS


def condition_evidence(item: Item, met: Sequence[Constraint], fields: Mapping[str, FactField]) -> list[Evidence]:
    """One piece of evidence per field or wanted value; exclusions are kept silently.

    Args:
        item: The item.
        met: Constraints that it satisfies.
        fields: The catalogue's description of facts.
    """
    found: list[Evidence] = []
    for name in dict.fromkeys(constraint.field for constraint in met):
        field, fact = fields.get(name), item.facts.get(name)
        if field is None or fact is None:
            continue
        stated = [constraint for constraint in met if constraint.field == name]
        found += _number(name, fact, stated) if field.kind == "number" else _worded(name, fact, stated)
    return found


def condition_broken(item: Item, constraint: Constraint, words: Telling) -> str:
    """What of `item` breaks `constraint`: "its year is 1979, and you asked for not before 1990"."""
    name, fact = constraint.field.replace("_", " "), item.facts.get(constraint.field)
    if fact is None:
        return words.say("no_fact", name=name)
    wanted = words.joined([_told(value, words) for value in _values(constraint)], "or")
    if constraint.op in _BOUNDS:
        year = "year_" if "year" in constraint.field.casefold() else ""
        wanted = words.say(f"{year}{constraint.op}", value=wanted)
    elif constraint.op in {"$ne", "$nin"}:
        wanted = words.say("not", value=wanted)
    key = "has_facts" if isinstance(fact, tuple) and len(fact) > 1 else "has_fact"
    return words.say(key, name=name, value=_told(fact, words), wanted=wanted)


def _told(fact: FactValue, words: Telling) -> str:
    if isinstance(fact, tuple):
        return words.joined(fact, "comma")
    return words.say("yes" if fact else "no") if isinstance(fact, bool) else _shown(fact)


def _number(name: str, fact: FactValue, stated: Sequence[Constraint]) -> list[Evidence]:
    if not isinstance(fact, (int, float)):
        return []
    is_year = "year" in name.casefold()
    reason = _within(stated, is_year=is_year)
    if not reason:
        return []
    value = f"{int(fact)}" if float(fact).is_integer() else f"{fact:g}"
    said = f"it is from {value}" if is_year else f"its {name.replace('_', ' ')} is {value}"
    return [Evidence("constraint", f"{said}, {reason}", name, value)]


def _within(stated: Sequence[Constraint], *, is_year: bool) -> str:
    bounds = {c.op: c.value for c in stated if c.op in _BOUNDS}
    if "$gte" in bounds and "$lte" in bounds:
        return f"within {bounds['$gte']} to {bounds['$lte']}"
    words = _YEAR_BOUNDS if is_year else _BOUNDS
    said = [f"{words[op]} {value}" for op, value in bounds.items()]
    if said:
        return " and ".join(said)
    return "as you asked" if any(c.op in {"$eq", "$in"} for c in stated) else ""


def _worded(name: str, fact: FactValue, stated: Sequence[Constraint]) -> list[Evidence]:
    wanted = {str(value).casefold() for c in stated if c.op in {"$eq", "$in"} for value in _values(c)}
    shown = name.replace("_", " ")
    if isinstance(fact, tuple):
        values = [value for value in fact if value.casefold() in wanted]
        return [Evidence("constraint", f"its {shown} include {v}, as you asked", name, v) for v in values]
    if str(fact).casefold() not in wanted:
        return []
    value = _shown(fact)
    return [Evidence("constraint", f"its {shown} is {value}, as you asked", name, value)]


def _shown(fact: FactValue) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, float):
        return f"{fact:g}"
    return ", ".join(fact) if isinstance(fact, tuple) else str(fact)


def _values(constraint: Constraint) -> tuple[FactValue, ...]:
    return constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
