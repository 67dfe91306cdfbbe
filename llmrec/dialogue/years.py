"""Exact reader of years and decades: "from the 90s", "after 1990", "between 1980 and 1985", "not before 1970"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.dialogue.lexicon import ITEM_KINDS
from llmrec.dialogue.reading import Reading
from llmrec.dialogue.words import Span, mask, one_of
from llmrec.types import Constraint

_YEAR_LIKE = (1850, 2100)
_ABOUT_YEARS = 2
_DECADE_WORDS = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90, "noughties": 0, "two-thousands": 0,
}  # fmt: skip
_PART_OF_DECADE = {"early": (0, 3), "mid": (3, 7), "late": (6, 9)}
_POINT = (
    r"(?:the\s+)?(?:years?\s+)?(?:(?:early|mid|late)[\s-]+)?(?:the\s+)?"
    r"(?:'?[0-9]0'?s|(?:1\d|20)\d0'?s|" + "|".join(_DECADE_WORDS) + r"|(?:1[0-9]|2[01])(?:th|st)\s+century"
    r"|(?:1\d|20)\d\d(?!'?s))(?![\w%])"
)
_A, _B = rf"(?P<a>{_POINT})", rf"(?P<b>{_POINT})"
_NOT = (
    rf"\b(?:not|nothing|none|no|never|don't\s+want)\s+(?:{one_of(sorted(ITEM_KINDS))}\s+)?(?:that\s+(?:is|are)\s+)?"
    r"(?:made\s+|released\s+|published\s+)?(?:from\s+|in\s+|of\s+)?"
)
_MADE = r"(?:\b(?:made|released|published|written)\s+)?"
_BORN = (
    r"(?:before\s+i\s+was\s+born|older\s+than\s+(?:me|i\s+am))[\s,(.]*"
    r"(?:i(?:'m|\s+am|\s+was)\s+)?(?:born\s+)?(?:in\s+|from\s+)?"
)
_BEFORE = rf"(?:{_BORN}|(?:before|older\s+than|earlier\s+than|prior\s+to|pre-?)\s*)"
_AFTER = r"(?:after|newer\s+than|later\s+than|more\s+recent\s+than|younger\s+than|past|post-?)\s*"
_OPENING = r"(?:\b(?:(?:made|released|published|out|written)\s+)?(?:(?:from|in|of|during)\s+))?"
_UNIT_AFTER = r"(?!\s*(?:dollars?|euros?|bucks|pages?|minutes?|mins?|hours?|points?|people|words?)\b)"


@dataclass(frozen=True, slots=True)
class _Range:
    low: int
    high: int


_Build = Callable[[str, _Range, _Range], tuple[Constraint, ...]]


def _inside(field: str, years: _Range) -> tuple[Constraint, ...]:
    if years.low == years.high:
        return (Constraint(field, "$eq", years.low),)
    return (Constraint(field, "$gte", years.low), Constraint(field, "$lte", years.high))


def _outside(field: str, years: _Range) -> tuple[Constraint, ...]:
    if years.low == years.high:
        return (Constraint(field, "$ne", years.low),)
    return (Constraint(field, "$nin", tuple(range(years.low, years.high + 1))),)


def _around(field: str, years: _Range) -> tuple[Constraint, ...]:
    margin = _ABOUT_YEARS if years.low == years.high else 0
    return _inside(field, _Range(years.low - margin, years.high + margin))


# Most specific first: what one pattern claims, the later ones do not see.
_PATTERNS: tuple[tuple[re.Pattern[str], _Build], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), build)
    for pattern, build in (
        (
            rf"{_MADE}\b(?:between|from)\s+{_A}\s*(?:and|to|-|until|till|through)\s*{_B}",
            lambda field, a, b: _inside(field, _Range(min(a.low, b.low), max(a.high, b.high))),
        ),
        (
            rf"\b{_A}\s*(?:-|to|until|till|through)\s*{_B}",
            lambda field, a, b: _inside(field, _Range(min(a.low, b.low), max(a.high, b.high))),
        ),
        (rf"{_NOT}{_BEFORE}{_A}", lambda field, a, b: (Constraint(field, "$gte", a.low),)),
        (rf"{_NOT}{_AFTER}{_A}", lambda field, a, b: (Constraint(field, "$lte", a.high),)),
        (
            rf"{_OPENING}{_A}\s*(?:on(?:wards?)?\b|(?:and|or)\s+(?:later|newer|after|onwards?|up|above)\b|\+)",
            lambda field, a, b: (Constraint(field, "$gte", a.low),),
        ),
        (
            rf"{_OPENING}{_A}\s*(?:and|or)\s+(?:earlier|older|before)\b",
            lambda field, a, b: (Constraint(field, "$lte", a.high),),
        ),
        (rf"{_MADE}\b(?:since|starting\s+(?:in|from))\s+{_A}", lambda field, a, b: (Constraint(field, "$gte", a.low),)),
        (rf"\b(?:until|till|up\s+to)\s+{_A}", lambda field, a, b: (Constraint(field, "$lte", a.high),)),
        (rf"{_MADE}\b{_BEFORE}{_A}", lambda field, a, b: (Constraint(field, "$lt", a.low),)),
        (rf"{_MADE}\b{_AFTER}{_A}", lambda field, a, b: (Constraint(field, "$gt", a.high),)),
        (rf"\b(?:around|circa|roughly)\s+{_A}", lambda field, a, b: _around(field, a)),
        (rf"{_NOT}{_A}", lambda field, a, b: _outside(field, a)),
    )
)
_PLAIN = re.compile(
    rf"{_OPENING}(?<![\w$£€.,'/-])(?P<points>{_POINT}(?:(?:\s*,\s*|\s*,?\s+(?:and|or)\s+|\s*/\s*)"
    rf"(?:from\s+|in\s+)?{_POINT})*){_UNIT_AFTER}",
    re.IGNORECASE,
)
_NONE_OF = re.compile(
    rf"{_NOT}(?P<points>{_POINT}(?:\s*,?\s*(?:,|\b(?:and|or|nor)\b)\s*(?:from\s+|in\s+)?{_POINT})+)(?!\s*(?:or|and)\s)",
    re.IGNORECASE,
)
_ONE_POINT = re.compile(_POINT, re.IGNORECASE)


def year_field(catalogue: Catalogue) -> FactField | None:
    """The number field that holds years: named `year`, else with `year` in its name, else with values in 1850-2100."""
    numbers = [field for field in catalogue.fields.values() if field.kind == "number"]
    named = [field for field in numbers if "year" in field.name.casefold()]
    ranged = [f for f in numbers if f.low >= _YEAR_LIKE[0] and f.high <= _YEAR_LIKE[1]]
    exact = [field for field in named if field.name.casefold() == "year"]
    return next(iter([*exact, *named, *ranged]), None)


class YearReader:
    """Reads conditions on the catalogue's year field."""

    def __init__(self, field: FactField) -> None:
        """Read for `field`, whose highest value decides which century "the 10s" are in."""
        self._name = field.name
        self._latest = 2100 if math.isnan(field.high) else int(field.high)

    def read(self, text: str) -> tuple[Reading, ...]:
        """All conditions on the year in `text`, in the order they stand."""
        readings = [self._none_of(match) for match in _NONE_OF.finditer(text)]
        text = mask(text, (reading.span for reading in readings))
        for pattern, build in _PATTERNS:
            found = [self._compared(match, build) for match in pattern.finditer(text)]
            text = mask(text, (reading.span for reading in found))
            readings += found
        readings += map(self._plain, _PLAIN.finditer(text))
        return tuple(sorted(readings, key=lambda reading: reading.span.start))

    def _compared(self, match: re.Match[str], build: _Build) -> Reading:
        low = self._range(match["a"])
        high = self._range(match.groupdict().get("b") or match["a"])
        return Reading(Span(*match.span()), build(self._name, low, high))

    def _none_of(self, match: re.Match[str]) -> Reading:
        ranges = [self._range(point) for point in _ONE_POINT.findall(match["points"])]
        years = sorted({year for r in ranges for year in range(r.low, r.high + 1)})
        return Reading(Span(*match.span()), (Constraint(self._name, "$nin", tuple(years)),))

    def _plain(self, match: re.Match[str]) -> Reading:
        ranges = [self._range(point) for point in _ONE_POINT.findall(match["points"])]
        return Reading(Span(*match.span()), self._any_of(ranges))

    def _any_of(self, ranges: list[_Range]) -> tuple[Constraint, ...]:
        ranges.sort(key=lambda r: r.low)
        joined = all(later.low <= earlier.high + 1 for earlier, later in _pairs(ranges))
        if joined:
            return _inside(self._name, _Range(ranges[0].low, max(r.high for r in ranges)))
        years = sorted({year for r in ranges for year in range(r.low, r.high + 1)})
        return (Constraint(self._name, "$in", tuple(years)),)

    def _range(self, point: str) -> _Range:
        point = point.casefold()
        part = next((name for name in _PART_OF_DECADE if re.search(rf"\b{name}\b", point)), "")
        low = self._start(point)
        if "century" in point:
            return _Range(low, low + 99)
        if not point.endswith("s"):
            return _Range(low, low)
        if low % 100 == 0 and low < 2000 and re.search(r"\d{4}", point):
            return _Range(low, low + 99)  # "the 1800s" are a century, "the 2000s" a decade
        first, last = _PART_OF_DECADE.get(part, (0, 9))
        return _Range(low + first, low + last)

    def _start(self, point: str) -> int:
        digits = re.search(r"\d+", point)
        if digits is None:
            return self._century(next(start for word, start in _DECADE_WORDS.items() if word in point))
        number = int(digits.group())
        if "century" in point:
            return (number - 1) * 100
        return number if number >= 1000 else self._century(number)

    def _century(self, decade: int) -> int:
        if decade == 0:
            return 2000
        return 2000 + decade if decade < 30 and self._latest >= 2000 + decade else 1900 + decade


def _pairs(ranges: list[_Range]) -> Iterator[tuple[_Range, _Range]]:
    return pairwise(ranges)
