"""What the user said they feel like, said of an item: its own words that fit, else that the wish was heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmrec.explanation.citing import worded_facts
from llmrec.explanation.telling import Telling
from llmrec.explanation.terms import NEGATIONS, STOP_WORDS, Term, stem, terms
from llmrec.prompting.neutralise import neutralise
from llmrec.types import Evidence, Item, Query

_MAX_WORDS = 3
_MAX_QUOTED_CHARS = 60


def wish_evidence(query: Query, item: Item, words: Telling, *, said: frozenset[str], heard: bool) -> list[Evidence]:
    """At most one piece of evidence.

    Args:
        query: What the user wishes; negated words do not count.
        item: The item.
        words: The language.
        said: Stems of words that were said before.
        heard: Whether the item's score is higher for the wish, measured.
    """
    wanted = {stem(t.key) for wish in query.profile.wishes for t in _affirmed(wish.text)} - said
    for name, text in (("description", item.description), *_fact_texts(item)):
        found = list({t.key: t.text for t in _affirmed(text) if stem(t.key) in wanted}.values())[:_MAX_WORDS]
        if found:
            quoted = words.joined([words.say("quoted", value=word) for word in found], "and")
            text = words.say("wish" if len(found) == 1 else "wishes", words=quoted, name=name.replace("_", " "))
            return [Evidence("wish", text, name, ", ".join(found))]
    return _heard(query, words) if heard else []


def _heard(query: Query, words: Telling) -> list[Evidence]:
    heard = neutralise(query.text, max_chars=_MAX_QUOTED_CHARS)
    # What was cut off is not what the user said.
    if not heard or heard.endswith("…") or '"' in heard:
        return []
    return [Evidence("wish", words.say("heard", words=words.say("quoted", value=heard)), value=heard)]


def _fact_texts(item: Item) -> Iterable[tuple[str, str]]:
    facts = (name for name, _ in worded_facts(item))
    for name in dict.fromkeys(facts):
        yield name, ", ".join(value for field, value in worded_facts(item) if field == name)


def _affirmed(text: str) -> Iterator[Term]:
    words = terms(text)
    for place, word in enumerate(words):
        negated = any(before.key in NEGATIONS for before in words[max(0, place - 3) : place])
        if not negated and word.key not in STOP_WORDS and word.key not in NEGATIONS and len(word.key) > 2:
            yield word
