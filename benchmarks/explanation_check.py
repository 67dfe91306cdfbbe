"""An explanation held against records, histories and the pipeline itself, by other means than those that made it.

The package checks words against evidence. Here each piece of evidence is looked up again where it comes from, and the
text is taken apart: cited titles, then cited values, then the few words that a claim of that kind is made of. What is
left was said without evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue
from llmrec.data.titles import split_year
from llmrec.types import Evidence, Item, ItemId, Query, Recommendation

MIN_SIMILARITY = 0.45
_OF_WHOM = "both all of which one you loved is are in your history this"
_CLAIMS: Mapping[str, str] = {
    "shared_fact": f"it shares has with and common too {_OF_WHOM}",
    "similar_item": f"it is has close in content to that {_OF_WHOM}",
    "contribution": f"it scores higher thanks to because and {_OF_WHOM}",
    "wish": "and fits fit its description it has in scores score higher thanks to because of your words make",
    "constraint": "it is from its include has year as you asked for that the among them which within to and after "
    "before not over under at least at most",
    "popularity": "people person here have has chosen it",
    "fact": "its nothing you met or liked decides it alone",
}
_FRAME = (
    "it and also so be you might enjoy because worth a look since suit recommended may like could be match try this "
    "one pick for suggestion"
)
_BARE = "picked by its place in the ranking"
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


@dataclass(frozen=True)
class Sources:
    """Where truths are looked up.

    Attributes:
        catalogue: The records.
        counts: How many users met each item.
        cosine: Likeness of two items in content.
        lifts: Whether an item stands lower when one of the user's items is taken out, None for the wish.
    """

    catalogue: Catalogue
    counts: Mapping[ItemId, int]
    cosine: Callable[[ItemId, ItemId], float]
    lifts: Callable[[Query, ItemId, ItemId | None], bool]


def faults(card: Recommendation, query: Query, sources: Sources) -> list[str]:
    """What is wrong with the explanation on `card`, shown for `query`; nothing where all of it is true and covered."""
    item = sources.catalogue[card.item_id]
    untrue = [f"untrue: {piece.text}" for piece in card.evidence if not _is_true(piece, item, query, sources)]
    uncovered = list(_uncovered(card, query, sources.catalogue))
    misplaced = list(_misplaced(card, sources.catalogue))
    return [*untrue, *(f"uncovered: {word}" for word in uncovered), *(f"misplaced: {what}" for what in misplaced)]


def _is_true(piece: Evidence, item: Item, query: Query, sources: Sources) -> bool:
    if piece.item_id is not None and not _is_the_users(piece, query):
        return False
    checks: Mapping[str, Callable[[], bool]] = {
        "shared_fact": lambda: _has(item, piece) and _has(sources.catalogue[_cited(piece)], piece),
        "similar_item": lambda: sources.cosine(item.id, _cited(piece)) >= MIN_SIMILARITY - 1e-6,
        "contribution": lambda: sources.lifts(query, item.id, _cited(piece)),
        "wish": lambda: _is_true_wish(piece, item, query, sources),
        "constraint": lambda: _has(item, piece) and any(c.field == piece.field for c in query.all_constraints),
        "popularity": lambda: str(sources.counts.get(item.id, 0)) == piece.value,
        "fact": lambda: not piece.field or _has(item, piece),
    }
    return checks[piece.kind]()


def _is_the_users(piece: Evidence, query: Query) -> bool:
    if "you loved" in piece.text:
        return any(entry.item_id == piece.item_id for entry in query.profile.liked)
    return piece.item_id in query.history.item_ids


def _is_true_wish(piece: Evidence, item: Item, query: Query, sources: Sources) -> bool:
    if not piece.field:
        return " ".join(query.text.split()) == piece.value and sources.lifts(query, item.id, None)
    facts = item.facts.get(piece.field)
    text = item.description if piece.field == "description" else " ".join(facts) if isinstance(facts, tuple) else facts
    return all(word in str(text) for word in piece.value.split(", "))


def _has(item: Item, piece: Evidence) -> bool:
    """Whether every value that `piece` shows stands in the item's own field."""
    fact = item.facts.get(piece.field)
    values = fact if isinstance(fact, tuple) else (_shown(fact),)
    left = piece.value
    for value in sorted(values, key=len, reverse=True):
        left = left.replace(value, "")
    return fact is not None and not _WORD.search(left)


def _shown(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return f"{fact:g}" if isinstance(fact, float) else str(fact)


def _cited(piece: Evidence) -> ItemId:
    if piece.item_id is None:
        raise ValueError(f"evidence of kind {piece.kind} cites no item: {piece.text}")
    return piece.item_id


def _uncovered(card: Recommendation, query: Query, catalogue: Catalogue) -> Iterator[str]:
    """Words of the text that no piece of evidence accounts for, in lower case, in order."""
    kinds = {piece.kind for piece in card.evidence}
    # "From" alone would cover a year that nothing covers.
    text = card.explanation.replace(" from your history", " in your history")
    cited = {catalogue[piece.item_id].title for piece in card.evidence if piece.item_id is not None}
    titles = cited | {split_year(title)[0] for title in cited}
    values = {part for piece in card.evidence if piece.value for part in (piece.value, *piece.value.split(", "))}
    bounds = {_shown(value) for c in query.all_constraints for value in _several(c.value)}
    for known in (*_longest_first(titles), *_longest_first(values)):
        text = _without(text, known)
    if "constraint" in kinds:
        for bound in _longest_first(bounds):
            text = _without(text, bound)
    fields = {word for piece in card.evidence for word in piece.field.replace("_", " ").split()}
    allowed = {*_FRAME.split(), *fields, *(word for kind in kinds for word in _CLAIMS[kind].split())}
    allowed |= set() if card.evidence else set(_BARE.split())
    yield from (word for word in (match.group().casefold() for match in _WORD.finditer(text)) if word not in allowed)


def _misplaced(card: Recommendation, catalogue: Catalogue) -> Iterator[str]:
    """Values, and titles with words of liking, that stand beside another title than the one they are true of."""
    text = card.explanation
    tied = [(piece, _named(text, catalogue[_cited(piece)].title)) for piece in card.evidence if piece.item_id]
    places = sorted(place for _, place in tied)
    for piece, (start, end) in tied:
        before = max((stop for _, stop in places if stop <= start), default=0)
        after = min((begin for begin, _ in places if begin >= end), default=len(text))
        values = [value for value in piece.value.split(", ") if value in text]
        yield from (value for value in values if value not in text[before:after])
        untrue = "in your history" if piece.text.endswith("loved") else "you loved"
        if untrue in text[end:after]:
            yield catalogue[_cited(piece)].title


def _named(text: str, title: str) -> tuple[int, int]:
    """Where `title` stands in `text`, with or without its year; nowhere is its end."""
    for name in (title, split_year(title)[0]):
        if found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            return found.span()
    return len(text), len(text)


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _longest_first(texts: set[str]) -> list[str]:
    return sorted(texts, key=lambda text: (-len(text), text))


def _without(text: str, known: str) -> str:
    # A template's sentence begins with a capital, so the first value of it may.
    return re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", " ", text, flags=re.IGNORECASE)
