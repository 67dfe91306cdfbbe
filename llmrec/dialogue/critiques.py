"""Critiques: "newer than that one", "cheaper", "too scary", "less violent"; each becomes a condition or a soft wish."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import FactColumns
from llmrec.dialogue.cues import KIND
from llmrec.dialogue.dimensions import DIMENSIONS, IMPLIED, OPPOSITES, field_of
from llmrec.dialogue.draft import Draft, Unmet
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.lexicon import FILLERS, FOLLOWERS
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import add_constraints, add_wish
from llmrec.dialogue.references import references_to
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, fold, one_of, split_words, squeeze, word_set
from llmrec.types import Constraint, ItemId, Profile

_SOFTENER = r"(?:a\s+(?:bit|little|lot)|way|far|just|much|somewhat|slightly|even|really|very|kind\s+of)"
_LEAD = (
    r"(?:\b(?:it|that|this|they|those|these|he|she)(?:'s|'re|\s+(?:is|was|are|were|looks?|sounds?|seems?|feels?))\s+"
    rf"|\b(?:something|anything|one|ones|but|and|no|maybe|is|was|make\s+it|with|{KIND})\s+(?:that's\s+)?|\b{_SOFTENER}\s+){{0,4}}"
)
_END = rf"(?=\s*(?:$|[.,;!?\n\x00]|(?:and|but|please|than|for|one|ones|though|instead|then|now|if|{KIND})\b))"
_THAN = r"(?:\s+than\s+)"
_UNWANTED = re.compile(
    rf"{_LEAD}(?<!not\s)\btoo\s+(?:(?:much|many)\s+)?(?P<too>[^\W\d_][\w-]*)(?:\s+for\s+(?:me|us|my\s+\w+|tonight))?"
    rf"|{_LEAD}\bless\s+(?P<less>[^\W\d_][\w-]*)(?!\s+than\s+\d)"
    rf"|(?:\bbut\s+)?(?:\b(?:that|which|it)(?:'s|\s+is)\s+)?\b(?:not|no|nothing)\s+(?:too\s+)?(?P<no>{one_of(sorted(OPPOSITES))})"
    r"(?:\s+(?:stuff|things?|scenes?|parts?|bits?)\b|(?=\s*(?:$|[.,;!?\n\x00])|\s+(?:and|or|but|please)\b))"
    rf"|{_LEAD}\bnot\s+(?:so|as|quite\s+(?:so|as)|too|very|overly|that|all\s+that)\s+(?P<so>(?!into\b|(?:big|keen)\s+on\b)[^\W\d_][\w-]*)(?:\s+please)?",
    re.IGNORECASE,
)
_WANTED = re.compile(
    rf"(?:^|[.,;!?\n\x00]|\b(?:something|anything|one|ones|but|bit|little|much|even|is|want|like|it)\b)\s*"
    rf"(?:(?:\w{{2,}}[^\W\d_]er|more\s+[^\W\d_]{{3,}}){_END}|not\s+(?:very\s+)?\w+\s+enough)",
    re.IGNORECASE,
)
# Words that end like a comparative and compare nothing.
_NO_QUALITY = word_set("other another together number water summer winter thriller never ever")
_LIKENESS = re.compile(r"\b(?:like|similar\s+to|as\s+good\s+as)\s+(?:the\s+)?(?=.{1,120}$)", re.IGNORECASE)
_LONGEST_TITLE_CHARS = 120
_MAX_CRITIQUES = 5
# Between "not the second one" and "old".
_IN_ONE_BREATH = re.compile(
    r"\s*[,;:]\s*(?:(?:it|that)(?:'s|\s+is|\s+was)\s+)?(?:(?:far|way|much)\s+)?(?:too\s+)?", re.IGNORECASE
)
_JUDGED = re.compile(rf"(?:'s|\s|\b(?:is|was|are|were|looks?|seems?|{_SOFTENER})\b)*", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)

Direction = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A request for more or less on a field, as it stands in the text."""

    field: str
    direction: Direction
    word: str
    span: Span
    word_at: int
    has_than: bool


