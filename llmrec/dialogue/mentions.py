"""Titles inside a sentence, and how the user stands to each: liked, disliked, seen, asked for."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from llmrec.dialogue.cues import KIND, Cue, CueKind, find_cues, last_before, twist_after, verdict_after
from llmrec.dialogue.lexicon import ARTICLES, FILLERS, FOLLOWERS, PRONOUNS
from llmrec.dialogue.reading import Mention, Mentions, Missing
from llmrec.dialogue.spelling import capitals_go_on, case_speaks, is_clear, starts_with_year, widen
from llmrec.dialogue.title_index import CLOSE_ENOUGH, TitleIndex
from llmrec.dialogue.words import Span, Word, fold, mask, split_words

_MAX_FUZZY = 6  # look-ups by likeness in one message: each walks over all titles
_LOWER_CASE_CLOSENESS = 0.9
_MIN_FUZZY_CHARS = 5
_WORTH_NAMING = 0.68  # likeness below which the nearest title would be a joke
_CONNECTOR = re.compile(
    r"\s*(?:,|&|\b(?:and|or|nor|plus|meets|as\s+well\s+as)\b|\s)*(?:both\s+|the\s+)?[\"']?\s*", re.IGNORECASE
)
_AND = re.compile(r"\s*,?\s*\b(?:and|or|meets)\s+", re.IGNORECASE)
_DIRECT = re.compile(
    rf"(?:[\s,:\"']|\b(?:the|a|an|both|all|any|of|watching|reading|playing|seeing|called|named|original|classic|either|{KIND})\b)*",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[.;!?\n]|\b(?:but|though|although|however|except)\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"\s*([^\"\n]{1,100}?)\s*\"|(?<!\w)'([^'\n]{2,100})'(?!\w)")
_CAPITAL = r"(?:[^\W\d_a-zß-ÿ]|\d)[\w'.:-]*"
_CAPITAL_PHRASE = re.compile(
    rf"(?!\d+(?:'?s)?\s+[a-z]|\d+\W*$){_CAPITAL}(?:\s+(?:(?:of|the|and|in|a|to|for|on|with|from|at|de|la)\s+){{0,2}}{_CAPITAL}){{0,9}}"
)
_NEGATION = re.compile(r"\b(?:no|not|never|nothing|without|enough)\b|n't\b", re.IGNORECASE)
_NUMBER_TITLE = re.compile(r"\d+(?![\w'-])")
_LOWER_PHRASE = re.compile(r"[^\W\d_][\w'-]*(?:\s+[\w'-]+){0,5}")


class MentionFinder:
    """Finds the titles of one catalogue in messages."""

    def __init__(self, titles: TitleIndex, *, is_value: Callable[[str], bool]) -> None:
        """Look in `titles`; what `is_value` knows as the value of a fact ("drama") is a title only by clear signs."""
        self._titles = titles
        self._is_value = is_value

    def find(self, text: str, *, references: Sequence[Mention] = ()) -> Mentions:
        """Everything `text` names, in order.

        Args:
            text: A message that has been through `words.clean`.
            references: Places of `text` that point at items; kept where the user says something of them.
        """
        return _Reader(self._titles, self._is_value, text).read(references)


class _Reader:
    """Reads one message; lives as long as one call of `find`."""

    def __init__(self, titles: TitleIndex, is_value: Callable[[str], bool], text: str) -> None:
        self._titles = titles
        self._is_value = is_value
        self._text = text
        self._words = split_words(text)
        self._case_speaks = case_speaks(self._words)
        self._fuzzy_left = _MAX_FUZZY
        self._missing: list[Missing] = []

    def read(self, references: Sequence[Mention]) -> Mentions:
        quoted = list(self._quoted())
        taken = [span for span, _ in quoted]
        self._cues = find_cues(mask(self._text, taken))
        merged = [self._with_stance(mention) for _, mention in quoted if mention]
        merged += self._scan(taken)
        merged += self._objects([*taken, *(m.span for m in [*merged, *references])])
        merged += self._listed(merged)
        merged = sorted(merged, key=lambda m: m.span.start)
        pointed: list[Mention] = []
        for reference in references:
            pointed.append(self._pointed(reference, merged, pointed[-1] if pointed else None))
        named = self._whole_message(tuple(merged))
        found = sorted([*named, *(m for m in pointed if m.stances and m.item_ids)], key=lambda m: m.span.start)
        missing = [replace(m, cut=self._cut_of_missing(m, merged)) for m in self._missing]
        aimless = tuple(m.cut or m.span for m in pointed if not m.item_ids)
        return Mentions(tuple(found), tuple(missing), aimless)

    def _cut_of_missing(self, missing: Missing, named: Sequence[Mention]) -> Span | None:
        before = [m for m in named if m.span.end <= missing.span.start]
        return self._with_stance(Mention(missing.span, (), missing.text), before[-1] if before else None).cut

    def _pointed(self, reference: Mention, named: Sequence[Mention], previous: Mention | None) -> Mention:
        """The reference with its stance; "it" is what was named or pointed at last before it, here or not."""
        absent = [Mention(missing.span, (), missing.text) for missing in self._missing]
        pointed = [previous] if previous is not None else []
        before = [m for m in (*named, *absent, *pointed) if m.span.end <= reference.span.start]
        if before and not reference.plural and fold(reference.text) == "it":
            reference = replace(reference, item_ids=max(before, key=lambda m: m.span.end).item_ids)
        return self._with_stance(reference, previous)

    def _quoted(self) -> Iterator[tuple[Span, Mention | None]]:
        for match in _QUOTED.finditer(self._text):
            inner = match[1] or match[2]
            if not inner.strip() or self._is_value(inner):
                continue
            yield Span(*match.span()), self._resolve(inner, Span(*match.span()), at_least=0.0)

    def _resolve(self, typed: str, span: Span, *, at_least: float) -> Mention | None:
        """The mention `typed` stands for; a title that is not here is remembered as missing."""
        if self._fuzzy_left <= 0:
            return None
        self._fuzzy_left -= 1
        match = self._titles.resolve(typed)
        if match.is_close and match.score >= at_least:
            return Mention(span, match.item_ids, typed, exact=match.exact)
        if not at_least:
            self._missing.append(Missing(typed, match.item_ids if match.score >= _WORTH_NAMING else (), span))
        return None

    def _scan(self, taken: Sequence[Span]) -> Iterator[Mention]:
        at, end, previous = 0, 0, None
        while at < len(self._words):
            word = self._words[at]
            mention = None
            if word.start >= end and not any(span.start <= word.start < span.end for span in taken):
                mention = self._at(at, previous)
            if mention is None:
                at += 1
                continue
            yield mention
            previous, end = mention, mention.span.end
            at += 1

    def _at(self, at: int, previous: Mention | None) -> Mention | None:
        for n, item_ids in self._titles.longest_at(self._words, at):
            words = self._words[at : at + n]
            mention = self._with_stance(widen(self._text, words, item_ids, self._titles), previous)
            if self._is_meant(words, mention):
                return mention
        return None

    def _with_stance(self, mention: Mention, previous: Mention | None = None) -> Mention:
        start, end = mention.span.start, mention.span.end
        position = last_before(self._cues, start)
        if position is not None and self._is_object(self._cues[position], start):
            return self._governed(mention, position)
        joined = previous is not None and _CONNECTOR.fullmatch(self._text, previous.span.end, start) is not None
        verdict = verdict_after(self._text, end)
        if verdict is not None:
            # "Seen it, it was great" knows it too; "loved Alien, Heat was dull" says something else of Heat.
            seen: tuple[CueKind, ...] = ("seen",) if joined and previous and "seen" in previous.stances else ()
            return replace(mention, stances=(*seen, verdict[0]), cut=Span(start, verdict[1]))
        if joined and previous is not None and previous.stances:
            return replace(mention, stances=previous.stances, cut=previous.cut and Span(previous.span.end, end))
        following = self._first_after(end)
        if following is not None and self._closes(following, end):
            return replace(mention, stances=(following.kind,), cut=Span(start, following.span.end))
        return self._loosely(mention, position)

    def _first_after(self, place: int) -> Cue | None:
        position = bisect_left(self._cues, place, key=lambda cue: cue.span.start)
        return self._cues[position] if position < len(self._cues) else None

    def _is_object(self, cue: Cue, start: int) -> bool:
        if cue.weak and "," in self._text[cue.span.end : start]:
            return False  # "no, the second one" wants the second one
        return _DIRECT.fullmatch(self._text, cue.span.end, start) is not None

    def _governed(self, mention: Mention, position: int) -> Mention:
        cue = self._cues[position]
        first, stances = position, [cue.kind]
        while first and not self._text[self._cues[first - 1].span.end : self._cues[first].span.start].strip():
            first -= 1
            stances.append(self._cues[first].kind)
        end = mention.span.end
        end += 2 if self._text[end : end + 2].casefold() == "'s" else 0
        cut = None if cue.kind == "request" else Span(self._cues[first].span.start, end)
        return replace(mention, stances=tuple(dict.fromkeys(stances)), cut=cut)

    def _closes(self, cue: Cue, end: int) -> bool:
        """Whether `cue` speaks of what stands before it: "Heat I have seen"."""
        if cue.weak or cue.kind == "request" or self._text[end : cue.span.start].strip(" ,-"):
            return False
        return (
            re.match(r"\s*(?:$|[.,;!?\n]|(?:and|but|already|too|before|it)\b)", self._text[cue.span.end :]) is not None
        )

    def _loosely(self, mention: Mention, position: int | None) -> Mention:
        if position is None:
            return mention
        cue = self._cues[position]
        gap = self._text[cue.span.end : mention.span.start]
        if cue.weak or cue.kind == "request" or _BREAK.search(gap):
            return mention
        return replace(mention, stances=(cue.kind,))

    def _is_meant(self, words: Sequence[Word], mention: Mention) -> bool:
        with_year = mention.span.end > words[-1].end or starts_with_year(mention.text)
        if with_year:
            return True
        text = " ".join(word.text for word in words)
        if self._is_value(text) or text.isdigit() or words[-1].key == "i":
            return False
        if self._case_speaks and capitals_go_on(self._text, words):
            return False
        if is_clear(self._text, words, mention.span, case_speaks=self._case_speaks):
            return True
        return mention.cut is not None and self._governable(words, mention)

    def _governable(self, words: Sequence[Word], mention: Mention) -> bool:
        """Whether a title without capitals may be the object of the verb that governs it."""
        cue = self._first_after(mention.cut.start) if mention.cut else None
        if cue is not None and mention.cut and cue.span.start == mention.cut.start and cue.weak:
            return False
        if all(word.key in PRONOUNS for word in words):
            return False
        if words[0].text[:1].isupper() or len(words) > 1:
            return True
        after = re.match(r"\s+([^\W_][\w']*)", self._text[mention.span.end :])
        return after is None or after[1].casefold() in FOLLOWERS

    def _objects(self, taken: Sequence[Span]) -> Iterator[Mention]:
        """Objects of clear verbs that no title was found in: misspelt titles, and titles that are not here."""
        for cue in self._cues:
            if cue.weak or cue.kind == "request":
                continue
            start = _DIRECT.match(self._text, cue.span.end)
            at = start.end() if start else cue.span.end
            at -= 4 if self._text[at - 4 : at] == "The " else 0
            if not any(span.start <= at < span.end or cue.span.end <= span.start <= at for span in taken):
                mention = self._object(at)
                if mention is not None:
                    yield self._with_stance(mention)

    def _listed(self, known: Sequence[Mention]) -> Iterator[Mention]:
        """Capitalised names joined by "and" to a judged title: "I loved Alien and Xanadu"."""
        for mention in known:
            joint = _AND.match(self._text, mention.span.end)
            if joint is None or not mention.stances or any(m.span.start <= joint.end() < m.span.end for m in known):
                continue
            if self._text[joint.end() : joint.end() + 1].isupper():
                other = self._object(joint.end())
                if other is not None:
                    yield self._with_stance(other, mention)

    def _object(self, at: int) -> Mention | None:
        capital = _CAPITAL_PHRASE.match(self._text, at)
        is_name = capital and self._case_speaks and not re.match(r"I\b", capital.group())
        if capital and is_name and not self._has_value(capital.group()):
            return self._capital_object(capital.group().rstrip(".:-"), at)
        number = _NUMBER_TITLE.match(self._text, at)
        if number:
            return self._resolve(number.group(), Span(*number.span()), at_least=1.0)
        lower = _LOWER_PHRASE.match(self._text, at)
        if lower is None:
            return None
        words = list(takewhile(lambda word: word.key not in {*FOLLOWERS, *PRONOUNS}, split_words(lower.group())))
        typed = lower.group()[: words[-1].end] if words else ""
        if len(typed) < _MIN_FUZZY_CHARS or self._has_value(typed):
            return None
        return self._resolve(typed, Span(at, at + len(typed)), at_least=_LOWER_CASE_CLOSENESS)

    def _capital_object(self, typed: str, at: int) -> Mention | None:
        first = re.split(r"\s+(?:and|or)\s+", typed, maxsplit=1)[0]
        if first != typed:
            whole = self._resolve(typed, Span(at, at + len(typed)), at_least=CLOSE_ENOUGH)
            if whole is not None:
                return whole
        return self._resolve(first, Span(at, at + len(first)), at_least=0.0)

    def _has_value(self, text: str) -> bool:
        return self._is_value(text) or any(self._is_value(word.text) for word in split_words(text))

    def _whole_message(self, found: tuple[Mention, ...]) -> tuple[Mention, ...]:
        """Titles and nothing else are liked titles; a title in a question of another kind is only asked for."""
        if any(m.stances for m in found):
            return found
        if not found and self._words and (len(self._words) > 1 or self._words[0].text[:1].isupper()):
            found = tuple(self._only_title())
        rest = split_words(mask(self._text, (m.span for m in found)))
        if found and all(word.key in {"and", "or", "please"} for word in rest):
            return tuple(replace(m, stances=("liked",), cut=m.span) for m in found)
        # "Anything but Heat again": what is said of a title is not understood, so nothing is believed of it.
        if found and (twisted := twist_after(self._text, found[0].span.end)) is not None:
            first = replace(found[0], stances=("liked",), cut=Span(found[0].span.start, twisted))
            return (first, *(replace(m, stances=("liked",), cut=m.span) for m in found[1:]))
        silent = self._text.rstrip().endswith("?") or _NEGATION.search(self._text) is not None
        return found if silent else tuple(replace(m, stances=("liked",)) for m in found)

    def _only_title(self) -> Iterator[Mention]:
        first = 1 if self._words[0].key in ARTICLES and len(self._words) > 1 else 0
        for n, item_ids in self._titles.longest_at(self._words, first):
            words = self._words[first : first + n]
            mention = widen(self._text, words, item_ids, self._titles)
            value = self._is_value(mention.text) or all(word.key in FILLERS for word in words)
            if not value and not split_words(self._text[mention.span.end :]):
                yield mention
                return
