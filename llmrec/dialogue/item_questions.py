"""Questions about an item: "who is in it?", "is it long?", answered from its record or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.dialogue.absence import asked_absence, asked_reason
from llmrec.dialogue.acts import is_question
from llmrec.dialogue.comparisons import Comparisons
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.question_topics import IS_IT, TOPICS, Topic, own_questions, topic_of_field
from llmrec.dialogue.reading import Mention
from llmrec.dialogue.references import asks_of_another, references_to
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, clean, fold, singular, split_words
from llmrec.dialogue.years import year_field
from llmrec.types import WHY, FactValue, Item, ItemId

_Told = Callable[[Item], None]

_MAX_ANSWERED = 3
_MAX_QUESTIONS = 5
_MAX_TOLD_CHARS = 240
_CAPITALS = re.compile(r"[A-ZÀ-Þ][\w'-]*(?:\s+(?:(?:of|the|and|in|a)\s+)?[A-ZÀ-Þ0-9][\w'-]*)*")
_CALLED_IT = re.compile(r"\b(?:it|that|this)\b", re.IGNORECASE)


class ItemQuestions:
    """Answers what is asked about items of one catalogue."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, grammar: ConstraintGrammar) -> None:
        """Know which fields answer what."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = grammar
        self._years = year_field(catalogue)
        self._comparisons = Comparisons(catalogue, titled=self._titled)
        self._own = own_questions(catalogue.fields)
        self._medians = {
            field.name: median(_numbers(catalogue, field.name))
            for field in catalogue.fields.values()
            if field.kind == "number"
        }

    def read(self, draft: Draft) -> None:
        """Answer every question of the message that is about an item; the words of the question are understood."""
        why = asked_absence(draft.text) or asked_reason(draft.text)
        if why and self._unknown_name(why):
            self._say_missing(draft, self._unknown_name(why))
            draft.act("question", about=draft.text)
            draft.cut(Span(0, len(draft.text)))
            return
        another = asks_of_another(draft.rest, draft.in_view())
        if another is not None:
            self._answer_of_another(draft, another)
            return
        self._comparisons.read(draft)
        for match, tell in self._asked(draft, draft.rest):
            self._answer(draft, match, tell)
        if is_question(draft.rest) and not draft.does("question"):
            self._admit(draft)

    def absent(self, draft: Draft) -> tuple[ItemId, ...]:
        """The item of the catalogue that the message misses, or wonders at though it was never shown.

        Several where their titles are one.
        """
        shown = {entry.item_id for entry in draft.profile.shown}
        never = tuple(item_id for item_id in self._titled(asked_reason(draft.text) or "") if item_id not in shown)
        return self._titled(asked_absence(draft.text)) or never

    def wondered_at(self, draft: Draft) -> tuple[ItemId, ...]:
        """The items of which the message wants to know why they were shown; none where it asks no such thing."""
        shown = {entry.item_id for entry in draft.profile.shown}
        asked = asked_reason(draft.text)
        if asked is None or not shown:
            another = asks_of_another(draft.text, draft.in_view()) if draft.asked_before == WHY else None
            return another.item_ids if another else ()
        named = self._titled(asked)
        if named or self._unknown_name(asked):
            return tuple(item_id for item_id in named if item_id in shown)
        return tuple(i for mention in _pointed(draft, asked) for i in mention.item_ids) or draft.it()

    def _asked(self, draft: Draft, text: str) -> Iterator[tuple[re.Match[str], _Told]]:
        """The questions in `text`, each with what answers it of an item."""
        for topic in TOPICS:
            for match in topic.asked.finditer(text):
                yield match, partial(self._tell, draft, topic, match)
        for match in self._own.finditer(text) if self._own else ():
            yield match, partial(self._tell, draft, topic_of_field(match["field"]), match)
        for match in IS_IT.finditer(text):
            yield match, partial(self._tell_whether, draft, match["what"] or match["claimed"])

    def _admit(self, draft: Draft) -> None:
        """Say that nothing answers what is asked of an item."""
        item_ids = self._titled(draft.rest) or tuple(i for m in _pointed(draft, draft.rest) for i in m.item_ids)
        if item_ids:
            for item_id in item_ids[:_MAX_ANSWERED]:
                self._unknown(draft, self._catalogue[item_id])
            draft.act("question", item_ids[:_MAX_ANSWERED], about=draft.text)
            draft.cut(Span(0, len(draft.text)))

    def _answer_of_another(self, draft: Draft, another: Mention) -> None:
        """Answer "and the second one?": what was asked last, else what there is to tell."""
        tells = [tell for _, tell in self._asked(draft, draft.asked_before)][:1] or [partial(self._tell_of, draft)]
        for item_id in another.item_ids[:_MAX_ANSWERED]:
            tells[0](self._catalogue[item_id])
        draft.act("question", another.item_ids[:_MAX_ANSWERED], about=draft.asked_before or draft.text)
        draft.cut(Span(0, len(draft.text)))

    def _answer(self, draft: Draft, match: re.Match[str], tell: _Told) -> None:
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
        pointed = _pointed(draft, clause)
        if pointed and not pointed[-1].item_ids:
            draft.note("no_such")
            return (), pointed[-1].text
        if pointed:
            return pointed[-1].item_ids, ""
        pointed = _pointed(draft, draft.text[: match.start()])
        if pointed:
            # "The second one, how long is it?" says nothing else; "the second one looks nice" does.
            draft.cut(pointed[-1].span if not split_words(draft.text[pointed[-1].span.end : match.start()]) else None)
            return pointed[-1].item_ids, ""
        earlier = self._titled(draft.text[: match.start()])
        if earlier:
            return earlier, ""
        missing = "" if _CALLED_IT.search(clause) else self._unknown_name(clause)
        if missing:
            self._say_missing(draft, missing)
            return (), missing
        return (draft.it(), "") if _CALLED_IT.search(clause) or len(split_words(clause)) <= 4 else ((), "")

    def _titled(self, text: str) -> tuple[ItemId, ...]:
        words = split_words(text)
        for at in range(len(words)):
            for n, item_ids in self._titles.longest_at(words, at):
                some = words[at : at + n]
                capital = any(_could_open_name(word.text) for word in (some[0], some[-1]))
                if (n > 1 or capital) and not self._grammar.names_value(" ".join(word.text for word in some)):
                    year = re.match(r"\s*\((\d{4})\)", text[some[-1].end :])
                    return (self._titles.of_year(item_ids, int(year[1])) if year else ()) or item_ids
        return ()

    def _unknown_name(self, text: str) -> str:
        """What looks like a name in `text`, its beginning apart, and is no value of the catalogue's."""
        found = _CAPITALS.search(text, 1)
        return found.group() if found and found.group() != "I" and not self._grammar.names_value(found.group()) else ""

    def _say_missing(self, draft: Draft, typed: str) -> None:
        found = self._titles.resolve(typed)
        if found.is_close:
            draft.note("missing_nearest", typed=typed, title=self._catalogue[found.item_ids[0]].title)
        else:
            draft.note("missing", typed=typed)

    def _tell(self, draft: Draft, topic: Topic, asked: re.Match[str], item: Item) -> None:
        if topic.message == "told":
            self._tell_of(draft, item)
            return
        name = self._field(topic)
        value = item.facts.get(name) if name else None
        if topic.message == "from_year" and value is None:
            value = self._titles.year_of(item.id)
        if value is None:
            self._quote(draft, topic, item)
            return
        message = self._compared(name, value, asked) if topic.message == "length" else topic.message
        self._say(draft, message, item, field=name.replace("_", " "), value=_shown(value))

    def _quote(self, draft: Draft, topic: Topic, item: Item) -> None:
        """What the description says where no fact does."""
        said = re.search(rf"[^.]*?(?:{topic.told})[^.]*", item.description) if topic.told else None
        if said:
            self._say(draft, "told", item, value=f"{_clipped(said.group().strip())}.")
        else:
            self._unknown(draft, item)

    def _field(self, topic: Topic) -> str:
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
        if constraints and all(item.facts.get(c.field) is not None for c in constraints):
            wrong = [c for c in constraints if not matches(item, c)]
            name = (wrong or constraints)[0].field
            message = "is_not_so" if wrong else "is_so"
            self._say(draft, message, item, field=name.replace("_", " "), value=_shown(item.facts[name]))
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


def _could_open_name(word: str) -> bool:
    """Whether `word` begins with a capital, or with a letter of a script that has none."""
    return word[:1].isupper() or (word[:1].isalpha() and word[:1].lower() == word[:1].upper())


def _pointed(draft: Draft, text: str) -> Sequence[Mention]:
    """What `text` points at, "it" apart: that says nothing of its own."""
    return [m for m in references_to(draft.in_view(), text) if not _CALLED_IT.fullmatch(m.text)]


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
    """The beginning of a description, on one line: what stands there is quoted, and gives no orders."""
    text = clean(text, max_chars=2 * _MAX_TOLD_CHARS).replace("\n", " ")
    if len(text) <= _MAX_TOLD_CHARS:
        return text
    return f"{text[:_MAX_TOLD_CHARS].rsplit(' ', 1)[0]}..."
