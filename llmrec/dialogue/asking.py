"""Which question is worth asking beside the cards: the one whose answer is expected to leave the fewest candidates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.types import FactValue, Item, ItemId, Query, QuestionEntry

_MAX_OFFERED = 4
_CHOICE = 3  # an answer that leaves fewer items names one of them rather than a kind
_MIN_COVERED = 0.5  # most users must find their answer among what is offered; four names of a hundred are no question
_KNOWN_FROM_HISTORY = 3  # so many interactions say as much as so many statements


@dataclass(frozen=True, slots=True)
class Offer:
    """A question that could be asked: which of `values` of `field`; for numbers, up to the one value or beyond it.

    Attributes:
        bits: By how much an answer is expected to shrink the candidates, as a logarithm to the base 2.
    """

    field: str
    values: tuple[FactValue, ...]
    bits: float


class ValueAsker:
    """Asks when the expected reduction exceeds what a question costs the user; implements Asker.

    Each thing the user has said and each question that was asked makes the next one dearer, twice where it found no
    answer: who has told what they want, or does not care to, is not asked for more. No field is asked about twice, nor
    one that the user has spoken of.
    """

    def __init__(self, catalogue: Catalogue, *, cost_bits: float) -> None:
        """Ask about the facts of `catalogue`; the first question of somebody unknown costs `cost_bits`."""
        self._catalogue = catalogue
        self._cost_bits = cost_bits

    def ask(self, query: Query, candidates: Sequence[ItemId], *, k: int, turn: int) -> QuestionEntry | None:
        """The question that pays best for finding one of `candidates`, of which a reply shows `k`; None if none does.

        Worth of a question = min(expected reduction, bits until all that is left can be shown) - cost.
        Source: expected information gain, Lindley 1956; here of a user who wants any candidate alike.
        """
        if len(candidates) <= k:
            return None
        needed = math.log2(len(candidates) / k)
        best = max(
            self._offers(query, candidates, at_least=min(k, _CHOICE)), key=lambda offer: offer.bits, default=None
        )
        if best is None or min(best.bits, needed) <= self._cost(query):
            return None
        return QuestionEntry(best.field, best.values, turn)

    def _cost(self, query: Query) -> float:
        profile = query.profile
        fields = _spoken_of(query)
        n_unanswered = sum(entry.field not in fields for entry in profile.asked)
        known = len(fields) + len(profile.liked) + len(profile.wishes) + len(profile.asked) + n_unanswered
        return self._cost_bits * (1 + known + min(len(query.history.interactions), _KNOWN_FROM_HISTORY))

    def _offers(self, query: Query, candidates: Sequence[ItemId], *, at_least: int) -> Iterator[Offer]:
        spoken_of = _spoken_of(query)
        spoken_of |= {entry.field for entry in query.profile.asked}
        items = [self._catalogue[item_id] for item_id in candidates]
        for field in self._catalogue.fields.values():
            offer = offer_of(field, items, at_least=at_least) if field.name not in spoken_of else None
            if offer is not None:
                yield offer


def offer_of(field: FactField, items: Sequence[Item], *, at_least: int = 1) -> Offer | None:
    """What can be asked about `field` to tell `items` apart; None where no two values of `at_least` so many items do.

    Expected reduction = sum over items i and offered values v of i: 1/n * 1/|v of i| * log2(n / items with v). An item
    without any offered value, or without the fact, is reduced by nothing: its user has no answer.
    """
    if field.kind == "number":
        return _halves(field.name, [_number(item, field.name) for item in items])
    values = [_values(item, field.name) for item in items]
    counts = Counter(value for own in values for value in own)
    offered = [value for value, count in counts.most_common() if at_least <= count < len(items)][:_MAX_OFFERED]
    n_covered = sum(not set(offered).isdisjoint(own) for own in values)
    if len(offered) < 2 or n_covered < _MIN_COVERED * len(items):
        return None
    return Offer(field.name, tuple(offered), _expected_bits(values, {value: counts[value] for value in offered}))


def _spoken_of(query: Query) -> set[str]:
    """Fields of which the user demanded something, or was taken to lean to something."""
    stated = {constraint.field for constraint in query.all_constraints}
    return stated | {entry.constraint.field for entry in query.profile.leanings}


def _halves(name: str, numbers: Sequence[float | None]) -> Offer | None:
    known = sorted(number for number in numbers if number is not None)
    below = [number for number in known if number < known[-1]]
    if not below:
        return None
    # The split nearest to the middle that leaves something on both sides.
    middle = min(dict.fromkeys(below), key=lambda number: abs(2 * sum(n <= number for n in known) - len(known)))
    sides = [[number <= middle] if number is not None else [] for number in numbers]
    n_low = sum(number <= middle for number in known)
    bits = _expected_bits(sides, {True: n_low, False: len(known) - n_low})
    return Offer(name, (int(middle) if float(middle).is_integer() else middle,), bits)


def _expected_bits(values: Sequence[Sequence[FactValue]], offered: Mapping[FactValue, int]) -> float:
    total = 0.0
    for own in values:
        answers = [value for value in own if value in offered]
        total += sum(math.log2(len(values) / offered[value]) for value in answers) / max(1, len(answers))
    return total / len(values)


def _values(item: Item, name: str) -> Sequence[FactValue]:
    fact = item.facts.get(name)
    if fact is None:
        return ()
    return fact if isinstance(fact, tuple) else (fact,)


def _number(item: Item, name: str) -> float | None:
    fact = item.facts.get(name)
    return fact if isinstance(fact, (int, float)) and not isinstance(fact, bool) and fact == fact else None
