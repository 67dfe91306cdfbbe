"""Reasons for a shown item, each of which can be checked in its record and in what the user said or did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.explanation.citing import MIN_SIMILARITY, Citations, Partner, known_partners, worded_facts
from llmrec.explanation.conditions import condition_evidence, is_bound
from llmrec.explanation.telling import DEFAULT_LANGUAGE, Telling, telling_in
from llmrec.explanation.terms import stems
from llmrec.explanation.wishes import wish_evidence
from llmrec.explanation.wording import merged, merged_by_frame
from llmrec.interfaces import ContributionMeter, ItemSimilarity
from llmrec.types import Contributions, Evidence, Explanation, Item, ItemId, Query, Ranking

MAX_EVIDENCE = 3
MIN_CONTRIBUTION = 0.05
"""Standard deviations of the slate's scores from which something counts as speaking for an item."""
_MAX_MEASURED = 20


class EvidenceExplainer:
    """Explains by facts; implements Explainer."""

    def __init__(
        self,
        catalogue: Catalogue,
        similarity: ItemSimilarity | None,
        popularity: Mapping[ItemId, int] | None,
        *,
        meter: ContributionMeter | None = None,
        min_similarity: float = MIN_SIMILARITY,
    ) -> None:
        """Explain items of `catalogue`.

        Args:
            catalogue: The records that evidence comes from.
            similarity: Likeness of items in content, where there is one.
            popularity: How many people met each item, where that is known.
            meter: Measures which of the user's items speak for an item; only those are cited. Without one, those that
                share its rarest facts are.
            min_similarity: Cosine from which items count as alike.
        """
        self._catalogue = catalogue
        self._popularity = popularity or {}
        self._meter = meter
        self._citations = Citations(catalogue, similarity, min_similarity=min_similarity)

    def explain(self, query: Query, ranking: Ranking, *, language: str = DEFAULT_LANGUAGE) -> Sequence[Explanation]:
        """One explanation per item of `ranking`, in its order; at most three pieces of evidence each."""
        words = telling_in(language)
        items = [self._catalogue[item_id] for item_id in ranking.item_ids]
        partners = known_partners(query, self._catalogue)
        return [
            self._explained(query, item, partners, measured, words)
            for item, measured in zip(items, self._measured(query, ranking), strict=True)
        ]

    def _measured(self, query: Query, ranking: Ranking) -> Sequence[Contributions | None]:
        sources = list(dict.fromkeys(reversed(query.positive_item_ids)))[:_MAX_MEASURED]
        if self._meter is None or not (sources or query.text.strip()):
            return [None] * len(ranking.item_ids)
        measured = self._meter.measure(query, ranking, sources)
        if not ranking.report.lm_scores:
            return measured
        # A model reads the words too and is not asked again without them, so what they did is not known.
        return [one if one is None else replace(one, wish=None) for one in measured]

    def _explained(
        self, query: Query, item: Item, partners: Sequence[Partner], measured: Contributions | None, words: Telling
    ) -> Explanation:
        conditions = self._conditions(query, item, words)
        said = frozenset(chain.from_iterable(stems(piece.value) for piece in conditions))
        wish = wish_evidence(query, item, words, said=said, heard=measured is not None and _counts(measured.wish))
        if measured is None:
            others = [partner for partner in partners if partner.item.id != item.id]
            ties = [list(self._citations.shared(item, others, words=words)), self._citations.alike(item, others, words)]
        else:
            told = [(piece.field, piece.value) for piece in conditions]
            at_least = MIN_CONTRIBUTION
            ties = [self._citations.of_contributors(item, query, measured, at_least=at_least, but=told, words=words)]
        chosen = _first_of_each([conditions, wish, *ties]) or self._impersonal(item, measured, words)
        return Explanation(item.id, self._sentence(chosen, words), tuple(chosen))

    def _sentence(self, evidence: Sequence[Evidence], words: Telling) -> str:
        if words.language == DEFAULT_LANGUAGE:
            return sentence(evidence)
        cited = [self._catalogue.get(piece.item_id) if piece.item_id is not None else None for piece in evidence]
        names = [words.say("named", title=item.title) if item is not None else "" for item in cited]
        told = words.joined(merged_by_frame(evidence, names, joint=words.say("and")), "semicolon")
        return f"{told}{words.say('stop')}" if told else words.say("no_evidence")

    def _impersonal(self, item: Item, measured: Contributions | None, words: Telling) -> list[Evidence]:
        """What is left to say where nothing ties the item to the user, and that so it is, where it was measured."""
        nothing = [Evidence("fact", words.say("alone"))] if measured is not None and measured.items else []
        return [*nothing, *[*self._popular(item, words), *_plain_fact(item, words)][:1]]

    def _conditions(self, query: Query, item: Item, words: Telling) -> list[Evidence]:
        stated = list(dict.fromkeys(query.all_constraints))
        met = [constraint for constraint in stated if matches(item, constraint)]
        # Half of "from 1990 to 1999" is not what was asked: "from 2003, not before 1990" would sound as if it were.
        half_met = {(c.field, is_bound(c)) for c in stated if is_bound(c) and c not in met}
        met = [constraint for constraint in met if (constraint.field, is_bound(constraint)) not in half_met]
        return condition_evidence(item, met, self._catalogue.fields, words)

    def _popular(self, item: Item, words: Telling) -> list[Evidence]:
        n = self._popularity.get(item.id, 0)
        if n < 1:
            return []
        return [Evidence("popularity", words.say("chosen_once" if n == 1 else "chosen", n=n), value=str(n))]


def sentence(evidence: Sequence[Evidence]) -> str:
    """The evidence, worded in English, as one sentence from a template."""
    if not evidence:
        return telling_in(DEFAULT_LANGUAGE).say("no_evidence")
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


def _counts(fall: float | None) -> bool:
    return fall is not None and fall >= MIN_CONTRIBUTION


def _plain_fact(item: Item, words: Telling) -> Iterator[Evidence]:
    for name, value in worded_facts(item):
        yield Evidence("fact", words.say("fact", name=name.replace("_", " "), value=value), name, value)
