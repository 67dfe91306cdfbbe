"""Hard conditions on facts: read from dicts or a command line, checked for sense, and applied to a whole catalogue."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.data.cells import parse_number
from llmrec.errors import ConstraintError
from llmrec.types import Constraint, FactValue, Item, ItemMask, Operator

_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_ORDERS: Mapping[Operator, Callable[[float, float], bool]] = {
    "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip
_SIGNS: Mapping[str, Operator] = {
    ">=": "$gte", "<=": "$lte", "!=": "$ne", "==": "$eq", "=": "$eq", ">": "$gt", "<": "$lt",
}  # fmt: skip
_WRITTEN: Mapping[Operator, str] = {
    "$eq": "=", "$ne": "!=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$in": "=", "$nin": "!=",
}  # fmt: skip
_EXPRESSION = re.compile(r"([^<>=!]+)(>=|<=|!=|==|=|>|<)(.*)", re.DOTALL)
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_N_LISTED = 12
_MAX_NUMBER = 1e300  # an integer of JSON may be longer than any float
_N_QUOTED = 80  # characters of a wrong input that its error repeats


class FactColumns:
    """The facts of a catalogue turned into columns on first use, so that a condition costs one NumPy operation."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._numbers: dict[str, NDArray[np.float64]] = {}
        self._words: dict[str, Mapping[str, NDArray[np.int64]]] = {}

    def mask(self, constraints: Iterable[Constraint]) -> ItemMask:
        """Where an item satisfies every constraint, bool [n_items]; the same verdict as `matches`."""
        passing = np.ones(len(self._catalogue), dtype=np.bool_)
        for constraint in constraints:
            passing &= self._passing(constraint)
        return passing

    def _passing(self, constraint: Constraint) -> ItemMask:
        values = _values(constraint)
        compare = _ORDERS.get(constraint.op)
        if compare is not None:
            bound = values[0] if _is_number(values[0]) else math.nan
            return np.asarray(compare(self._number_column(constraint.field), bound))  # type: ignore[arg-type]  # elementwise
        found = np.zeros(len(self._catalogue), dtype=np.bool_)
        for value in values:
            found |= self._equal(constraint.field, value)
        return found if constraint.op in {"$eq", "$in"} else ~found

    def _equal(self, name: str, value: FactValue) -> ItemMask:
        if _is_number(value):
            return np.asarray(self._number_column(name) == value)
        found = np.zeros(len(self._catalogue), dtype=np.bool_)
        found[self._word_column(name).get(_word(value), [])] = True
        return found

    def _number_column(self, name: str) -> NDArray[np.float64]:
        if name not in self._numbers:
            facts = (item.facts.get(name) for item in self._catalogue.values())
            self._numbers[name] = np.fromiter((f if _is_number(f) else math.nan for f in facts), dtype=np.float64)
        return self._numbers[name]

    def _word_column(self, name: str) -> Mapping[str, NDArray[np.int64]]:
        if name not in self._words:
            positions: dict[str, list[int]] = {}
            for position, item in enumerate(self._catalogue.values()):
                for word in _words(item.facts.get(name)):
                    positions.setdefault(word, []).append(position)
            self._words[name] = {word: np.array(places, dtype=np.int64) for word, places in positions.items()}
        return self._words[name]


def mask(catalogue: Catalogue, constraints: Iterable[Constraint]) -> ItemMask:
    """Where an item satisfies every constraint, bool [n_items]. Keep a `FactColumns` to ask more than once."""
    return FactColumns(catalogue).mask(constraints)


def matches(item: Item, constraint: Constraint) -> bool:
    """Whether the item satisfies the constraint; letter case is ignored, a missing fact satisfies `$ne` and `$nin`."""
    return _passes(item.facts.get(constraint.field), constraint)


def comparable(fact: FactValue) -> tuple[float | None, tuple[str, ...]]:
    """A fact as conditions compare it: as a number, if it is one, and as words without letter case."""
    return (float(fact) if _is_number(fact) else None, _words(fact))  # type: ignore[arg-type]  # a number


