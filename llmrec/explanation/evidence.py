"""Reasons for a shown item, each of which can be checked in its record and in what the user said or did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from statistics import median

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.explanation.conditions import condition_evidence
from llmrec.explanation.terms import NEGATIONS, STOP_WORDS, Term, stem, stems, terms
from llmrec.explanation.wording import merged
from llmrec.interfaces import ItemSimilarity
from llmrec.types import Evidence, Explanation, Item, ItemId, Query, Ranking

MAX_EVIDENCE = 3
_MIN_SIMILARITY = 0.45
_MAX_PARTNERS = 50
_MAX_WORDS = 3
_MAX_SHARED = 2
_MAX_SHARE = 0.5  # what more than half of the items have in common tells nothing of two of them
_NO_VALUE = frozenset({"", "unknown", "none", "n/a", "(no genres listed)", "other"})
_NO_EVIDENCE = "Picked by its place in the ranking."
_Shared = tuple[int, int, tuple[str, str]]  # how many items have the fact, how long ago the partner was met, the fact


@dataclass(frozen=True, slots=True)
class _Partner:
    """An item the user liked, and the words that say how this is known."""

    item: Item
    said: str


class EvidenceExplainer:
    """Explains by facts; implements Explainer."""

    def __init__(
        self,
        catalogue: Catalogue,
        similarity: ItemSimilarity | None,
        popularity: Mapping[ItemId, int] | None,
        *,
        min_similarity: float = _MIN_SIMILARITY,
    ) -> None:
        """Explain items of `catalogue`.

        Args:
            catalogue: The records that evidence comes from.
            similarity: Likeness of items in content, where there is one.
            popularity: How many people met each item, where that is known.
            min_similarity: Cosine from which items count as alike.
        """
        self._catalogue = catalogue
        self._similarity = similarity
        self._popularity = popularity or {}
        self._min_similarity = min_similarity
        self._n_with: Counter[tuple[str, str]] = Counter(
            pair for item in catalogue.values() for pair in _worded_facts(item)
        )

    def explain(self, query: Query, ranking: Ranking) -> Sequence[Explanation]:
        """One explanation per item of `ranking`, in its order; at most three pieces of evidence each."""
        partners = self._partners(query)
        return [self._explained(query, self._catalogue[item_id], partners) for item_id in ranking.item_ids]

    def _explained(self, query: Query, item: Item, partners: Sequence[_Partner]) -> Explanation:
        others = [partner for partner in partners if partner.item.id != item.id]
        conditions = self._conditions(query, item)
        kinds = [
            conditions,
            _wish(query, item, said=frozenset(chain.from_iterable(stems(piece.value) for piece in conditions))),
            list(self._shared(item, others)),
            self._alike(item, others),
        ]
        chosen = _first_of_each(kinds) or [*self._popular(item), *_plain_fact(item)][:1]
        return Explanation(item.id, sentence(chosen), tuple(chosen))

    def _conditions(self, query: Query, item: Item) -> list[Evidence]:
        met = [constraint for constraint in dict.fromkeys(query.all_constraints) if matches(item, constraint)]
        return condition_evidence(item, met, self._catalogue.fields)

    def _partners(self, query: Query) -> Sequence[_Partner]:
        """What the user is known to like, latest first: said so, or valued at least like the middle of the history."""
        said = [(entry.item_id, "you loved") for entry in reversed(query.profile.liked)]
        disliked = {entry.item_id for entry in query.profile.disliked}
        met = query.history.interactions
        middle = median(i.value for i in met) if met else 0.0
        valued = [(i.item_id, "is in your history") for i in reversed(met) if i.value >= middle]
        words: dict[ItemId, str] = {}
        for item_id, how in [*said, *valued]:
            if item_id in self._catalogue and item_id not in disliked:
                words.setdefault(item_id, how)
        return [_Partner(self._catalogue[item_id], how) for item_id, how in list(words.items())[:_MAX_PARTNERS]]

    def _shared(self, item: Item, partners: Sequence[_Partner]) -> Iterator[Evidence]:
        """Facts shared with liked items, the rarest first; what one partner shares of one field is said together."""
        own = set(_worded_facts(item))
        shared: list[_Shared] = [
            (self._n_with[pair], age, pair)
            for age, partner in enumerate(partners)
            for pair in _worded_facts(partner.item)
            if pair in own and self._n_with[pair] <= _MAX_SHARE * len(self._catalogue)
        ]
        together: dict[tuple[str, int], list[str]] = {}
        cited: set[tuple[str, str]] = set()
        for _, age, pair in sorted(shared):
            if pair not in cited:
                cited.add(pair)
                together.setdefault((pair[0], age), []).append(pair[1])
        for (name, age), values in together.items():
            yield _shared_evidence(name, values[:_MAX_SHARED], partners[age])

    def _alike(self, item: Item, partners: Sequence[_Partner]) -> list[Evidence]:
        if self._similarity is None or not partners:
            return []
        cosines = self._similarity.similarity(item.id, [partner.item.id for partner in partners])
        # A nan compares false with everything, so it never passes.
        near = [(cosine, -age) for age, cosine in enumerate(cosines) if cosine >= self._min_similarity]
        if not near:
            return []
        partner = partners[-max(near)[1]]
        text = f"it is close in content to {partner.item.title}, which {partner.said}"
        return [Evidence("similar_item", text, item_id=partner.item.id)]

    def _popular(self, item: Item) -> list[Evidence]:
        n = self._popularity.get(item.id, 0)
        if n < 1:
            return []
        people = "1 person here has" if n == 1 else f"{n} people here have"
        return [Evidence("popularity", f"{people} chosen it", value=str(n))]


def sentence(evidence: Sequence[Evidence]) -> str:
    """The evidence as one sentence from a template."""
    if not evidence:
        return _NO_EVIDENCE
    phrases = [reason.removeprefix("it is ").removeprefix("it ") for reason in merged(evidence)]
    joined = "; ".join(phrases)
    return f"{joined[:1].upper()}{joined[1:]}."


def _first_of_each(kinds: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    """The best of every kind first, then the seconds, cut to three and put back in the order of kinds."""
    by_turns = [piece for piece in chain.from_iterable(zip_longest(*kinds)) if piece is not None]
    chosen: list[Evidence] = []
    for piece in by_turns:
        repeats = any((piece.field, piece.value) == (c.field, c.value) and piece.value for c in chosen)
        same_partner = piece.kind == "similar_item" and any(c.item_id == piece.item_id for c in chosen)
        if not repeats and not same_partner and len(chosen) < MAX_EVIDENCE:
            chosen.append(piece)
    order = [piece for kind in kinds for piece in kind]
    return sorted(chosen, key=order.index)


def _worded_facts(item: Item) -> Iterator[tuple[str, str]]:
    for name, fact in item.facts.items():
        for value in fact if isinstance(fact, tuple) else (fact,):
            if isinstance(value, str) and value.strip().casefold() not in _NO_VALUE:
                yield name, value


def _shared_evidence(name: str, values: Sequence[str], partner: _Partner) -> Evidence:
    text = f"it shares {' and '.join(values)} with {partner.item.title}, which {partner.said}"
    return Evidence("shared_fact", text, field=name, value=", ".join(values), item_id=partner.item.id)


def _wish(query: Query, item: Item, *, said: frozenset[str]) -> list[Evidence]:
    """The item's own words that the user's wish asks for, but for those `said` before; negated words do not count."""
    wanted = {stem(t.key) for wish in query.profile.wishes for t in _affirmed(wish.text)} - said
    for name, text in (("description", item.description), *_fact_texts(item)):
        found = list({t.key: t.text for t in _affirmed(text) if stem(t.key) in wanted}.values())[:_MAX_WORDS]
        if found:
            quoted = " and ".join(f'"{word}"' for word in found)
            fits = "fits" if len(found) == 1 else "fit"
            return [Evidence("wish", f"{quoted} {fits} its {name.replace('_', ' ')}", name, ", ".join(found))]
    return []


def _fact_texts(item: Item) -> Iterable[tuple[str, str]]:
    facts = (name for name, _ in _worded_facts(item))
    for name in dict.fromkeys(facts):
        yield name, ", ".join(value for field, value in _worded_facts(item) if field == name)


def _affirmed(text: str) -> Iterator[Term]:
    words = terms(text)
    for place, word in enumerate(words):
        negated = any(before.key in NEGATIONS for before in words[max(0, place - 3) : place])
        if not negated and word.key not in STOP_WORDS and word.key not in NEGATIONS and len(word.key) > 2:
            yield word


def _plain_fact(item: Item) -> Iterator[Evidence]:
    for name, value in _worded_facts(item):
        yield Evidence("fact", f"its {name.replace('_', ' ')}: {value}", name, value)
