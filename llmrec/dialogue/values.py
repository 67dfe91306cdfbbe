"""Exact reader of the values of text and list facts, and of flags: "a light comedy", "no horror or romance"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmrec.data.catalogue import Catalogue, FactField, FieldKind
from llmrec.dialogue.lexicon import CHINESE_KINDS, EMPTY_VALUES, ITEM_KINDS, SYNONYMS
from llmrec.dialogue.reading import Reading
from llmrec.dialogue.slips import slips_of
from llmrec.dialogue.words import Span, Word, fold, one_of, singular, split_words
from llmrec.types import Constraint, FactValue

_MAX_VALUE_WORDS = 4
# Fields with more values than this hold names and tags rather than kinds: one lower-case word is then no condition.
_MAX_KINDS = 100
_MAX_LISTED = 10  # values a list with commas may have
_NEARLY_UNIQUE = 0.8
_MIN_ITEMS_TO_JUDGE = 50

_KIND = one_of(sorted(ITEM_KINDS | {"kind", "kinds", "genre", "genres", "elements"}))
_SMALL = (
    r"(?:a|an|any|the|more|another|other|of|that|those|into|really|very|want|like|love|watch|see|to|kinds?|types?|"
    r"is|are|be|it|in|for|these|all|from|by|with)"
)
_NEGATION = re.compile(
    r"(?:\b(?:(?:i|we|they|he|she|my\s+\w+)\s+(?:really\s+|just\s+)?)?(?:not\s+(?:really\s+)?in\s+the\s+mood\s+for|not\s+(?:really\s+|much\s+of\s+)?(?:a\s+)?(?:big\s+|huge\s+)?(?:fan\s+of|into)|not\s+(?:really\s+|too\s+|very\s+|so\s+|super\s+|that\s+)?(?:big\s+on|keen\s+on|into)|not|no|without|nothing|never|except|avoid|avoiding|minus|skip|excluding|exclude|nor|neither|none|"
    r"hates?|hated|dislikes?|sick|tired|bored|instead|rather\s+than|can't\s+stand|cannot\s+stand|"
    r"doesn't\s+(?:want|like|love|enjoy)|won't\s+(?:watch|read|play|see)|don't\s+(?:want|like|love|need|enjoy)|do\s+not\s+(?:want|like|love|need|enjoy)|"
    r"didn't\s+(?:like|enjoy|love)|isn't|aren't)"
    rf"(?:\s+(?:{_SMALL}|{_KIND}))*[\s'\"]*)$",
    re.IGNORECASE,
)
_ANYTHING_BUT = re.compile(
    rf"\b(?:(?:anything|everything|all|any\s+{_KIND})\s+but|(?:(?:\w+thing|any\s+{_KIND})\s+)?other\s+than)\b[^.,;!?]*$",
    re.IGNORECASE,
)
# "Horror isn't my thing": what denies a value may follow it.
_DENIED = re.compile(
    rf"(?:\s+{_KIND})?\s*(?:isn't|is\s+not|aren't|are\s+not|(?:was|were)\s+never)\s+(?:really\s+|so\s+much\s+|quite\s+)?"
    r"(?:my\s+(?:thing|kind\s+of\s+thing|cup\s+of\s+tea|favou?rites?)|for\s+(?:me|us)|what\s+(?:i|we)\s+want)\b",
    re.IGNORECASE,
)
_LOOSE_NEGATION = re.compile(
    r"\b(?:not|no|n't|without|nothing|never|don't|do\s+not|isn't|hate|less|not\s+(?:just|only))\s+(?:[\w'-]+\s+){1,4}$",
    re.IGNORECASE,
)
_THEME = re.compile(
    r"\b(?:(?<!what\s)(?<!how\s)about|with|during|against|involving|featuring|less|on|too\s+much|"
    r"(?:full|bit|lots?|plenty|touch|dash|hint|elements?|sense|love|amount|air)\s+of)"
    r"(?:\s+(?:a|an|the|some|any|little|lots?|plenty|bit|of|touch|elements?))*\s*$",
    re.IGNORECASE,
)
_OR = re.compile(rf"\s*(?:{_KIND}\s*)?(?:,\s*)?(?:\bor\b|\bnor\b|/)\s*(?:an?\s+|any\s+|the\s+)?", re.IGNORECASE)
_AND = re.compile(rf"\s*(?:{_KIND}\s*)?(?:,\s*)?(?:\band\b|&)\s*(?:an?\s+|any\s+|the\s+|no\s+)?", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*(?:an?\s+|any\s+)?", re.IGNORECASE)
_KIND_AFTER = re.compile(rf"\s+{_KIND}\b", re.IGNORECASE)
_HYPHEN_BEFORE = re.compile(r"(\w{1,30})-$")
_HYPHEN_AFTER = re.compile(r"-(\w{1,30})")
_CLAUSE_START = re.compile(r"[.;:!?\n\x00]|\bbut\b(?!\s+(?:not|no|without)\b)|,(?!\s*(?:or|nor|and)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Value:
    field: str
    kind: FieldKind
    value: FactValue
    n_values: int


@dataclass(frozen=True, slots=True)
class _Found:
    value: _Value
    start: int
    end: int
    plural: bool


def value_key(text: str) -> str:
    """A value folded word by word to the singular, joined by spaces: `Children's` is `children`, `Sci-Fi` `sci fi`."""
    return " ".join(_word_key(word) for word in split_words(text))


def is_name(typed: str) -> bool:
    """Whether a value is spelt as a name: "with Ada Byron" states a condition, "with romance" a flavour."""
    words = split_words(typed)
    return len(words) > 1 and all(word.text[:1].isupper() for word in words)


class ValueReader:
    """Reads conditions on facts by their values."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Read for the text, list and flag facts of `catalogue`; where fields share a value, the fuller one has it."""
        self._values: dict[str, _Value] = {}
        for field in catalogue.fields.values():
            for key, value in _keys(field, len(catalogue)):
                self._values.setdefault(key, value)
        known = list(self._values.items())
        self._slips = _slips(known)
        for key, value in known:
            for other in (*SYNONYMS.get(key, ()), *CHINESE_KINDS.get(key, ())):
                self._values.setdefault(other, value)

    @property
    def chinese(self) -> Mapping[str, str]:
        """Chinese words for values, each with the value as the catalogue has it."""
        words = {key: str(value.value) for key, value in self._values.items() if not isinstance(value.value, bool)}
        for chinese, others in CHINESE_KINDS.items():
            known = next((words[value_key(other)] for other in others if value_key(other) in words), None)
            if known is not None:
                words.setdefault(chinese, known)
        return words

    def names_value(self, text: str) -> bool:
        """Whether `text` as a whole is a value or another word for one."""
        return value_key(text) in self._values

    def read(self, text: str) -> tuple[Reading, ...]:
        """All conditions by value in `text`, in the order they stand."""
        found = list(self._find(text))
        readings: list[Reading] = []
        for group in _groups(text, found):
            reading = _read_group(text, group)
            if reading is not None:
                readings.append(reading)
        return tuple(readings)

    def _find(self, text: str) -> Iterator[_Found]:
        words = split_words(text)
        at = 0
        while at < len(words):
            found, step = self._longest(words, at)
            if found is not None and self._is_meant(text, words[at : at + step], found):
                yield found
            at += step

    def _longest(self, words: Sequence[Word], at: int) -> tuple[_Found | None, int]:
        for n in range(min(_MAX_VALUE_WORDS, len(words) - at), 0, -1):
            some = words[at : at + n]
            key = " ".join(_word_key(word) for word in some)
            value = self._values.get(key) or self._slips.get(key)
            if value is not None:
                plural = _word_key(some[-1]) != some[-1].key
                return _Found(value, some[0].start, some[-1].end, plural), n
        return None, 1

    def _is_meant(self, text: str, words: Sequence[Word], found: _Found) -> bool:
        before, after = (
            _HYPHEN_BEFORE.search(text[max(0, found.start - 31) : found.start]),
            _HYPHEN_AFTER.match(text, found.end),
        )
        # "action-packed" and "anti-war" name no kind, "rom-com" does.
        if any(joined and not self.names_value(joined[1]) for joined in (before, after)):
            return False
        if len(words) > 1 or found.value.n_values <= _MAX_KINDS:
            return True
        return words[0].text[:1].isupper()


