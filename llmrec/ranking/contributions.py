"""What speaks for a shown item, measured: retrieval, fusion and ranking are asked again with one thing less known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmrec.interfaces import CandidateFusion, ItemFilter, Ranker, Retriever, lists_of
from llmrec.types import (
    Candidate,
    Contributions,
    History,
    ItemId,
    Query,
    Ranking,
    RankReport,
)

_SLATE = 20  # places that count as the slate where no language model was asked
_EQUAL = 1e-9  # a spread below this is rounding, not an opinion


class HeldVoice:
    """A language model's opinion as it was, whatever is asked; implements Ranker."""

    def __init__(self, report: RankReport) -> None:
        """Repeat the scores in `report`."""
        self._report = report

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The candidates as they come, with the report of then."""
        item_ids = tuple(candidate.item_id for candidate in candidates)
        return Ranking(item_ids, tuple(c.score for c in candidates), "lm+retrieval", self._report)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is asked again; the same parts that serve.

    Attributes:
        n_candidates: How many items each retriever is asked for.
    """

    item_filter: ItemFilter
    retrievers: Sequence[Retriever]
    fusion: CandidateFusion
    ranker: Ranker
    n_candidates: int


class LeaveOneOut:
    """Takes one thing at a time out of what is known of a user; implements ContributionMeter.

    All retrievers and the fusion are asked again for each thing. The language model is asked again for the few things
    that would be cited first; for the others it keeps its opinion, which at a small weight changes little.
    """

    def __init__(self, pipeline: Pipeline, held: Callable[[RankReport], Ranker], *, n_rereads: int) -> None:
        """Ask `pipeline` again.

        Args:
            pipeline: What serves.
            held: Its ranker with the language model's opinion of a report, which costs nothing to ask.
            n_rereads: How often the language model itself may be asked.
        """
        self._pipeline = pipeline
        self._held = held
        self._n_rereads = n_rereads

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        """See ContributionMeter. What the user met stays out of the lists, also where it is taken out of the query."""
        sources = list(dict.fromkeys(sources))
        without: dict[ItemId | None, Query] = {source: _without_item(query, source) for source in sources}
        if query.text.strip():
            without[None] = replace(query, profile=replace(query.profile, wishes=(), leanings=()))
        if not ranking.item_ids or not without:
            return [Contributions() for _ in ranking.item_ids]
        asked = [query, *without.values()]
        candidates = self._candidates(asked)
        held = self._held(ranking.report)
        before, *after = (
            _Scores.of(held.rank(one, found), found) for one, found in zip(asked, candidates, strict=True)
        )
        falls = {
            key: before.falls(then, ranking.item_ids) if key is not None else before.lifts(then, ranking.item_ids)
            for key, then in zip(without, after, strict=True)
        }
        if ranking.report.lm_scores:
            for source in _strongest(falls, ranking.item_ids)[: self._n_rereads]:
                place = 1 + list(without).index(source)
                again = self._pipeline.ranker.rank(asked[place], candidates[place])
                falls[source] = before.falls(_Scores.of(again, candidates[place]), ranking.item_ids)
        return [_contributions(falls, item_id) if item_id in before.of_item else None for item_id in ranking.item_ids]

    def _candidates(self, queries: Sequence[Query]) -> Sequence[Sequence[Candidate]]:
        pipeline = self._pipeline
        masks = [pipeline.item_filter.allowed(queries[0]).mask] * len(queries)
        lists = [lists_of(retriever, queries, pipeline.n_candidates, masks) for retriever in pipeline.retrievers]
        return [pipeline.fusion.fuse(found, pipeline.n_candidates) for found in zip(*lists, strict=True)]


@dataclass(frozen=True, slots=True)
class _Scores:
    """Final scores of one ranking.

    Attributes:
        of_item: By item; with a language model none is below its slate's lowest, for what follows has a place and no
            score.
        unit: Scores of one unit can be compared.
        mean: Of the slate.
        spread: Standard deviation of the slate.
    """

    of_item: Mapping[ItemId, float]
    unit: str
    mean: float
    spread: float

    @classmethod
    def of(cls, ranking: Ranking, candidates: Sequence[Candidate]) -> _Scores:
        n_heard = len(ranking.report.lm_scores)
        scores = np.asarray(ranking.scores, dtype=np.float64)
        slate = scores[: n_heard or _SLATE]
        if not len(slate):
            return cls({}, "", 0.0, 0.0)
        bounded = np.maximum(scores, slate.min()) if n_heard else scores
        of_item = dict(zip(ranking.item_ids, bounded.tolist(), strict=True))
        # With a model's voice scores are standardised. Without one they are those of whoever retrieved alone.
        unit = "standardised" if n_heard else candidates[0].source
        return cls(of_item, unit, float(slate.mean()), float(slate.std()))

    def falls(self, after: _Scores, item_ids: Sequence[ItemId]) -> Mapping[ItemId, float]:
        """How far each item falls, in spreads of this slate; where the unit changes, its place in its slate counts."""
        lowest = min(after.of_item.values(), default=after.mean)
        known = {item_id: after.of_item.get(item_id, lowest) for item_id in item_ids if item_id in self.of_item}
        if self.spread <= _EQUAL:
            return dict.fromkeys(known, 0.0)
        if after.unit == self.unit:
            return {item_id: (self.of_item[item_id] - then) / self.spread for item_id, then in known.items()}
        return {item_id: self._place(self.of_item[item_id]) - after._place(then) for item_id, then in known.items()}

    def lifts(self, after: _Scores, item_ids: Sequence[ItemId]) -> Mapping[ItemId, float]:
        """As `falls`, but 0 for an item that keeps its rank: without the words all scores are of fewer lists."""
        return {
            item_id: fall if after._rank(item_id) > self._rank(item_id) else 0.0
            for item_id, fall in self.falls(after, item_ids).items()
        }

    def _rank(self, item_id: ItemId) -> float:
        return list(self.of_item).index(item_id) if item_id in self.of_item else math.inf

    def _place(self, score: float) -> float:
        return (score - self.mean) / self.spread if self.spread > _EQUAL else 0.0


def _strongest(falls: Mapping[ItemId | None, Mapping[ItemId, float]], item_ids: Sequence[ItemId]) -> list[ItemId]:
    """What speaks most for each item, item by item, each thing once."""
    sources = [source for source in falls if source is not None]
    best = (max(sources, key=lambda source: falls[source].get(item_id, 0.0)) for item_id in item_ids if sources)
    return list(dict.fromkeys(best))


def _contributions(falls: Mapping[ItemId | None, Mapping[ItemId, float]], item_id: ItemId) -> Contributions:
    items = {source: fall[item_id] for source, fall in falls.items() if source is not None}
    return Contributions(items, falls[None][item_id] if None in falls else None)


def _without_item(query: Query, item_id: ItemId) -> Query:
    kept = tuple(row for row in query.history.interactions if row.item_id != item_id)
    liked = tuple(entry for entry in query.profile.liked if entry.item_id != item_id)
    return replace(query, history=History(kept), profile=replace(query.profile, liked=liked))
