"""The pipeline asked again with one thing less known of a user, and everything an explanation said checked."""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.explanation_check import Sources, faults
from llmrec.assistant import Assistant
from llmrec.data.catalogue import Catalogue
from llmrec.data.titles import split_year
from llmrec.evaluation.estimates import Estimate, bootstrap_means
from llmrec.explanation.evidence import EvidenceExplainer, sentence
from llmrec.explanation.phrasing import LMPhraser
from llmrec.index import Fitted
from llmrec.rankers import user_counts
from llmrec.ranking.contributions import Pipeline
from llmrec.ranking.standing import Standings
from llmrec.types import Explanation, History, ItemEntry, ItemId, Query, Ranking, Recommendation, Turn, UserId

K = 3
CITED, SHARED, ALIKE = "cited (measured)", "control: shared facts alone", "control: nearest in content"
WAYS = (CITED, SHARED, ALIKE)
LOWER, MORE = "its removal lowers the score", "by more than a random other's"


@dataclass
class Removals:
    """Scores of what is shown to one user by the pipeline that serves: with all that is known, with one thing less."""

    standings: Standings
    query: Query
    shown: Sequence[ItemId]
    known: dict[ItemId | None, Mapping[ItemId, float]] = field(default_factory=dict)

    def fall(self, item_id: ItemId, source: ItemId) -> float:
        """How far the score of `item_id` falls without `source`; infinite where it is no candidate any more."""
        return self._scores(None)[item_id] - self._scores(source)[item_id]

    def _scores(self, source: ItemId | None) -> Mapping[ItemId, float]:
        if source not in self.known:
            query = self.query if source is None else without(self.query, source)
            found = self.standings.of(query, self.shown, k=K)
            self.known[source] = {one.item_id: -math.inf if one.score is None else one.score for one in found}
        return self.known[source]


@dataclass
class Tally:
    """What is counted of all users."""

    cases: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    n: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def without(query: Query, source: ItemId) -> Query:
    """`query` as if the user had never met `source`, which is still not to be shown."""
    kept = tuple(row for row in query.history.interactions if row.item_id != source)
    liked = tuple(entry for entry in query.profile.liked if entry.item_id != source)
    profile = replace(query.profile, liked=liked, seen=(*query.profile.seen, ItemEntry(source, 0)))
    return replace(query, history=History(kept), profile=profile)


