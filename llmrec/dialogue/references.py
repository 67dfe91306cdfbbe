"""Words that point at items without naming them: "the second one", "it", "these", "the 1995 one"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llmrec.dialogue.cues import KIND
from llmrec.dialogue.lexicon import NUMBERS, ORDINALS
from llmrec.dialogue.reading import Mention
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, one_of
from llmrec.types import ItemId

_ORDINAL = one_of(list(ORDINALS))
_COUNT = one_of([word for word, number in NUMBERS.items() if " " not in word and number <= 10])
_FIRST_FEW = re.compile(rf"\b(?:the\s+)?(first|last)\s+({_COUNT}|[2-9])\b(?:\s+{KIND})?", re.IGNORECASE)
_NTH = re.compile(
    rf"\b(?:the\s+)?(?P<word>{_ORDINAL})\b(?:\s+{KIND}\b|(?=\s*(?:$|[.,;!?]|\b(?:i|we|was|is|and|but|too|already|or|vs|versus|than|differs?)\b)))"
    r"|(?:\bnumber\s+|\bno\.\s*|#)(?P<digit>\d{1,2})\b",
    re.IGNORECASE,
)
_LASTS = re.compile(r"\b(?:does|do|did|will|would|can|to|it|they)\b[^.,;!?\n]*(?<!the\s)\blast$", re.IGNORECASE)
_NUMBERS = re.compile(
    r"(?P<numbers>(?:\bnumbers?\s+|\bnos?\.\s*|#)\d{1,2}"
    r"(?:(?:\s*,\s*|\s*,?\s*(?:and|&)\s*)(?:number\s+|no\.\s*|#)?\d{1,2})+)\b",
    re.IGNORECASE,
)
_BARE_NUMBERS = re.compile(
    r"\b(?:seen|saw|watched|read|played|tried|know|loved|liked|enjoyed|like|hated|disliked)\s+"
    r"(?P<numbers>\d\b(?:\s*(?:,|,?\s+and|&)\s*\d\b)*)(?!\s*[\w%])",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:(?:all|any|both|either|each)\s+of\s+)?(?:these|those|them)\b(?:\s+all)?|\bthem\s+all\b", re.IGNORECASE
)
_BOTH = re.compile(r"\bboth\b(?!\s+(?:of\s+)?\w)|\bboth\s+of\s+them\b", re.IGNORECASE)
_ONE = re.compile(
    r"\b(?:it|(?:that|this)\s+one|(?:that|this)(?=\s*(?:$|[.,;!?]|(?:and|but|already|too|before|yet)\b)))\b",
    re.IGNORECASE,
)
_LEAD = r"^[\s,]*(?:(?:no|yes|yeah|i\s+mean|i\s+meant|it's|it\s+was|that's|the|from|one|version|of|only)[\s,]+){0,4}"
_TAIL = rf"(?:\s+(?:one|version|{KIND}))?"
_BY_YEAR = re.compile(rf"{_LEAD}(?:{KIND}\s+)?\(?((?:18|19|20)\d\d)\)?{_TAIL}", re.IGNORECASE)
_BY_ORDINAL = re.compile(rf"{_LEAD}({_ORDINAL})\b{_TAIL}", re.IGNORECASE)
_BY_DIGIT = re.compile(r"^\s*#?(\d)\s*[.)]?\s*$")
_BY_AGE = re.compile(
    rf"{_LEAD}(newer|newest|latest|more\s+recent|older|oldest|original|earlier)\b{_TAIL}", re.IGNORECASE
)
_ANOTHER = re.compile(
    r"^\W*(?:(?:and|ok|okay|so|but|then|now)[\s,]+){0,2}"
    r"(?:(?:what|how)\s+about|what's\s+with|tell\s+me\s+about|and|(?=\S[^\n]*\?\s*$))\s*",
    re.IGNORECASE,
)
_ALL_OF_THEM = re.compile(r"^\W*(?:both|all|either|any)(?:\s+of\s+(?:them|these|those))?\b", re.IGNORECASE)
_NONE_OF_THEM = re.compile(r"^\W*(?:neither|none)(?:\s+of\s+(?:them|these|those))?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """The choice among the items that were asked about; no items when none of them was meant."""

    item_ids: tuple[ItemId, ...]
    span: Span


def references_to(in_view: tuple[ItemId, ...], text: str, *, it: tuple[ItemId, ...] = ()) -> tuple[Mention, ...]:
    """Places of `text` that point at the items `in_view`; without items where there is none such.

    "It" and "that one" are of `it` where that is given.
    """
    found: list[Mention] = []
    for mention in _pointing(text, in_view, it or in_view):
        if not any(mention.span.overlaps(other.span) for other in found):
            found.append(mention)
    return tuple(sorted(found, key=lambda mention: mention.span.start))


def asks_of_another(text: str, in_view: tuple[ItemId, ...]) -> Mention | None:
    """What "and the second one?" or "what about the third?" points at; None where the message says more."""
    opened = _ANOTHER.match(text)
    for mention in references_to(in_view, text) if opened else ():
        if opened and mention.span.start == opened.end() and not re.search(r"\w", text[mention.span.end :]):
            return mention if mention.item_ids else None
    return None


def _pointing(text: str, shown: tuple[ItemId, ...], it: tuple[ItemId, ...]) -> Iterator[Mention]:
    yield from _numbered(text, shown)
    for match in _FIRST_FEW.finditer(text):
        n = NUMBERS.get(match[2].casefold()) or int(match[2])
        yield _mention(match, shown[:n] if match[1].casefold() == "first" else shown[-n:], plural=True)
    for match in _NTH.finditer(text):
        if _LASTS.search(text, 0, match.end()):
            continue
        place = ORDINALS[match["word"].casefold()] if match["word"] else int(match["digit"]) - 1
        yield _mention(match, _nth(shown, place), plural=False)
    if len(shown) == 2:  # of three, "both" are two that nobody can tell
        for match in _BOTH.finditer(text):
            yield _mention(match, shown, plural=True)
    for match in _ALL.finditer(text):
        yield _mention(match, shown, plural=True)
    for match in _ONE.finditer(text):
        yield _mention(match, it, plural=False)


def _numbered(text: str, shown: tuple[ItemId, ...]) -> Iterator[Mention]:
    """Several items by their numbers: "number 1 and 3", "seen 1, 2"."""
    for match in (*_NUMBERS.finditer(text), *_BARE_NUMBERS.finditer(text)):
        places = [int(digits) - 1 for digits in re.findall(r"\d+", match["numbers"])]
        item_ids = tuple(item_id for place in places for item_id in _nth(shown, place))
        yield Mention(Span(*match.span("numbers")), item_ids, match["numbers"], plural=True)


def _mention(match: re.Match[str], item_ids: tuple[ItemId, ...], *, plural: bool) -> Mention:
    return Mention(Span(*match.span()), item_ids, match.group(), plural=plural)


def _nth(item_ids: tuple[ItemId, ...], place: int) -> tuple[ItemId, ...]:
    return (item_ids[place],) if -len(item_ids) <= place < len(item_ids) else ()


def read_answer(text: str, pending: tuple[ItemId, ...], titles: TitleIndex) -> Answer | None:
    """Which of `pending` the message chooses; None when it does not answer the question."""
    year = _BY_YEAR.match(text)
    same_year = titles.of_year(pending, int(year[1])) if year else ()
    if year and same_year:
        return Answer(same_year, Span(*year.span()))
    for pattern, choose in ((_BY_ORDINAL, _by_ordinal), (_BY_DIGIT, _by_digit)):
        match = pattern.match(text)
        chosen = choose(match[1], pending) if match else ()
        if match and chosen:
            return Answer(chosen, Span(*match.span()))
    return _by_age(text, pending, titles) or _all_or_none(text, pending) or _by_title(text, pending, titles)


def _by_ordinal(word: str, pending: tuple[ItemId, ...]) -> tuple[ItemId, ...]:
    return _nth(pending, ORDINALS[word.casefold()])


def _by_digit(digit: str, pending: tuple[ItemId, ...]) -> tuple[ItemId, ...]:
    return _nth(pending, int(digit) - 1) if digit != "0" else ()


def _by_age(text: str, pending: tuple[ItemId, ...], titles: TitleIndex) -> Answer | None:
    match = _BY_AGE.match(text)
    if match is None:
        return None
    years = [year for item_id in pending if (year := titles.year_of(item_id)) is not None]
    newest = match[1].casefold().startswith(("new", "latest", "more"))
    chosen = titles.of_year(pending, max(years) if newest else min(years)) if years else ()
    return Answer(chosen, Span(*match.span())) if chosen else None


def _all_or_none(text: str, pending: tuple[ItemId, ...]) -> Answer | None:
    match = _ALL_OF_THEM.match(text)
    if match:
        return Answer(pending, Span(*match.span()))
    match = _NONE_OF_THEM.match(text)
    return Answer((), Span(*match.span())) if match else None


def _by_title(text: str, pending: tuple[ItemId, ...], titles: TitleIndex) -> Answer | None:
    match = titles.resolve(re.sub(_LEAD, "", text, flags=re.IGNORECASE))
    chosen = tuple(item_id for item_id in pending if item_id in match.item_ids)
    narrows = match.exact and len(chosen) == len(match.item_ids) < len(pending)
    return Answer(chosen, Span(0, len(text))) if narrows and chosen else None
