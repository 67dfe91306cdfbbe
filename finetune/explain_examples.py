"""Reasons with sentences that say them: the explainer's own evidence, over real and invented catalogues, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.checking import CoverageChecker
from llmrec.explanation.claims import CLOSINGS, JOINTS, OPENINGS, SUBJECT, Claim, claims, is_linked, told_in
from llmrec.explanation.evidence import MIN_CONTRIBUTION, EvidenceExplainer
from llmrec.explanation.terms import STOP_WORDS, terms
from llmrec.explanation.writing import first_words, names_of, writing_prompt
from llmrec.prompting.templates import PromptTemplate
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Contributions,
    Evidence,
    FactValue,
    History,
    Interaction,
    Item,
    ItemEntry,
    ItemId,
    Profile,
    Prompt,
    Query,
    Ranking,
    UserId,
    WishEntry,
)

_T = TypeVar("_T")
_LISTED = ("genres", "tags", "categories", "moods", "kinds", "styles")
_FIELDS = ("category", "brand", "author", "colour", "kind", "mood", "maker", "language", "series")
_NUMBERS = ("price", "pages", "runtime", "rating", "weight")
_TRIES = 40
_N_INVENTED = 60
_PER_CATALOGUE = 40


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is asked, and a sentence that it may answer."""

    prompt: Prompt
    answer: str


class DrawnTies:
    """Which of the user's items speak for another, and how alike items are, all by chance."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw from `rng`."""
        self._rng = rng

    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        """Of half of them above what counts as alike."""
        return [float(self._rng.random()) for _ in others]

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        """Falls of scores; a wish is heard now and then."""
        return [
            Contributions(
                {source: float(self._rng.uniform(0.5, 1.5)) * MIN_CONTRIBUTION * 2 for source in sources},
                2 * MIN_CONTRIBUTION if self._rng.random() < 0.15 else None,
            )
            for _ in ranking.item_ids
        ]