def _word_key(word: Word) -> str:
    if word.text.endswith("'s"):
        return fold(word.text[:-2])
    return singular(word.key)


def _keys(field: FactField, n_items: int) -> Iterator[tuple[str, _Value]]:
    if field.kind == "flag":
        yield value_key(field.name.replace("_", " ")), _Value(field.name, field.kind, value=True, n_values=1)
    crowded = n_items >= _MIN_ITEMS_TO_JUDGE and len(field.values) > _NEARLY_UNIQUE * n_items
    if crowded and field.kind == "text":
        return  # an identifier or a second title
    for value in field.values:
        key = value_key(value)
        if key not in EMPTY_VALUES and key not in ITEM_KINDS and not key.isdigit():
            yield key, _Value(field.name, field.kind, value, len(field.values))
            yield key.replace(" ", ""), _Value(field.name, field.kind, value, len(field.values))


def _slips(values: Iterable[tuple[str, _Value]]) -> Mapping[str, _Value]:
    """Misspelt words for kinds; names are too many and too alike."""
    kinds = [(key, value) for key, value in values if value.n_values <= _MAX_KINDS]
    return {slip: value for key, value in kinds for slip in slips_of(key)}


def _groups(text: str, found: Sequence[_Found]) -> Iterator[list[_Found]]:
    """Values joined by "or", "and" or commas; a comma joins only in a list that ends with "or" or "and"."""
    group: list[_Found] = []
    for position, one in enumerate(found):
        if group and _joined(text, found, position):
            group.append(one)
            continue
        if group:
            yield group
        group = [one]
    if group:
        yield group