def parse_where(
    where: Mapping[str, object] | Sequence[str] | None, fields: Mapping[str, FactField]
) -> tuple[Constraint, ...]:
    """Checked constraints, in the order they were given; texts are spelled as the catalogue spells them.

    Args:
        where: `{"year": {"$gte": 1990}, "genres": "Horror"}`, where a bare list means any of; or expressions of a
            command line, `["year>=1990", "genres=Horror|Comedy"]`, where `|` means any of.
        fields: The facts that may be named, as the catalogue describes them.

    Raises:
        ConstraintError: For an unknown field, operator or value, a value of the wrong kind, or a contradiction.
    """
    if where is None:
        return ()
    if isinstance(where, Mapping):
        raw = [condition for name, spec in where.items() for condition in _from_spec(name, spec)]
    else:
        raw = [_from_expression(text) for text in ([where] if isinstance(where, str) else where)]
    constraints = tuple(_checked(_field(name, fields), op, value) for name, op, value in raw)
    problem = contradiction(constraints, fields=fields)
    if problem:
        raise ConstraintError(problem)
    return constraints


def contradiction(constraints: Iterable[Constraint], *, fields: Mapping[str, FactField] | None = None) -> str:
    """One sentence naming the constraints that no item can satisfy together; empty when there are none.

    A number has one value. A text is taken to have several, as a list does, unless `fields` says that it has one.
    """
    groups: dict[str, list[Constraint]] = {}
    for constraint in dict.fromkeys(constraints):
        groups.setdefault(constraint.field, []).append(constraint)
    for name, group in groups.items():
        known = (fields or {}).get(name)
        several = known.kind == "list" if known else all(isinstance(v, str) for c in group for v in _values(c))
        for size in dict.fromkeys((1, 2, len(group))):
            for some in combinations(group, size):
                if _impossible(some, several=several):
                    return _impossible_text(some)
    return ""


def constraint_text(constraint: Constraint) -> str:
    """The constraint as one would type it: `year >= 1990`, `genres != Horror|Comedy`."""
    values = "|".join(map(str, _values(constraint)))
    return f"{constraint.field} {_WRITTEN[constraint.op]} {values}"


def _values(constraint: Constraint) -> tuple[FactValue, ...]:
    return constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)


def _is_number(value: object) -> bool:
    # bool is an int for Python, but a flag is not a quantity.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _word(value: object) -> str:
    return str(value).strip().casefold()


def _words(fact: FactValue | None) -> tuple[str, ...]:
    if fact is None:
        return ()
    return tuple(dict.fromkeys(map(_word, fact if isinstance(fact, tuple) else (fact,))))


def _passes(fact: FactValue | None, constraint: Constraint) -> bool:
    values = _values(constraint)
    compare = _ORDERS.get(constraint.op)
    if compare is not None:
        return _is_number(fact) and _is_number(values[0]) and compare(fact, values[0])  # type: ignore[arg-type]  # numbers
    found = any(fact == value if _is_number(value) else _word(value) in _words(fact) for value in values)
    return found if constraint.op in {"$eq", "$in"} else not found


def _impossible(constraints: Sequence[Constraint], *, several: bool) -> bool:
    wishes = [c for c in constraints if c.op in {"$eq", "$in"}]
    if not wishes:
        return _bounds_cross(constraints)
    if not several:
        return not _any_value(wishes[0], constraints)
    # Several values at once: each wish can be met by another of them, so only what is excluded can stop it.
    excluded = [c for c in constraints if c not in wishes]
    return any(not _any_value(wish, excluded) for wish in wishes)


def _any_value(wish: Constraint, tests: Sequence[Constraint]) -> bool:
    return any(all(_passes(value, test) for test in tests) for value in _values(wish))


def _bounds_cross(constraints: Sequence[Constraint]) -> bool:
    lows = [c for c in constraints if c.op in {"$gt", "$gte"}]
    highs = [c for c in constraints if c.op in {"$lt", "$lte"}]
    # Either end of some closed range must satisfy the other bound; for open ends the two have to differ.
    return any(not _below(low, high) for low in lows for high in highs)


