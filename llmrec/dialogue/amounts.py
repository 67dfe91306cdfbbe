"""Exact reader of amounts on the catalogue's number fields: "under 20 dollars", "at least 300 pages"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.dialogue.lexicon import NUMBERS
from llmrec.dialogue.reading import Reading
from llmrec.dialogue.words import Span, fold, mask, one_of, singular, split_words
from llmrec.types import Constraint, Operator

_COMPARATORS: Mapping[Operator, tuple[str, ...]] = {
    "$lte": ("at most", "up to", "no more than", "not more than", "not over", "not above", "no longer than",
             "not longer than", "within", "maximum of", "maximum", "max", "<="),
    "$gte": ("at least", "no less than", "not less than", "no fewer than", "not under", "not below", "minimum of",
             "minimum", "min", ">="),
    "$lt": ("under", "below", "less than", "fewer than", "cheaper than", "shorter than", "smaller than", "lower than",
            "<"),
    "$gt": ("over", "above", "more than", "longer than", "higher than", "greater than", "bigger than", "better than",
            ">"),
    "$eq": ("exactly", "equal to", "=", "=="),
}  # fmt: skip
_OPERATOR_OF = {phrase: op for op, phrases in _COMPARATORS.items() for phrase in phrases}
_AFTERWARDS: Mapping[str, Operator] = {"less": "$lte", "fewer": "$lte", "under": "$lte", "more": "$gte", "up": "$gte"}
_MONEY = ("price", "cost")
_TIME = ("minute", "runtime", "duration", "length")
# What a unit or a comparator says about the field, as words of its name, and the factor to the field's own unit.
_UNITS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "dollar": (_MONEY, 1), "buck": (_MONEY, 1), "euro": (_MONEY, 1), "pound": (_MONEY, 1), "usd": (_MONEY, 1),
    "eur": (_MONEY, 1), "$": (_MONEY, 1), "€": (_MONEY, 1), "£": (_MONEY, 1), "cheaper": (_MONEY, 1),
    "minute": (_TIME, 1), "min": (_TIME, 1), "hour": (_TIME, 60), "page": (("page",), 1),
    "star": (("star", "rating", "score"), 1), "player": (("player",), 1),
}  # fmt: skip
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.\d{1,4})?"


@dataclass(frozen=True, slots=True)
class _Target:
    field: str
    factor: float = 1.0


class AmountReader:
    """Reads comparisons with numbers, on fields the text names or implies by a unit."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Read for the number fields of `catalogue`."""
        fields = [field for field in catalogue.fields.values() if field.kind == "number"]
        self._named = {" ".join(_name_words(field)): field.name for field in fields}
        self._by_word = {word: field.name for field in reversed(fields) for word in _name_words(field)}
        self._patterns = (_comparison(tuple(self._named)), _afterwards(), _between(tuple(self._named)))

    def read(self, text: str) -> tuple[Reading, ...]:
        """All comparisons in `text` whose field is known, in the order they stand."""
        if not self._named:
            return ()
        readings: list[Reading] = []
        for pattern in reversed(self._patterns):
            found = [reading for match in pattern.finditer(text) for reading in self._reading(match)]
            text = mask(text, (reading.span for reading in found))
            readings += found
        return tuple(sorted(readings, key=lambda reading: reading.span.start))

    def _reading(self, match: re.Match[str]) -> Sequence[Reading]:
        target = self._target(match)
        if target is None:
            return ()
        return (Reading(Span(match.start(), self._end(match)), _constraints(match.groupdict(), target)),)

    def _target(self, match: re.Match[str]) -> _Target | None:
        groups = match.groupdict()
        comparator = (groups.get("op") or "").split(" ")[0]
        for hint in (groups.get("field"), groups.get("unit"), groups.get("currency"), comparator):
            target = self._of_hint(hint or "")
            if target is not None:
                return target
        return None

    def _of_hint(self, hint: str) -> _Target | None:
        key = " ".join(singular(word.key) for word in split_words(hint)) or hint
        if key in self._named:
            return _Target(self._named[key])
        if key in self._by_word:
            return _Target(self._by_word[key])
        words, factor = _UNITS.get(key, ((), 1.0))
        field = next((self._by_word[word] for word in words if word in self._by_word), None)
        return _Target(field, factor) if field else None

    def _end(self, match: re.Match[str]) -> int:
        """Where the amount ends: a following word that is no unit belongs to the next phrase."""
        unit = match.groupdict().get("unit")
        after = "after" in match.re.groupindex
        return match.end() if after or not unit or self._of_hint(unit) else match.start("unit")


def _name_words(field: FactField) -> Sequence[str]:
    return [singular(fold(word)) for word in re.split(r"[\W_]+", field.name) if word]


def _field_group(names: Sequence[str]) -> str:
    words = sorted({word for name in names for word in (name, *name.split())}, key=len, reverse=True)
    return rf"(?:\b(?P<field>{'|'.join(re.escape(word) for word in words)})s?\s*(?:is|are|of|was|:)?\s*)"


def _value(name: str) -> str:
    spelled = one_of([*NUMBERS, "an"])
    return rf"(?P<{name}>{_NUMBER}|\b{spelled}(?=\s+(?:hours?|minutes?|dollars?|stars?|players?)\b))"


def _comparison(names: Sequence[str]) -> re.Pattern[str]:
    ops = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in sorted(_OPERATOR_OF, key=len, reverse=True))
    return re.compile(
        rf"{_field_group(names)}?(?<![\w])(?P<op>{ops})\s*(?:an?\s+)?(?:{'|'.join(names)})?\s*(?:of\s+)?"
        rf"(?P<currency>[$€£])?\s*{_value('low')}(?:\s*(?P<unit>[^\W\d_]+))?",
        re.IGNORECASE,
    )


def _afterwards() -> re.Pattern[str]:
    return re.compile(
        rf"(?P<currency>[$€£])?\b{_value('low')}(?:\s*(?P<unit>[^\W\d_]+))?\s+(?:or|and)\s+(?P<after>less|fewer|under|more|up)\b",
        re.IGNORECASE,
    )


def _between(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile(
        rf"{_field_group(names)}?\b(?:between|from)\s+(?P<currency>[$€£])?{_value('low')}\s*(?:and|to|-)\s*[$€£]?"
        rf"{_value('high')}(?:\s*(?P<unit>[^\W\d_]+))?",
        re.IGNORECASE,
    )


def _constraints(groups: Mapping[str, str | None], target: _Target) -> tuple[Constraint, ...]:
    low = _number(groups["low"] or "0", target.factor)
    high = groups.get("high")
    if high is not None:
        ends = sorted((low, _number(high, target.factor)))
        return (Constraint(target.field, "$gte", ends[0]), Constraint(target.field, "$lte", ends[1]))
    after = groups.get("after")
    phrase = re.sub(r"\s+", " ", groups.get("op") or "").casefold()
    op = _AFTERWARDS[after.casefold()] if after else _OPERATOR_OF[phrase]
    return (Constraint(target.field, op, low),)


def _number(text: str, factor: float) -> int | float:
    spelled = re.sub(r"\s+", " ", text).casefold()
    number = NUMBERS.get(spelled, 1 if spelled == "an" else None)
    value = (float(spelled.replace(",", "")) if number is None else number) * factor
    return int(value) if value == int(value) else value
