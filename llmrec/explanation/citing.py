"""Which of the user's items an explanation cites, and what it says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.telling import Telling
from llmrec.interfaces import ItemSimilarity
from llmrec.types import Contributions, Evidence, Item, ItemId, Query

MIN_SIMILARITY = 0.45
_MAX_PARTNERS = 50
_MAX_SHARED = 2
_MAX_SHARE = 0.5  # what more than half of the items have in common tells nothing of two of them
_MAX_CITED = 2
_MIN_SHARE = 0.25  # what speaks less than this, beside what speaks most, is not worth its words
_NO_VALUE = frozenset({"", "unknown", "none", "n/a", "(no genres listed)", "other"})
Fact = tuple[str, str]
"""A field and one of its values."""


@dataclass(frozen=True, slots=True)
class Partner:
    """An item of the user's, and how this is known.

    Attributes:
        how: The key of the words that say it.
    """

    item: Item
    how: Literal["loved", "met"]


class Citations:
    """Finds what ties the items of one catalogue to those of a user."""

    def __init__(self, catalogue: Catalogue, similarity: ItemSimilarity | None, *, min_similarity: float) -> None:
        """Count how many items have each fact; those with a cosine from `min_similarity` on are alike."""
        self._catalogue = catalogue
        self._similarity = similarity
        self._min_similarity = min_similarity
        self._n_with: Counter[Fact] = Counter(pair for item in catalogue.values() for pair in worded_facts(item))

    def of_contributors(
        self,
        item: Item,
        query: Query,
        contributions: Contributions,
        *,
        at_least: float,
        but: Collection[Fact],
        words: Telling,
    ) -> list[Evidence]:
        """One piece for each of the items that speak most for `item`, the strongest first.

        What is said is the rarest facts that both share, else that they are alike, else only that the one speaks for
        the other. Nothing below `at_least` is cited, nor what is weak beside the strongest; facts `but` are not said.
        """
        liked = {entry.item_id for entry in query.profile.liked}
        known = [pair for pair in contributions.items.items() if pair[0] in self._catalogue and pair[0] != item.id]
        strongest = sorted(known, key=lambda pair: -pair[1])[:_MAX_CITED]
        cited = []
        told = set(but)
        for item_id, fall in strongest:
            if fall >= max(at_least, _MIN_SHARE * strongest[0][1]):
                partner = Partner(self._catalogue[item_id], "loved" if item_id in liked else "met")
                shared = self.shared(item, [partner], but=told, words=words)
                said = [*shared, *self.alike(item, [partner], words), _speaks_for(partner, words)]
                told.update(worded_facts(partner.item))
                cited.append(replace(said[0], contribution=fall))
        return cited

    def shared(
        self, item: Item, partners: Sequence[Partner], *, but: Collection[Fact] = (), words: Telling
    ) -> Iterator[Evidence]:
        """Facts shared with `partners`, none of `but`, the rarest first; those of one partner and field together."""
        own = set(worded_facts(item)) - set(but)
        # How many items have the fact, how far back the partner stands, the fact.
        shared = [
            (self._n_with[pair], place, pair)
            for place, partner in enumerate(partners)
            for pair in worded_facts(partner.item)
            if pair in own and self._n_with[pair] <= _MAX_SHARE * len(self._catalogue)
        ]
        together: dict[tuple[str, int], list[str]] = {}
        cited: set[Fact] = set()
        for _, place, pair in sorted(shared):
            if pair not in cited:
                cited.add(pair)
                together.setdefault((pair[0], place), []).append(pair[1])
        for (name, place), values in together.items():
            yield _shared_evidence(name, values[:_MAX_SHARED], partners[place], words)

    def alike(self, item: Item, partners: Sequence[Partner], words: Telling) -> list[Evidence]:
        """That `item` is close in content to one of `partners`, the first of the closest; nothing where none is."""
        if self._similarity is None or not partners:
            return []
        cosines = self._similarity.similarity(item.id, [partner.item.id for partner in partners])
        # A nan compares false with everything, so it never passes.
        near = [(cosine, -place) for place, cosine in enumerate(cosines) if cosine >= self._min_similarity]
        if not near:
            return []
        partner = partners[-max(near)[1]]
        return [Evidence("similar_item", _of(partner, "similar_item", words), item_id=partner.item.id)]


def known_partners(query: Query, catalogue: Mapping[ItemId, Item]) -> Sequence[Partner]:
    """What the user is known to like, latest first: said so, or valued at least like the middle of the history."""
    said = [entry.item_id for entry in reversed(query.profile.liked)]
    disliked = {entry.item_id for entry in query.profile.disliked}
    met = query.history.interactions
    middle = median(i.value for i in met) if met else 0.0
    valued = [i.item_id for i in reversed(met) if i.value >= middle]
    known = [i for i in dict.fromkeys([*said, *valued]) if i in catalogue and i not in disliked]
    return [Partner(catalogue[i], "loved" if i in said else "met") for i in known[:_MAX_PARTNERS]]


def worded_facts(item: Item) -> Iterator[Fact]:
    """Field and value of every fact of `item` that is in words."""
    for name, fact in item.facts.items():
        for value in fact if isinstance(fact, tuple) else (fact,):
            if isinstance(value, str) and value.strip().casefold() not in _NO_VALUE:
                yield name, value


def _shared_evidence(name: str, values: Sequence[str], partner: Partner, words: Telling) -> Evidence:
    text = _of(partner, "shared_fact", words, value=words.joined(values, "and"))
    return Evidence("shared_fact", text, field=name, value=", ".join(values), item_id=partner.item.id)


def _speaks_for(partner: Partner, words: Telling) -> Evidence:
    return Evidence("contribution", _of(partner, "contribution", words), item_id=partner.item.id)


def _of(partner: Partner, key: str, words: Telling, **slots: str) -> str:
    return words.say(key, title=partner.item.title, how=words.say(partner.how), **slots)
