"""The stages after retrieval, over whole histories: candidates fused by rank, and rankers' orders of the best."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from llmrec.evaluation.fusion_fitting import CrossFitted
from llmrec.evaluation.heard import HeardRanker
from llmrec.interfaces import Ranker
from llmrec.ranking.calibrated import CalibratedRanker
from llmrec.retrieval.best import best_positions
from llmrec.retrieval.scoring import HistoryScorer, ScoreTable
from llmrec.types import Candidate, Histories, History, Interaction, ItemId, Query, Ranking, RankReport, UserId

RANK_FUSION = "fusion"
"""The source of candidates that several retrievers found, as a recommender calls it."""
_SOMEBODY = UserId("")


@dataclass(frozen=True)
class RankFusionScorer:
    """Several stages' best items by reciprocal rank, as a recommender fuses them. Source: Cormack et al. 2009.

    A recommender has to put one of two equals first; here both get their mean rank, so that no order of items decides.
    Cold users get what the parts give them, cold items what the parts that read text give them.

    Attributes:
        parts: The fitted stages.
        weights: By stage name.
        n_candidates: How many items of each part are heard.
    """

    parts: Sequence[HistoryScorer]
    weights: Mapping[str, float]
    n_candidates: int
    k0: float = 60.0
    name: str = RANK_FUSION

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items]; 0 for what no part named."""
        fused: ScoreTable | None = None
        for part in self.parts:
            scores = part.score_histories(histories)
            fused = np.zeros_like(scores) if fused is None else fused
            for user, row in enumerate(scores):
                seen = histories.items[histories.starts[user] : histories.starts[user + 1]]
                best, ranks = _ranked(row, seen, self.n_candidates)
                fused[user, best] += (self.weights[part.name] / (self.k0 + ranks)).astype(np.float32)
        assert fused is not None, "a fusion has at least one part"
        return fused


def _ranked(row: NDArray[np.float32], seen: NDArray[np.int32], n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions of the `n` best items outside `seen`, and of all that tie with the last of them, and their ranks.

    Equal scores share their mean rank. What shares the lowest score of all is what the part knows nothing of.
    """
    unseen = np.ones(len(row), dtype=bool)
    unseen[seen] = False
    named = np.flatnonzero(unseen & (row > row.min()))
    if len(named) > n:
        named = named[row[named] >= np.partition(row[named], -n)[-n]]
    return named, stats.rankdata(-row[named], method="average")


@dataclass(frozen=True)
class Slates:
    """The best items of each user, as candidates for whatever orders them.

    Attributes:
        base: Whose best items they are.
        item_ids: The catalogue's ids, in its order.
        size: How many items a slate has.
    """

    base: HistoryScorer
    item_ids: Sequence[ItemId]
    size: int

    def of(self, histories: Histories, scores: ScoreTable) -> Iterator[tuple[Query, list[Candidate]]]:
        """What is known of each user, and the best unseen items of his row of `scores`, which are the base's."""
        for user, row in enumerate(scores):
            seen = histories.items[histories.starts[user] : histories.starts[user + 1]]
            allowed = np.ones(len(row), dtype=bool)
            allowed[seen] = False
            best = best_positions(row, self.size, allowed=allowed)
            found = [Candidate(self.item_ids[item], float(row[item]), self.base.name) for item in best.tolist()]
            yield query_of(seen, self.item_ids), found


@dataclass(frozen=True)
class SlateScorer:
    """A stage whose slate a ranker orders; everything below the slate keeps its retrieval order.

    Attributes:
        slates: The stage before it.
        ranker: Orders the slate.
        heard: The language model that `ranker` asks or is; None for none.
        beliefs: Has the temperature of the model's probabilities; None where none was learned.
    """

    name: str
    slates: Slates
    ranker: Ranker
    heard: HeardRanker | None = None
    beliefs: CrossFitted | None = None

    @property
    def is_model_alone(self) -> bool:
        """Whether nothing but a language model orders the slate."""
        return self.ranker is self.heard

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items]; the slate above the base's own highest score, as the ranker scores it.

        What the ranker gives equal scores has them here.
        """
        scores = self.slates.base.score_histories(histories)
        places = {item_id: place for place, item_id in enumerate(self.slates.item_ids)}
        for row, (query, candidates) in zip(scores, self.slates.of(histories, scores), strict=True):
            ranking = self.ranker.rank(query, candidates)
            top = float(row.max())
            step = max(1.0, abs(top) * 1e-6)
            _, levels = np.unique(ranking.scores, return_inverse=True)
            row[[places[item_id] for item_id in ranking.item_ids]] = top + step * (1 + levels)
        return scores

    def reports(self, histories: Histories) -> Iterator[tuple[Query, RankReport]]:
        """How each user's ranking came about, in the order of `histories`."""
        scores = self.slates.base.score_histories(histories)
        for query, candidates in self.slates.of(histories, scores):
            yield query, self.ranker.rank(query, candidates).report


@dataclass(frozen=True)
class ShuffledRanker:
    """Any order at all: what a ranker is worth is how far it is above this."""

    seed: int

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The candidates in an order drawn from seed and user, the same for the same."""
        said = json.dumps([self.seed, query.positive_item_ids]).encode()
        rng = np.random.default_rng(np.frombuffer(hashlib.sha256(said).digest(), dtype=np.uint32))
        item_ids = tuple(candidates[place].item_id for place in rng.permutation(len(candidates)))
        return Ranking(item_ids, tuple(float(-place) for place in range(len(item_ids))), "retrieval")


@dataclass(frozen=True)
class CrossFittedRanker:
    """Every user's slate in the order of weights that were learned without him.

    Attributes:
        lm_ranker: Asked where it has a weight.
        fusions: Weights by user.
        popularity: How many users met each item.
        slate_size: See CalibratedRanker.
    """

    lm_ranker: Ranker
    fusions: CrossFitted
    popularity: Mapping[ItemId, int]
    slate_size: int

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """As a recommender would rank with those weights."""
        model = self.fusions.model_for(query)
        ranker = CalibratedRanker(self.lm_ranker, model, self.popularity, slate_size=self.slate_size)
        return ranker.rank(query, candidates)


def query_of(items: NDArray[np.int32], item_ids: Sequence[ItemId]) -> Query:
    """What a ranker is told of a user who met `items` (catalogue positions, oldest first)."""
    return Query(history=History(tuple(Interaction(_SOMEBODY, item_ids[item]) for item in items.tolist())))