class CritiqueReader:
    """Reads critiques over one catalogue."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, grammar: ConstraintGrammar) -> None:
        """Know which number fields measure what."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = grammar
        self._columns = FactColumns(catalogue)
        self._patterns = tuple(_patterns(catalogue))
        self._unmeasured = tuple(_unmeasured(catalogue))

    def read(self, draft: Draft) -> None:
        """Turn the critiques of `draft` into conditions on facts or into soft wishes."""
        for comparison in islice(self._comparisons(draft.rest), _MAX_CRITIQUES):
            self._compare(draft, comparison)
        for match in (match for pattern in self._unmeasured if (match := pattern.search(draft.rest))):
            self._give_up(draft, match)
        for match in islice(_UNWANTED.finditer(draft.rest), _MAX_CRITIQUES):
            self._turn_away(draft, match)
        wanted = _WANTED.search(draft.rest)
        if wanted and split_words(wanted.group())[-1].key not in _NO_QUALITY:
            draft.act("critique", draft.shown_last(), about=squeeze(wanted.group()))

    def _give_up(self, draft: Draft, match: re.Match[str]) -> None:
        """Say that nothing is known of what is criticised; its words would attract items that merely use them."""
        draft.act("critique", draft.shown_last(), about=squeeze(match["word"]))
        draft.note("cannot_act", phrase=squeeze(match.group()))
        draft.cut(Span(*match.span()))
        draft.said = True

    def _comparisons(self, text: str) -> Iterator[_Comparison]:
        taken: list[Span] = []
        for field, direction, word, pattern in self._patterns:
            for match in pattern.finditer(text):
                span = Span(*match.span())
                if any(span.overlaps(other) for other in taken):
                    continue
                taken.append(span)
                has_than = match["than"] is not None
                yield _Comparison(field, direction, word or match["word"], span, match.start("word"), has_than)

    def _compare(self, draft: Draft, comparison: _Comparison) -> None:
        item_ids, where = self._reference(draft, comparison)
        values = sorted(v for item_id in item_ids if (v := self._value(item_id, comparison.field)) is not None)
        if not values:
            return  # nothing to compare with: the words stay in the wish, or other readers know them
        constraint = self._bound(draft.profile, comparison, values)
        # What was said of the field before stays as long as both can hold.
        refines = self._leaves_any(draft.profile, constraint, beside=())
        draft.profile = add_constraints(
            draft.profile, [constraint], turn=draft.turn, refines=refines, fields=self._catalogue.fields
        )
        what = self._catalogue[item_ids[0]].title if len(item_ids) == 1 else draft.words.say("these")
        phrase = ConstraintPhrases(self._catalogue, draft.words).phrase(constraint)
        draft.note("more_than", word=comparison.word.capitalize(), what=what, phrase=phrase)
        draft.act("critique", item_ids, about=squeeze(comparison.word))
        if comparison.has_than:
            draft.act("constraint", item_ids, about=comparison.field)
        draft.cut(where)
        draft.said = True

    def _reference(self, draft: Draft, comparison: _Comparison) -> tuple[tuple[ItemId, ...], Span]:
        """The items that are compared with, and the words of the comparison that are thereby understood."""
        span = comparison.span
        if comparison.has_than:
            item_ids, end = self._named(draft, span.end) or ((), span.end)
            return item_ids, Span(span.start, end)
        liked = self._liked_before(draft, comparison.word_at)
        if liked is not None:
            return liked[0], Span(max(span.start, liked[1]), span.end)
        pointed = [m for m in references_to(draft.in_view(), draft.rest[: comparison.word_at]) if m.item_ids]
        if pointed and _JUDGED.fullmatch(draft.rest, pointed[-1].span.end, comparison.word_at):
            return pointed[-1].item_ids, Span(pointed[-1].span.start, span.end)
        if pointed and _IN_ONE_BREATH.fullmatch(draft.rest, pointed[-1].span.end, comparison.word_at):
            return pointed[-1].item_ids, span  # what is said of it besides is read elsewhere
        return draft.it(), span

    def _named(self, draft: Draft, at: int) -> tuple[tuple[ItemId, ...], int] | None:
        article = _ARTICLE.match(draft.rest, at)
        at = article.end() if article else at
        text = draft.rest[at : at + _LONGEST_TITLE_CHARS]
        words = split_words(text)
        for n, item_ids in self._titles.longest_at(words, 0) if words else ():
            end = at + words[n - 1].end
            same_year = re.match(r"\s*\((\d{4})\)", draft.rest[end:])
            if same_year:
                of_year = self._titles.of_year(item_ids, int(same_year[1]))
                return of_year or item_ids, end + same_year.end()
            return item_ids, end
        for reference in references_to(draft.in_view(), text, it=draft.it()):
            if not reference.span.start:
                return reference.item_ids, at + reference.span.end
        return None

    def _liked_before(self, draft: Draft, start: int) -> tuple[tuple[ItemId, ...], int] | None:
        """The items that "like X but newer" compares with, and where the words for them end."""
        match = _LIKENESS.search(draft.rest[:start])
        named = self._named(draft, match.end()) if match else None
        return named if named and named[0] and named[1] <= start else None

    def _bound(self, profile: Profile, comparison: _Comparison, values: Sequence[float]) -> Constraint:
        """Beyond all of the items if anything is, else beyond as many as can be."""
        demanding = sorted(set(values), reverse=comparison.direction == "more")
        constraints = [
            Constraint(comparison.field, "$gt" if comparison.direction == "more" else "$lt", value)
            for value in demanding
        ]
        return next(
            (c for c in constraints if self._leaves_any(profile, c, beside=(comparison.field,))), constraints[0]
        )

    def _leaves_any(self, profile: Profile, constraint: Constraint, *, beside: Sequence[str]) -> bool:
        """Whether something new satisfies `constraint` and what was demanded of fields not in `beside`."""
        others = (e.constraint for e in profile.constraints if e.constraint.field not in beside)
        mask = self._columns.mask([constraint, *others])
        gone = [entry.item_id for entry in (*profile.shown, *profile.seen, *profile.disliked)]
        mask[self._catalogue.positions(gone)] = False
        return bool(mask.any())

    def _value(self, item_id: ItemId, field: str) -> int | float | None:
        value = self._catalogue[item_id].facts.get(field)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def _turn_away(self, draft: Draft, match: re.Match[str]) -> None:
        quality = next(word for word in match.groups() if word)
        key = fold(quality)
        if key in FILLERS or key in FOLLOWERS:
            return
        phrase = squeeze(match.group())
        draft.act("critique", draft.shown_last(), about=phrase)
        draft.cut(Span(*match.span()))
        draft.said = True
        draft.profile = _without_wishes_of(draft.profile, key)
        excluded = self._excluded(key)
        if excluded:
            draft.profile = add_constraints(
                draft.profile, excluded, turn=draft.turn, refines=True, fields=self._catalogue.fields
            )
            draft.note("without", phrase=phrase, values=draft.words.either([str(c.value) for c in excluded]))
        elif key in OPPOSITES:
            wish = OPPOSITES[key]
            draft.profile = add_wish(draft.profile, wish, turn=draft.turn, refines=True)
            draft.note("instead_of", phrase=phrase, wish=wish)
            draft.unmet.append(Unmet(phrase, wish, is_met=True))
        else:
            draft.unmet.append(Unmet(phrase, f"not {quality}"))

    def _excluded(self, quality: str) -> tuple[Constraint, ...]:
        """Conditions against the values that the quality names or speaks of."""
        for value in (quality, *IMPLIED.get(quality, ())):
            if self._grammar.names_value(value):
                readings = self._grammar.read(f"not {value}")
                found = tuple(c for reading in readings for c in reading.constraints if c.op == "$ne")
                if found:
                    return found
        return ()