class Generator:
    """Makes examples over some catalogues."""

    def __init__(
        self,
        catalogues: Sequence[Catalogue],
        template: PromptTemplate,
        n_tokens: Callable[[str], int],
        rng: np.random.Generator,
        *,
        max_tokens: int,
    ) -> None:
        """Draw from `rng` alone.

        Args:
            catalogues: Half of the examples are about one of these, half about one that is invented.
            template: Asks for a sentence, as when serving.
            n_tokens: Of an answer, its end included.
            rng: All chance.
            max_tokens: Longest answer; reasons that no sentence of that length says are not learned from.
        """
        self._catalogues = catalogues
        self._template = template
        self._n_tokens = n_tokens
        self._rng = rng
        self._max_tokens = max_tokens
        texts = [item.description for one in catalogues for item in one.values()]
        titles = [item.title for one in catalogues for item in one.values()]
        self._names = list(dict.fromkeys(t.text for title in titles for t in terms(title)))
        words = dict.fromkeys(t.text for text in texts for t in terms(text) if t.key not in STOP_WORDS)
        self._words = list(words) or self._names

    def examples(self) -> Iterator[Example]:
        """Without end."""
        while True:
            given = self._one(self._catalogues) if self._catalogues and self._chance(0.5) else self.invented()
            ties = DrawnTies(self._rng)
            explainer = EvidenceExplainer(given, ties, None, meter=ties)
            checker = CoverageChecker(given)
            for _ in range(_PER_CATALOGUE):
                item, query = self._asked(given)
                (told,) = explainer.explain(query, Ranking((item.id,), (0.0,), "retrieval"))
                if any(one.kind in {"popularity", "fact"} for one in told.cites) or not told.cites:
                    continue
                example = self._example(given, item, told.cites, checker)
                if example is not None:
                    yield example

    def invented(self) -> Catalogue:
        """A catalogue of some domain that is none: titles, fields and values drawn from words."""
        listed, number = self._one(_LISTED), self._one(_NUMBERS)
        fields = [listed, *self._several(_FIELDS, 1, 2)]
        values = {name: [self._name(1, 2) for _ in range(int(self._rng.integers(4, 14)))] for name in fields}
        dated = self._chance(0.5)
        items = []
        for place in range(_N_INVENTED):
            facts: dict[str, FactValue] = {name: self._one(values[name]) for name in fields[1:]}
            facts[listed] = tuple(self._several(values[listed], 1, 4))
            facts[number] = float(round(float(self._rng.uniform(1, 400)), int(self._rng.integers(0, 3))))
            year = int(self._rng.integers(1930, 2026))
            title = self._name(1, 5) + (f" ({year})" if dated else "")
            facts |= {"year": year} if self._chance(0.6) else {}
            items.append(Item(ItemId(str(place)), title, facts, " ".join(self._several(self._words, 8, 16))))
        return Catalogue(items)

    def _asked(self, catalogue: Catalogue) -> tuple[Item, Query]:
        """An item, and a user for whom something speaks for it."""
        ids = list(catalogue)
        item = catalogue[self._one(ids)]
        alike = [other for other in self._several(ids, 30, 60) if other != item.id]
        near = [other for other in alike if _share(item, catalogue[other])]
        known = [*self._several(near, 0, 2), *self._several(alike, 0, 1)] if near else self._several(alike, 0, 2)
        loved = [self._chance(0.55) for _ in known] if self._chance(0.3) else [self._chance(0.55)] * len(known)
        profile = Profile(
            liked=tuple(ItemEntry(one, 0) for one, is_loved in zip(known, loved, strict=True) if is_loved),
            wishes=(WishEntry(self._wish(item), 0),) if self._chance(0.35) else (),
            constraints=tuple(ConstraintEntry(one, 0) for one in self._conditions(item)),
        )
        met = [one for one, is_loved in zip(known, loved, strict=True) if not is_loved]
        return item, Query(profile=profile, history=History(tuple(Interaction(UserId("u"), one) for one in met)))

    def _wish(self, item: Item) -> str:
        words = [term.text for term in terms(item.description) if term.key not in STOP_WORDS]
        return " ".join(self._several(words, 1, 2)) if words else self._one(self._words)

    def _conditions(self, item: Item) -> Iterator[Constraint]:
        for name, fact in item.facts.items():
            if not self._chance(0.25):
                continue
            if isinstance(fact, (bool, str)):
                yield Constraint(name, "$eq", fact)
            elif isinstance(fact, tuple):
                yield from (Constraint(name, "$eq", value) for value in self._several(fact, 1, 2))
            elif isinstance(fact, (int, float)):
                yield from self._bounds(name, fact)

    def _bounds(self, name: str, fact: float) -> Iterator[Constraint]:
        wide = 10 if "year" in name else max(1.0, abs(fact) / 4)
        low = int((fact - self._rng.uniform(0, wide)) // 10 * 10)
        high = int((fact + self._rng.uniform(0, wide)) // 10 * 10 + 10)
        draw = self._rng.random()
        if draw < 0.7:
            yield Constraint(name, "$gte", low)
        if draw < 0.4 or draw > 0.7:
            yield Constraint(name, "$lte", high - (1 if "year" in name else 0) if high - 1 >= fact else high)

    def _example(
        self, catalogue: Catalogue, item: Item, cites: Sequence[Evidence], checker: CoverageChecker
    ) -> Example | None:
        names = names_of(cites, catalogue)
        known = claims(cites, names)
        first = self._one(first_words(cites))
        for _ in range(_TRIES):
            text = self._sentence(known, len(cites), first)
            if text and self._n_tokens(text) <= self._max_tokens and checker.check(text, cites, item).ok:
                if len(told_in(text, known)) != len(cites):
                    raise AssertionError(f"what is learned from cannot be read back: {text}")
                return Example(writing_prompt(self._template, cites, catalogue, first=first), text)
        return None

    def _sentence(self, known: Sequence[Claim], n_reasons: int, first: str) -> str:
        """A sentence that says all reasons and begins with the word `first`; empty where chance found none."""
        parts = self._parts(known, n_reasons)
        bare = first in {"It", "You"} and parts[0].text.startswith(f"{first.lower()} ")
        opening = "" if bare and (n_reasons > 2 or self._chance(0.5)) else self._one(OPENINGS[first])
        text = self._joined(parts, in_one=first == "Since")
        closing = self._one(CLOSINGS) if first == "Since" else ""
        text = f"{opening}{text}{closing}." if text else ""
        return f"{text[:1].upper()}{text[1:]}"

    def _joined(self, parts: Sequence[Claim], *, in_one: bool) -> str:
        """The claims as one text, `in_one` without a semicolon; empty where that cannot be."""
        text = parts[0].text
        for place, (before, part) in enumerate(pairwise(parts)):
            if is_linked(before) and part.text.startswith(SUBJECT) and self._chance(0.7):
                link = ", and " if before.text.endswith("asked") else ", " if place + 2 < len(parts) else " and "
                text += link + part.text.removeprefix(SUBJECT)
            # Two joints of one kind in a row would blur where a reason ends.
            elif ", and" not in text + part.text:
                text += self._one(JOINTS[:1] if in_one else JOINTS) + part.text
            elif in_one:
                return ""
            else:
                text += self._one(JOINTS[1:]) + part.text
        return text

    def _parts(self, known: Sequence[Claim], n_reasons: int) -> list[Claim]:
        """Claims that say all reasons, in any order, more often than not with the user's items last."""
        left = frozenset(range(n_reasons))
        parts: list[Claim] = []
        while left:
            fitting = [claim for claim in known if claim.tells <= left]
            pairs = [claim for claim in fitting if len(claim.tells) > 1]
            if pairs and self._chance(0.7):
                fitting = pairs
            tells = self._one(list(dict.fromkeys(claim.tells for claim in fitting)))
            claim = self._one([claim for claim in fitting if claim.tells == tells])
            parts.append(claim)
            left -= claim.tells
        drawn = [parts[place] for place in self._rng.permutation(len(parts))]
        return sorted(drawn, key=lambda claim: claim.names) if self._chance(0.7) else drawn

    def _name(self, least: int, most: int) -> str:
        return " ".join(self._one(self._names) for _ in range(int(self._rng.integers(least, most + 1))))

    def _several(self, choices: Sequence[_T], least: int, most: int) -> list[_T]:
        n = min(len(choices), int(self._rng.integers(least, most + 1)))
        return [choices[place] for place in self._rng.choice(len(choices), size=n, replace=False)]

    def _one(self, choices: Sequence[_T]) -> _T:
        return choices[int(self._rng.integers(len(choices)))]

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)


def _share(one: Item, other: Item) -> bool:
    def facts(item: Item) -> set[tuple[str, object]]:
        rows: Mapping[str, FactValue] = item.facts
        return {(name, v) for name, fact in rows.items() for v in (fact if isinstance(fact, tuple) else (fact,))}

    return bool(facts(one) & facts(other))