class Bench:
    """One recommender, asked by many users."""

    def __init__(self, fitted: Fitted, assistant: Assistant, *, seed: int) -> None:
        """Measure `assistant` over `fitted`; `seed` draws the random other items."""
        parts = assistant.stages
        pipeline = Pipeline(parts.item_filter, parts.retrievers, parts.fusion, parts.ranker, parts.n_candidates)
        self._fitted = fitted
        self._assistant = assistant
        self._standings = Standings(pipeline, fitted.catalogue.position)
        self._rng = np.random.default_rng(seed)
        self._by_facts = EvidenceExplainer(fitted.catalogue, None, None)
        self._sources = Sources(
            fitted.catalogue,
            user_counts(fitted.interactions),
            cosine=lambda one, other: fitted.vectors.similarity(one, [other])[0],
            lifts=self._lifts,
        )
        self.tally = Tally()

    def counterfactual(self, user_id: UserId) -> None:
        """Recommend to one user, take each cited item out, and count."""
        query = Query(history=self._fitted.interactions.history(user_id))
        cards = self._assistant.recommend(query, k=K).recommendations
        shown = [card.item_id for card in cards]
        removals = Removals(self._standings, query, shown)
        cited_by: Mapping[str, Callable[[Recommendation], Sequence[ItemId]]] = {
            CITED: lambda card: cited(card),
            SHARED: self._facts_cite(query, shown),
            ALIKE: lambda card: self._nearest(query, card),
        }
        for way, citing in cited_by.items():
            self._count(way, [(card.item_id, source) for card in cards for source in citing(card)], removals)
        self.tally.n["shown"] += len(cards)
        self.tally.n["with a cited item"] += sum(bool(cited(card)) for card in cards)
        self._check(cards, query)

    def conversation(self, user_id: UserId, message: str) -> None:
        """Answer a message of one user, and check every explanation in the reply."""
        query = Query(turns=(Turn("user", message),), history=self._fitted.interactions.history(user_id))
        query = replace(query, profile=self._assistant.understand(query).profile)
        self._check(self._assistant.recommend(query, k=K).recommendations, query)

    def phrasing(self, user_id: UserId, message: str, coin: LMPhraser) -> None:
        """Count how many explanations of a reply the language model wrote and chose, and how many a coin would have."""
        query = Query(turns=(Turn("user", message),), history=self._fitted.interactions.history(user_id))
        query = replace(query, profile=self._assistant.understand(query).profile)
        silent = Assistant(replace(self._assistant.stages, phraser=None))
        reply = silent.recommend(query, k=K)
        templates = [Explanation(c.item_id, sentence(c.evidence), c.evidence) for c in reply.recommendations]
        thrown = coin.phrase(query, templates)
        began = time.perf_counter()
        spoken = (
            self._assistant.stages.phraser.phrase(query, templates) if self._assistant.stages.phraser else templates
        )
        self.tally.seconds.append(time.perf_counter() - began)
        cards = zip(reply.recommendations, spoken, strict=True)
        self._check([replace(card, explanation=one.text) for card, one in cards], query)
        self.tally.shapes += [_shape(one, self._fitted.catalogue) for one in spoken if one.phrased_by != "template"]
        self.tally.n["phrasing: shown"] += len(templates)
        self.tally.n["phrasing: written by the model"] += sum(one.phrased_by == "adapter" for one in spoken)
        self.tally.n["phrasing: chosen by the model"] += sum(one.phrased_by == "lm" for one in spoken)
        self.tally.n["phrasing: by a coin"] += sum(one.phrased_by == "lm" for one in thrown)

    def estimates(self) -> Mapping[tuple[str, str], Estimate]:
        """Means over users of the share of their cases, with intervals."""
        columns = {key: np.asarray(values) for key, values in self.tally.cases.items()}
        return bootstrap_means(columns, seed=0)

    def _count(self, way: str, pairs: Sequence[tuple[ItemId, ItemId]], removals: Removals) -> None:
        lower, more = [], []
        for item_id, source in pairs:
            fall = removals.fall(item_id, source)
            other = removals.fall(item_id, self._other(removals.query, source))
            lower.append(fall > 0)
            more.append(fall > other)
        self.tally.n[f"cases, {way}"] += len(pairs)
        for what, hits in ((LOWER, lower), (MORE, more)):
            self.tally.cases[way, what].append(float(np.mean(hits)) if hits else math.nan)

    def _other(self, query: Query, source: ItemId) -> ItemId:
        others = [item_id for item_id in dict.fromkeys(query.positive_item_ids) if item_id != source]
        return others[int(self._rng.integers(len(others)))]

    def _facts_cite(self, query: Query, shown: Sequence[ItemId]) -> Callable[[Recommendation], Sequence[ItemId]]:
        ranking = Ranking(tuple(shown), (0.0,) * len(shown), "retrieval")
        found = {one.item_id: one.cites for one in self._by_facts.explain(query, ranking)}
        return lambda card: [piece.item_id for piece in found[card.item_id] if piece.item_id is not None][:1]

    def _nearest(self, query: Query, card: Recommendation) -> Sequence[ItemId]:
        met = list(dict.fromkeys(query.positive_item_ids))
        cosines = np.nan_to_num(self._fitted.vectors.similarity(card.item_id, met), nan=-1.0)
        return [met[int(np.argmax(cosines))]]

    def _check(self, cards: Sequence[Recommendation], query: Query) -> None:
        for card in cards:
            found = faults(card, query, self._sources)
            self.tally.n["checked"] += 1
            self.tally.n["true and covered"] += not found
            self.tally.faults += [f"{card.title}: {card.explanation} -> {fault}" for fault in found]

    def _lifts(self, query: Query, item_id: ItemId, source: ItemId | None) -> bool:
        # What vague words were taken to mean was said with them.
        unsaid = replace(query, profile=replace(query.profile, wishes=(), leanings=()))
        less = unsaid if source is None else without(query, source)
        (before,) = self._standings.of(query, [item_id], k=K)
        (after,) = self._standings.of(less, [item_id], k=K)
        if before.score is None or after.score is None:
            return before.score is not None
        # Without the wish another retriever may speak alone, whose scores have another unit; ranks have none.
        return _rank(after.rank) > _rank(before.rank) if source is None else after.score < before.score


def cited(card: Recommendation) -> Sequence[ItemId]:
    """The user's own items that the explanation cites, each once."""
    return list(dict.fromkeys(piece.item_id for piece in card.evidence if piece.item_id is not None))


def _shape(explanation: Explanation, catalogue: Catalogue) -> str:
    """The explanation without what it is about: titles, values and numbers."""
    text = explanation.text
    titles = {catalogue[piece.item_id].title for piece in explanation.cites if piece.item_id is not None}
    values = {value for piece in explanation.cites for value in piece.value.split(", ") if value}
    for known in sorted({*titles, *(split_year(title)[0] for title in titles), *values}, key=len, reverse=True):
        text = text.replace(known, "_")
    return re.sub(r"\d+", "_", text)


def _rank(rank: int | None) -> float:
    return math.inf if rank is None else rank