def _without_wishes_of(profile: Profile, quality: str) -> Profile:
    """Without the wishes whose words would go on attracting what is now unwanted."""
    kept = tuple(w for w in profile.wishes if all(word.key != quality for word in split_words(w.text)))
    return replace(profile, wishes=kept)


def _patterns(catalogue: Catalogue) -> Iterator[tuple[str, Direction, str, re.Pattern[str]]]:
    """Field, direction, what to call it (the typed words where empty), and how it is said."""
    numbers = [field.name for field in catalogue.fields.values() if field.kind == "number"]
    for dimension in DIMENSIONS:
        field = field_of(dimension, catalogue)
        if field:
            yield field, "more", dimension.more[0], _pattern(dimension.more, dimension.much, dimension.little)
            yield field, "less", dimension.less[0], _pattern(dimension.less, dimension.little, dimension.much)
    for name in numbers:
        own = re.escape(name.replace("_", " "))
        for direction, words in _AMOUNTS.items():
            yield name, direction, "", _compiled(rf"(?P<word>(?:{words})\s+{own}s?)\b")


def _unmeasured(catalogue: Catalogue) -> Iterator[re.Pattern[str]]:
    """How more or less is asked for of what this catalogue does not record."""
    for dimension in DIMENSIONS:
        if not dimension.is_mood and not field_of(dimension, catalogue):
            yield _compiled(rf"(?P<word>{one_of([*dimension.more, *dimension.less])})")


_AMOUNTS: Mapping[Direction, str] = {"more": "more|higher|greater|bigger", "less": "less|fewer|lower|smaller"}


def _pattern(wanted: Sequence[str], much: Sequence[str], little: Sequence[str]) -> re.Pattern[str]:
    """Asks for more where `wanted` says so, where there is too `little`, not enough `much`, or less `little`."""
    small, great = one_of([re.escape(word) for word in little]), one_of([re.escape(word) for word in much])
    return _compiled(
        rf"(?P<word>{one_of(list(wanted))}|(?<!not\s)too\s+{small}|less\s+{small}|not\s+(?:so|as)\s+{small}|not\s+(?:\w+\s+)?{great}\s+enough)"
    )


def _compiled(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_LEAD}\b{word}(?:(?P<than>{_THAN})|(?:\s+for\s+(?:me|us))?(?:\s+(?:one|ones))?{_END})", re.IGNORECASE
    )


def names_quality(text: str) -> bool:
    """Whether `text` criticises or asks for a quality, whatever the catalogue measures: "too slow", "funnier"."""
    return _UNWANTED.search(text) is not None or _WANTED.search(text) is not None
