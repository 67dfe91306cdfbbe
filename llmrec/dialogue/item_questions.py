"""Questions about an item: "who is in it?", "is it long?", answered from its record or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.data.where import matches
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.references import references_to_shown
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, fold, one_of, singular, split_words
from llmrec.dialogue.years import year_field
from llmrec.types import FactValue, Item, ItemId, Profile

_MAX_ANSWERED = 3
_MAX_QUESTIONS = 5
_MAX_TOLD_CHARS = 240
_CLAUSE = r"[^.,;!?\n\x00]*"
_SUBJECT = r"(?:it|this|that|they|he|she)"
_CAPITALS = re.compile(r"[A-ZÀ-Þ][\w'-]*(?:\s+(?:(?:of|the|and|in|a)\s+)?[A-ZÀ-Þ0-9][\w'-]*)*")
_CALLED_IT = re.compile(r"\b(?:it|that|this)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Topic:
    """A kind of question: how it is asked, what facts answer it (words of field names), and the message that tells."""

    asked: re.Pattern[str]
    fields: tuple[str, ...]
    message: str


def _topic(asked: str, fields: str, message: str = "fact") -> _Topic:
    return _Topic(re.compile(asked, re.IGNORECASE), tuple(fields.split()), message)


_IS = r"\bis\s+(?:\w+\s+){1,4}?(?:very\s+|too\s+|really\s+|that\s+)?"
_MADE = "director author writer artist maker manufacturer brand developer creator publisher composer designer studio"
_TOPICS: tuple[_Topic, ...] = (
    _topic(rf"\bwho(?:'s|\s+is|\s+was|\s+are)?\s+(?:in|starring)\b{_CLAUSE}|\bwho\s+(?:stars|acts|plays)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+actors?\b{_CLAUSE}|\bwhat(?:'s|\s+is)\s+the\s+cast\b{_CLAUSE}",
           "cast star starring actor actress performer player", "people"),
    _topic(rf"\bwho\s+directed\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+the\s+director\b{_CLAUSE}", "director"),
    _topic(rf"\bwho\s+wrote\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+(?:the\s+(?:author|writer)|{_SUBJECT}\s+by)\b{_CLAUSE}",
           "author writer screenwriter"),
    _topic(rf"\bwho\s+(?:made|makes|created|developed|published|produced|composed|sings|painted|designed)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+brand\b{_CLAUSE}", _MADE),
    _topic(rf"\bhow\s+long\b(?!\s+ago){_CLAUSE}|\bhow\s+many\s+(?:minutes|hours|pages)\b{_CLAUSE}"
           rf"|{_IS}(?:long|short)\b(?=\s*(?:$|[?.,]))",
           "runtime duration minute length page", "length"),
    _topic(rf"\bwhen\s+(?:is|was|were|did)\b{_CLAUSE}|\b(?:what|which)\s+year\b{_CLAUSE}|\bhow\s+old\s+is\b{_CLAUSE}"
           rf"|{_IS}(?:old|new|recent)\b(?=\s*(?:$|[?.,]))", "year", "from_year"),
    _topic(rf"\bhow\s+(?:much|expensive)\s+(?:is|are|does|do|would)\b{_CLAUSE}"
           r"|\bwhat\s+(?:does|do|would)\s+(?:\w+\s+){1,6}?cost\b"
           rf"|\bwhat(?:'s|\s+is)\s+(?:the|its)\s+(?:price|cost)\b{_CLAUSE}"
           rf"|{_IS}(?:expensive|cheap)\b(?=\s*(?:$|[?.,]))", "price cost", "cost"),
    _topic(r"\bwhat(?:'s|\s+is|\s+are|\s+was)\s+(?:\w+\s+){1,6}?about\b(?=\s*(?:$|[?.,!]))"
           rf"|\bwhat\s+happens\s+in\b{_CLAUSE}|\btell\s+me\s+(?:more\s+)?about\b{_CLAUSE}"
           rf"|\bmore\s+about\s+(?:it|that|this|the\s+\w+)\b{_CLAUSE}", "", "told"),
    _topic(rf"\bis\s+(?:it|this|that)\s+any\s+good\b|\bhow\s+(?:good|well\s+rated)\s+is\b{_CLAUSE}"
           rf"|\bwhat\s+rating\b{_CLAUSE}", "rating score star"),
)  # fmt: skip
_IS_IT = re.compile(
    r"(?:^|(?<=[.,;!?\n\x00])|\b(?:and|but|so|or))\s*(?:is|was|are)\s+(?!there\b)(?P<what>[^.,;!?\n\x00]{2,90})\?",
    re.IGNORECASE,
)


class ItemQuestions:
    """Answers what is asked about items of one catalogue."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, grammar: ConstraintGrammar) -> None:
        """Know which fields answer what."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = grammar
        self._years = year_field(catalogue)
        self._own = _own_fields(catalogue.fields)
        self._medians = {
            field.name: median(_numbers(catalogue, field.name))
            for field in catalogue.fields.values()
            if field.kind == "number"
        }

    def read(self, draft: Draft) -> None:
        """Answer every question of the message that is about an item; the words of the question are understood."""
        for topic in _TOPICS:
            for match in topic.asked.finditer(draft.rest):
                self._answer(draft, match, partial(self._tell, draft, topic, match))
        for match in self._own.finditer(draft.rest) if self._own else ():
            self._answer(draft, match, partial(self._tell, draft, _named(match["field"]), match))
        for match in _IS_IT.finditer(draft.rest):
            self._answer(draft, match, partial(self._tell_whether, draft, match["what"]))

    def _answer(self, draft: Draft, match: re.Match[str], tell: Callable[[Item], None]) -> None:
        n_answered = sum(act.kind == "question" for act in draft.acts)
        if n_answered >= _MAX_QUESTIONS or any(Span(*match.span()).overlaps(cut) for cut in draft.cuts):
            return
        item_ids, named = self._subject(draft, match)
        if not item_ids and not named:
            return
        for item_id in item_ids[:_MAX_ANSWERED]:
            tell(self._catalogue[item_id])
        draft.act("question", item_ids[:_MAX_ANSWERED], about=match.group().strip())
        draft.cut(Span(*match.span()))

    def _subject(self, draft: Draft, match: re.Match[str]) -> tuple[tuple[ItemId, ...], str]:
        """The items a question is about, and the name it gives to one that is not here."""
        clause = match.group()
        titled = self._titled(clause)
        if titled:
            return titled, ""
        pointed = [m for m in references_to_shown(clause, draft.profile) if not _CALLED_IT.fullmatch(m.text)]
        pointed = pointed or [
            m
            for m in references_to_shown(draft.text[: match.start()], draft.profile)
            if not _CALLED_IT.fullmatch(m.text)
        ]
        if pointed:
            return pointed[-1].item_ids, ""
        earlier = self._titled(draft.text[: match.start()])
        if earlier:
            return earlier, ""
        missing = None if _CALLED_IT.search(clause) else _CAPITALS.search(clause, 1)
        if missing and missing.group() != "I" and not self._grammar.names_value(missing.group()):
            self._say_missing(draft, missing.group())
            return (), missing.group()
        return (draft.shown_last(), "") if _CALLED_IT.search(clause) or len(split_words(clause)) <= 4 else ((), "")

    def _titled(self, text: str) -> tuple[ItemId, ...]:
        words = split_words(text)
        for at in range(len(words)):
            for n, item_ids in self._titles.longest_at(words, at):
                some = words[at : at + n]
                capital = some[0].text[:1].isupper() or some[-1].text[:1].isupper()
                if (n > 1 or capital) and not self._grammar.names_value(" ".join(word.text for word in some)):
                    year = re.match(r"\s*\((\d{4})\)", text[some[-1].end :])
                    return (self._titles.of_year(item_ids, int(year[1])) if year else ()) or item_ids
        return ()

    def _say_missing(self, draft: Draft, typed: str) -> None:
        found = self._titles.resolve(typed)
        if found.is_close:
            draft.note("missing_nearest", typed=typed, title=self._catalogue[found.item_ids[0]].title)
        else:
            draft.note("missing", typed=typed)

    def _tell(self, draft: Draft, topic: _Topic, asked: re.Match[str], item: Item) -> None:
        if topic.message == "told":
            self._tell_of(draft, item)
            return
        name = self._field(topic)
        value = item.facts.get(name) if name else None
        if topic.message == "from_year" and value is None:
            value = self._titles.year_of(item.id)
        if value is None:
            self._unknown(draft, item)
            return
        message = self._compared(name, value, asked) if topic.message == "length" else topic.message
        self._say(draft, message, item, field=name.replace("_", " "), value=_shown(value))

    def _field(self, topic: _Topic) -> str:
        if topic.message == "from_year":
            return self._years.name if self._years else ""
        by_word: dict[str, str] = {}
        for name in self._catalogue.fields:
            for word in re.split(r"[\W_]+", name):
                by_word.setdefault(singular(fold(word)), name)
        return next((by_word[word] for word in topic.fields if word in by_word), "")

    def _compared(self, name: str, value: FactValue, asked: re.Match[str]) -> str:
        is_number = isinstance(value, (int, float)) and name in self._medians
        if not is_number or not asked.group().casefold().startswith("is ") or value == self._medians[name]:
            return "fact"
        return "longer" if float(str(value)) > self._medians[name] else "shorter"

    def _tell_whether(self, draft: Draft, what: str, item: Item) -> None:
        constraints = [c for reading in self._grammar.read(what) for c in reading.constraints]
        facts = [item.facts.get(c.field) for c in constraints]
        if constraints and all(fact is not None for fact in facts):
            is_so = all(matches(item, c) for c in constraints)
            name = constraints[0].field
            self._say(
                draft, "is_so" if is_so else "is_not_so", item, field=name.replace("_", " "), value=_shown(facts[0])
            )
            return
        said = {word.key for word in split_words(item.description)} - {word.key for word in split_words(item.title)}
        if any(word.key in said and len(word.key) > 3 for word in split_words(what)):
            self._tell_of(draft, item)
            return
        self._unknown(draft, item)

    def _tell_of(self, draft: Draft, item: Item) -> None:
        if item.description:
            self._say(draft, "told", item, value=_clipped(item.description))
        else:
            self._unknown(draft, item)

    def _unknown(self, draft: Draft, item: Item) -> None:
        draft.note("not_said", title=item.title)

    def _say(self, draft: Draft, message: str, item: Item, **slots: object) -> None:
        draft.note(message, title=item.title, **slots)


def _pointed(text: str, profile: Profile) -> tuple[ItemId, ...]:
    """What the text points at last, "it" apart: that says nothing of its own."""
    found = [m for m in references_to_shown(text, profile) if not _CALLED_IT.fullmatch(m.text)]
    return found[-1].item_ids if found else ()


def _named(field: str) -> _Topic:
    return _Topic(re.compile(""), tuple(singular(fold(word)) for word in re.split(r"[\W_]+", field) if word), "fact")


def _own_fields(fields: Mapping[str, FactField]) -> re.Pattern[str] | None:
    """Questions that name a field: "what genre is it?", "what's its rating?", "in which language is it?"."""
    names = {fold(name.replace("_", " ")) for name in fields}
    words = sorted(names | {singular(name) for name in names})
    if not words:
        return None
    return re.compile(
        rf"\b(?:what|which|what's|whats)(?:\s+(?:is|are|was))?(?:\s+(?:its|the|kind\s+of|sort\s+of))?\s+(?P<field>{one_of(words)})s?\b{_CLAUSE}",
        re.IGNORECASE,
    )


def _numbers(catalogue: Catalogue, name: str) -> Sequence[float]:
    values = (item.facts.get(name) for item in catalogue.values())
    return [float(value) for value in values if isinstance(value, (int, float))]


def _shown(value: FactValue | None) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).casefold() if isinstance(value, bool) else str(value)


def _clipped(text: str) -> str:
    if len(text) <= _MAX_TOLD_CHARS:
        return text
    return f"{text[:_MAX_TOLD_CHARS].rsplit(' ', 1)[0]}..."


def asks_about_item(text: str) -> bool:
    """Whether `text` has the form of a question about an item, whatever the catalogue records."""
    return any(topic.asked.search(text) for topic in _TOPICS)
