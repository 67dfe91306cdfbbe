"""Questions about an item: "who is in it?", "is it long?", answered from its record or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.absence import asked_absence, asked_reason, asked_worth
from llmrec.dialogue.acts import is_question
from llmrec.dialogue.comparisons import Comparisons
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.item_answers import ItemAnswers
from llmrec.dialogue.named_items import Named, NamedItems
from llmrec.dialogue.question_topics import (
    HAVE_IT,
    IF_RECORDED,
    IS_IT,
    MAKERS,
    MORE_TOPICS,
    TOPICS,
    WHAT_ELSE,
    is_open_question,
    own_questions,
    topic_of_field,
)
from llmrec.dialogue.reading import Mention
from llmrec.dialogue.references import asks_of_another, references_to
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, split_words
from llmrec.types import WHY, Item, ItemId

_Told = Callable[[Item], bool]
"""Tells something of an item; False where its record does not say it."""

_MAX_ANSWERED = 3
_MAX_QUESTIONS = 5
_SHORT = 4
_CAPITALS = re.compile(r"[A-ZÀ-Þ][\w'-]*(?:\s+(?:(?:of|the|and|in|a)\s+)?[A-ZÀ-Þ0-9][\w'-]*)*")
_THEY = re.compile(r"^\W*(?:are|were|do|did|have|can)\s+(?:they|all|any|both)\b", re.IGNORECASE)
_CALLED_IT = re.compile(r"\b(?:it|that|this)\b", re.IGNORECASE)


class ItemQuestions:
    """Answers what is asked about items of one catalogue."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, grammar: ConstraintGrammar) -> None:
        """Know which fields answer what."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = grammar
        self._named = NamedItems(titles, is_value=grammar.names_value)
        self._answers = ItemAnswers(catalogue, titles, grammar, self._named)
        self._comparisons = Comparisons(catalogue, titled=self._named.ids)
        self._own = own_questions(catalogue.fields)
        # "Is it light?" is about a weight only where there are weights.
        self._topics = [*TOPICS, *MORE_TOPICS, *(topic for topic in IF_RECORDED if self._answers.field(topic))]

    def read(self, draft: Draft) -> None:
        """Answer every question of the message that is about an item; the words of the question are understood."""
        why = asked_absence(draft.text) or asked_reason(draft.text)
        if why and not self._named.first(why) and self._unknown_name(why):
            self._say_missing(draft, self._unknown_name(why))
            _understood(draft, ())
            return
        if why and any(not mention.item_ids for mention in _pointed(draft, why)):
            draft.note("no_such")
            _understood(draft, ())
            return
        another = asks_of_another(draft.rest, draft.in_view())
        if another is not None:
            self._answer_of_another(draft, another)
            return
        self._comparisons.read(draft)
        for match, tell in self._asked(draft, draft.rest):
            self._answer(draft, match, tell)
        if not draft.does("question") and (is_question(draft.rest) or is_open_question(draft.rest)):
            self._admit(draft)

    def names_item(self, text: str) -> bool:
        """Whether `text` holds the title of an item."""
        return self._named.first(text) is not None

    def absent(self, draft: Draft) -> tuple[ItemId, ...]:
        """The item of the catalogue that the message misses, or wonders at though it was never shown.

        Several where their titles are one.
        """
        shown = {entry.item_id for entry in draft.profile.shown}
        never = tuple(item_id for item_id in self._named.ids(asked_reason(draft.text) or "") if item_id not in shown)
        return self._named.ids(asked_absence(draft.text)) or never

    def wondered_at(self, draft: Draft) -> tuple[ItemId, ...]:
        """The items of which the message wants to know why they were shown; none where it asks no such thing."""
        shown = {entry.item_id for entry in draft.profile.shown}
        asked = asked_reason(draft.text) or asked_worth(draft.text)
        if asked is None or not shown:
            another = asks_of_another(draft.text, draft.in_view()) if draft.asked_before == WHY else None
            return another.item_ids if another else ()
        named = self._named.ids(asked)
        if named or self._unknown_name(asked):
            return tuple(item_id for item_id in named if item_id in shown)
        pointed = _pointed(draft, asked)
        return tuple(i for mention in pointed for i in mention.item_ids) if pointed else draft.it()

    def _asked(self, draft: Draft, text: str) -> Iterator[tuple[re.Match[str], _Told]]:
        """The questions in `text`, each with what answers it of an item."""
        for topic in self._topics:
            for match in topic.asked.finditer(text):
                yield match, partial(self._answers.topic, draft, topic, match.group())
        for match in self._own.finditer(text) if self._own else ():
            yield match, partial(self._answers.topic, draft, topic_of_field(match["field"]), match.group())
        for match in WHAT_ELSE.finditer(text):
            field = topic_of_field(match["field"]) if match["field"] else MAKERS
            yield match, partial(self._answers.others, draft, field)
        for match in HAVE_IT.finditer(text):
            yield match, partial(self._answers.whether, draft, match["what"])
        for match in IS_IT.finditer(text):
            yield match, partial(self._answers.whether, draft, match["what"] or match["claimed"])

    def _admit(self, draft: Draft) -> None:
        """Say that nothing answers what is asked of an item."""
        pointed = tuple(i for m in _pointed(draft, draft.rest) for i in m.item_ids)
        item_ids = self._named.ids(draft.rest) or pointed
        item_ids = item_ids or (draft.it() if is_open_question(draft.rest) else ())
        if item_ids:
            self._answers.unknown(draft, item_ids)
            _understood(draft, item_ids[:_MAX_ANSWERED])

    def _answer_of_another(self, draft: Draft, another: Mention) -> None:
        """Answer "and the second one?": what was asked last, else what there is to tell."""
        describe = partial(self._answers.description, draft)
        tells = [tell for _, tell in self._asked(draft, draft.asked_before)][:1] or [describe]
        self._tell(draft, another.item_ids, tells[0])
        _understood(draft, another.item_ids[:_MAX_ANSWERED], about=draft.asked_before)

    def _answer(self, draft: Draft, match: re.Match[str], tell: _Told) -> None:
        n_answered = sum(act.kind == "question" for act in draft.acts)
        if n_answered >= _MAX_QUESTIONS or any(Span(*match.span()).overlaps(cut) for cut in draft.cuts):
            return
        item_ids, named = self._subject(draft, match)
        if not item_ids and not named:
            return
        self._tell(draft, item_ids, tell)
        draft.act("question", item_ids[:_MAX_ANSWERED], about=match.group().strip())
        draft.cut(Span(*match.span()))

    def _tell(self, draft: Draft, item_ids: Sequence[ItemId], tell: _Told) -> None:
        """What is known of each, and of which nothing is."""
        some = item_ids[:_MAX_ANSWERED]
        self._answers.unknown(draft, [item_id for item_id in some if not tell(self._catalogue[item_id])])

    def _subject(self, draft: Draft, match: re.Match[str]) -> tuple[tuple[ItemId, ...], str]:
        """The items a question is about, and the name it gives to one that is not here."""
        clause = match.group()
        named = self._named.first(clause)
        if named is not None:
            self._answers.correct(draft, named, asks_year=match.re is IS_IT)
            return named.item_ids, ""
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
        earlier = self._named.first(draft.text[: match.start()])
        if earlier is not None:
            return self._named_before(draft, earlier, match), ""
        missing = "" if _CALLED_IT.search(clause) else self._unknown_name(clause)
        if missing:
            self._say_missing(draft, missing)
            return (), missing
        if _THEY.search(clause):
            return draft.in_view(), ""
        is_about_it = _CALLED_IT.search(clause) or match.re is WHAT_ELSE or len(split_words(clause)) <= _SHORT
        return (draft.it() if is_about_it else ()), ""

    def _named_before(self, draft: Draft, named: Named, match: re.Match[str]) -> tuple[ItemId, ...]:
        """The item of "the 1979 film Alien, who is in it?", where nothing else is said of it."""
        self._answers.correct(draft, named, asks_year=False)
        if not split_words(draft.text[named.end : match.start()]):
            draft.cut(Span(named.span.start, named.end))
        return named.item_ids

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


def _understood(draft: Draft, item_ids: Sequence[ItemId], *, about: str = "") -> None:
    """The whole message is a question about these items."""
    draft.act("question", item_ids, about=about or draft.text)
    draft.cut(Span(0, len(draft.text)))


def _pointed(draft: Draft, text: str) -> Sequence[Mention]:
    """What `text` points at, "it" apart: that says nothing of its own."""
    return [m for m in references_to(draft.in_view(), text) if not _CALLED_IT.fullmatch(m.text)]