def _below(low: Constraint, high: Constraint) -> bool:
    closed = low.op == "$gte" and high.op == "$lte"
    compare = operator.le if closed else operator.lt
    return bool(compare(low.value, high.value))


def _impossible_text(constraints: Sequence[Constraint]) -> str:
    texts = [constraint_text(constraint) for constraint in constraints]
    if len(texts) == 1:
        return f"{constraints[0].field} must be one of an empty list, which no item can be; name at least one value."
    return f"{', '.join(texts[:-1])} and {texts[-1]} cannot both hold; drop or change one of them."


def _from_spec(name: str, spec: object) -> list[tuple[str, str, object]]:
    if isinstance(spec, Mapping):
        return [(name, str(op), value) for op, value in spec.items()]
    return [(name, "$in" if isinstance(spec, (list, tuple, set, frozenset)) else "$eq", spec)]


def _from_expression(text: str) -> tuple[str, str, object]:
    found = _EXPRESSION.fullmatch(text)
    if found is None or not found[1].strip():
        raise ConstraintError(
            f"the condition {text[:_N_QUOTED]!r} has no comparison.", hint="Write it like year>=1990."
        )
    name, sign, value = (part.strip() for part in found.groups())
    op = _SIGNS[sign]
    if "|" in value and op in {"$eq", "$ne"}:
        return name, "$in" if op == "$eq" else "$nin", value.split("|")
    return name, op, value


def _field(name: str, fields: Mapping[str, FactField]) -> FactField:
    if name in fields:
        return fields[name]
    for known, field in fields.items():
        if _word(known) == _word(name):
            return field
    name = name[:_N_QUOTED]
    raise ConstraintError(f"no field is called {name!r}{_nearest(name, fields)}", hint=_listed("The fields", fields))


def _checked(field: FactField, op: str, value: object) -> Constraint:
    known = next((o for o in _OPERATORS if o == op), None)
    if known is None:
        raise ConstraintError(
            f"no operator is called {op!r}{_nearest(op, _OPERATORS)}", hint=_listed("The operators", _OPERATORS)
        )
    if known in _ORDERS and field.kind != "number":
        raise ConstraintError(f"{field.name} is not a number, so {_WRITTEN[known]} cannot compare it; use = or !=.")
    if known in {"$in", "$nin"}:
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        return Constraint(field.name, known, tuple(_typed(field, one) for one in values))
    return Constraint(field.name, known, _typed(field, value))


def _typed(field: FactField, value: object) -> FactValue:
    if field.kind == "number":
        return _number(field, value)
    if field.kind == "flag":
        flag = _FLAGS.get(_word(value))
        if flag is None:
            raise ConstraintError(f"{field.name} is yes or no, not {repr(value)[:_N_QUOTED]}.")
        return flag
    for known in field.values:
        if _word(known) == _word(value):
            return known
    text = str(value)[:_N_QUOTED]
    raise ConstraintError(
        f"{field.name} never has the value {text!r}{_nearest(text, field.values)}",
        hint=_listed("Its values", field.values),
    )


def _number(field: FactField, value: object) -> FactValue:
    number = parse_number(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= _MAX_NUMBER:
        raise ConstraintError(
            f"{field.name} is a number, not {repr(value)[:_N_QUOTED]}; here {field.low:g} to {field.high:g}."
        )
    return int(number) if float(number).is_integer() else number


def _nearest(name: str, known: Iterable[str]) -> str:
    spelled = {_word(one): one for one in known}
    near = difflib.get_close_matches(_word(name), spelled, n=1)
    return f"; did you mean {spelled[near[0]]!r}?" if near else "."


def _listed(what: str, names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _N_LISTED} more" if len(shown) > _N_LISTED else ""
    return f"{what} are {', '.join(shown[:_N_LISTED])}{more}." if shown else "There are none."