def _joined(text: str, found: Sequence[_Found], position: int) -> bool:
    gap = text[found[position - 1].end : found[position].start]
    if _OR.fullmatch(gap) or _AND.fullmatch(gap):
        return True
    if not _COMMA.fullmatch(gap):
        return False
    for later in range(position + 1, min(len(found), position + _MAX_LISTED)):
        gap = text[found[later - 1].end : found[later].start]
        if not _COMMA.fullmatch(gap):
            return bool(_OR.fullmatch(gap) or _AND.fullmatch(gap))
    return False


def _read_group(text: str, group: Sequence[_Found]) -> Reading | None:
    before = text[max(0, group[0].start - 120) : group[0].start]
    end = group[-1].end
    kind_after = _KIND_AFTER.match(text, end)
    end = kind_after.end() if kind_after else end
    negation = _negation_start(before)
    denied = _DENIED.match(text, group[-1].end)
    if negation is None and denied:
        return Reading(Span(group[0].start, denied.end()), tuple(_excluding(one) for one in group))
    if negation is not None:
        start = group[0].start - len(before) + negation
        return Reading(Span(start, end), tuple(_excluding(one) for one in group))
    clause = _CLAUSE_START.split(before)[-1]
    named = all(is_name(text[one.start : one.end]) for one in group)
    if _LOOSE_NEGATION.search(clause) or (_THEME.search(clause) and not named):
        return None
    # Names say who, and nothing of the mood: left in the wish, they would find everybody called Tom.
    keep = any(one.value.n_values <= _MAX_KINDS for one in group)
    return Reading(Span(group[0].start, group[-1].end), _wanted(text, group), keep=keep)


def _negation_start(before: str) -> int | None:
    """Where the words that exclude what follows `before` begin; None when nothing excludes it."""
    match = _ANYTHING_BUT.search(before)
    if match is not None:
        return match.start()
    clause = _CLAUSE_START.split(before)[-1]
    match = _NEGATION.search(clause)
    return len(before) - len(clause) + match.start() if match else None


def _excluding(found: _Found) -> Constraint:
    if found.value.kind == "flag":
        return Constraint(found.value.field, "$eq", value=False)
    return Constraint(found.value.field, "$ne", found.value.value)


def _wanted(text: str, group: Sequence[_Found]) -> tuple[Constraint, ...]:
    gaps = [text[a.end : b.start] for a, b in pairwise(group)]
    either = any(_OR.fullmatch(gap) for gap in gaps) or any(one.plural for one in group)
    fields = {one.value.field for one in group}
    one_valued = group[0].value.kind == "text"
    if len(group) > 1 and len(fields) == 1 and (either or one_valued):
        values = tuple(dict.fromkeys(one.value.value for one in group))
        return (Constraint(group[0].value.field, "$in", values),)
    return tuple(dict.fromkeys(Constraint(one.value.field, "$eq", one.value.value) for one in group))
