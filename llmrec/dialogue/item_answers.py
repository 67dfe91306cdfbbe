"""What the record of an item answers to a question, and that it does not say where it does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from statistics import median

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.named_items import Named, NamedItems
from llmrec.dialogue.question_topics import MAKERS, Topic
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import clean, fold, singular, split_words
from llmrec.dialogue.years import year_field
from llmrec.types import Constraint, FactValue, Item, ItemId

_MAX_TOLD_CHARS = 240
_MAX_TITLES = 3
_MIN_WORD = 4
_QUANTITY = re.compile(r"^\W*(?:(?:they|it|all|any|both|each|either|of|these|those|them)\b\s*)+", re.IGNORECASE)
_NAME = re.compile(r"\b[A-ZÀ-Þ][a-zß-ÿ]+(?:\s+[A-ZÀ-Þ][\w'-]*)*")


class ItemAnswers:
    """Answers about items of one catalogue; what is told goes into the draft."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, grammar: ConstraintGrammar, named: NamedItems) -> None:
        """Know which fields answer what."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = grammar
        self._named = named
        self._years = year_field(catalogue)
        self._medians = {
            field.name: median(_numbers(catalogue, field.name))
            for field in catalogue.fields.values()
            if field.kind == "number"
        }

    def topic(self, draft: Draft, topic: Topic, asked: str, item: Item) -> bool:
        """Tell the fact that `topic` is about, else what the description says of it; False where neither does."""
        if topic.message == "told":
            return self.description(draft, item)
        name = self.field(topic)
        value = item.facts.get(name) if name else None
        if topic.message == "from_year" and value is None:
            value = self._titles.year_of(item.id)
        if value is None:
            return self._quote(draft, topic, item)
        message = self._compared(name, value, asked) if topic.message == "length" else topic.message
        self._say(draft, message, item, field=name.replace("_", " "), value=_shown(value))
        return True

    def field(self, topic: Topic) -> str:
        """The field of this catalogue that answers `topic`; empty where none does."""
        if topic.message == "from_year":
            return self._years.name if self._years else ""
        by_word: dict[str, str] = {}
        for name in self._catalogue.fields:
            for word in re.split(r"[\W_]+", name):
                by_word.setdefault(singular(fold(word)), name)
        return next((by_word[word] for word in topic.fields if word in by_word), "")

    def whether(self, draft: Draft, what: str, item: Item) -> bool:
        """Answer by yes or no whether `what` is so, else tell a description with its words; False for neither."""
        what = _QUANTITY.sub("", self._without_title(what))
        constraints = [c for reading in self._grammar.read(what) for c in reading.constraints]
        if constraints and all(item.facts.get(c.field) is not None for c in constraints):
            wrong = [c for c in constraints if not matches(item, c)]
            self._confirm(draft, item, (wrong or constraints)[0], is_so=not wrong)
            return True
        said = {word.key for word in split_words(item.description)} - {word.key for word in split_words(item.title)}
        if any(word.key in said and len(word.key) >= _MIN_WORD for word in split_words(what)):
            return self.description(draft, item)
        return False

    def description(self, draft: Draft, item: Item) -> bool:
        """Tell the beginning of its description; False where it has none."""
        if item.description:
            self._say(draft, "told", item, value=_clipped(item.description))
        return bool(item.description)

    def others(self, draft: Draft, topic: Topic, item: Item) -> bool:
        """Tell which other items share what `topic` is about; False where that is not recorded."""
        name = self.field(topic)
        fact = item.facts.get(name) if name else None
        if fact is None:
            return False
        wanted = set(fact) if isinstance(fact, tuple) else {fact}
        others = [
            other.title for other in self._catalogue.values() if other.id != item.id and _has(other, name, wanted)
        ]
        key = "others_with" if others else "no_others_with"
        titles = draft.words.both(others[:_MAX_TITLES])
        draft.note(key, field=_words(name), value=_shown(fact), titles=titles)
        return True

    def correct(self, draft: Draft, named: Named, *, asks_year: bool) -> None:
        """Say what is not so of what was put to a title: "the 1997 comedy Alien".

        A year after the title is no claim where the question `asks_year`: "is Alien from 1997?".
        """
        item = self._catalogue[named.item_ids[0]]
        year = self._titles.year_of(item.id)
        claimed = named.year_before or (None if asks_year else named.year_after)
        if claimed is not None and year is not None and year != claimed:
            self._say(draft, "not_from_year", item, value=year, said=claimed)
        for reading in self._grammar.read(named.said):
            for constraint in reading.constraints:
                is_year = self._years is not None and constraint.field == self._years.name
                if not is_year and item.facts.get(constraint.field) is not None and not matches(item, constraint):
                    self._confirm(draft, item, constraint, is_so=False)
        name = self.field(MAKERS)
        if name in item.facts and any(not self._grammar.names_value(m) for m in _NAME.findall(named.said)):
            self._say(draft, "is_not_so", item, field=_words(name), value=_shown(item.facts[name]))

    def unknown(self, draft: Draft, item_ids: Sequence[ItemId]) -> None:
        """Say that the catalogue does not say that of these items."""
        titles = [self._catalogue[item_id].title for item_id in item_ids[:_MAX_TITLES]]
        if titles:
            draft.note("not_said", title=draft.words.both(titles))

    def _confirm(self, draft: Draft, item: Item, constraint: Constraint, *, is_so: bool) -> None:
        name, value = constraint.field, item.facts[constraint.field]
        if isinstance(value, bool):
            self._say(
                draft, ("is" if is_so else "is_not") + ("_flag" if value else "_no_flag"), item, field=_words(name)
            )
        else:
            self._say(draft, "is_so" if is_so else "is_not_so", item, field=_words(name), value=_shown(value))

    def _quote(self, draft: Draft, topic: Topic, item: Item) -> bool:
        """Tell what the description says where no fact does."""
        said = re.search(rf"[^.]*?(?:{topic.told})[^.]*", item.description) if topic.told else None
        if said:
            self._say(draft, "told", item, value=f"{_clipped(said.group().strip())}.")
        return said is not None

    def _compared(self, name: str, value: FactValue, asked: str) -> str:
        is_number = isinstance(value, (int, float)) and name in self._medians
        if not is_number or not asked.casefold().startswith("is ") or value == self._medians[name]:
            return "fact"
        return "longer" if float(str(value)) > self._medians[name] else "shorter"

    def _without_title(self, what: str) -> str:
        """`what` without the titles in it and what is put to them."""
        for _ in range(_MAX_TITLES):
            named = self._named.first(what)
            if named is None:
                break
            what = f"{what[: named.span.start]} {what[named.span.end :]}"
        return what

    def _say(self, draft: Draft, message: str, item: Item, **slots: object) -> None:
        draft.note(message, title=item.title, **slots)


def _numbers(catalogue: Catalogue, name: str) -> Sequence[float]:
    values = (item.facts.get(name) for item in catalogue.values())
    return [float(value) for value in values if isinstance(value, (int, float))]


def _has(item: Item, field: str, wanted: Collection[object]) -> bool:
    fact = item.facts.get(field)
    return any(value in wanted for value in (fact if isinstance(fact, tuple) else (fact,)))


def _words(field: str) -> str:
    return field.replace("_", " ")


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
