"""The stages after retrieval, over whole histories: candidates fused by rank, and a language model's order of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from llmrec.interfaces import Ranker
from llmrec.ranking.fused import FusedRanker
from llmrec.retrieval.best import best_positions
from llmrec.retrieval.scoring import HistoryScorer, ScoreTable
from llmrec.types import Candidate, Histories, History, Interaction, ItemId, Query, Ranking, RankReport, UserId

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
    name: str = "fused_without_lm"

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


@dataclass
class ModelVoice:
    """A language model's ranking of each user's slate, asked once and kept for every stage that wants it.

    Attributes:
        base: Whose best items are the slate.
        item_ids: The catalogue's ids, in its order.
        saved_s: Seconds that answers took which were then given again for nothing.
    """

    base: HistoryScorer
    ranker: Ranker
    item_ids: Sequence[ItemId]
    slate_size: int
    saved_s: float = 0.0
    _heard: dict[bytes, tuple[Ranking, float]] = field(default_factory=dict)

    def slate(self, row: NDArray[np.float32], seen: NDArray[np.int32]) -> list[Candidate]:
        """The best unseen items of one score row, as candidates."""
        allowed = np.ones(len(row), dtype=bool)
        allowed[seen] = False
        best = best_positions(row, self.slate_size, allowed=allowed)
        return [Candidate(self.item_ids[item], float(row[item]), self.base.name) for item in best.tolist()]

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The model's ranking; the same query and slate are asked once."""
        asked = "\n".join([*query.positive_item_ids, "", *(candidate.item_id for candidate in candidates)])
        key = asked.encode("utf-8", "surrogatepass")
        if key in self._heard:
            self.saved_s += self._heard[key][1]
        else:
            started = time.perf_counter()
            ranking = self.ranker.rank(query, candidates)
            self._heard[key] = ranking, time.perf_counter() - started
        return self._heard[key][0]

    def reports(self, histories: Histories) -> Iterator[tuple[int, RankReport]]:
        """Each user (row of `histories`) whom the model answered, with its report."""
        scores = self.base.score_histories(histories)
        for user, row in enumerate(scores):
            seen = histories.items[histories.starts[user] : histories.starts[user + 1]]
            report = self.rank(query_of(seen, self.item_ids), self.slate(row, seen)).report
            if report.lm_scores:
                yield user, report

    def beliefs(self, histories: Histories) -> Iterator[tuple[int, Mapping[ItemId, float]]]:
        """Each user (row of `histories`) whom the model answered, with its probability of each item of the slate."""
        for user, report in self.reports(histories):
            found = report.lm_scores
            chances = np.exp(np.fromiter(found.values(), dtype=np.float64) - max(found.values()))
            yield user, dict(zip(found, (chances / chances.sum()).tolist(), strict=True))


@dataclass(frozen=True)
class ModelScorer:
    """A stage whose slate a ranker orders; everything below the slate keeps its retrieval order.

    Attributes:
        voice: The language model and the stage before it.
        ranker: Orders the slate; it may ask `voice`.
    """

    name: str
    voice: ModelVoice
    ranker: Ranker

    @property
    def is_model_alone(self) -> bool:
        """Whether nothing but the model orders the slate."""
        return self.ranker is self.voice

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items]; the slate above the base's own highest score, in the ranker's order."""
        scores = self.voice.base.score_histories(histories)
        places = {item_id: place for place, item_id in enumerate(self.voice.item_ids)}
        for user, row in enumerate(scores):
            seen = histories.items[histories.starts[user] : histories.starts[user + 1]]
            candidates = self.voice.slate(row, seen)
            ranking = self.ranker.rank(query_of(seen, self.voice.item_ids), candidates)
            top = float(row.max())
            step = max(1.0, abs(top) * 1e-6)
            row[[places[item_id] for item_id in ranking.item_ids]] = top + step * np.arange(len(candidates), 0, -1)
        return scores


def model_scorers(voice: ModelVoice, *, lm_weight: float, max_lift: int) -> Mapping[str, HistoryScorer]:
    """The three last stages over the same slates: the model alone, retrieval alone, both."""
    fused = FusedRanker(voice, lm_weight=lm_weight, max_lift=max_lift)
    return {
        "lm": ModelScorer("lm", voice, voice),
        "fused_without_lm": voice.base,
        "fused": ModelScorer("fused", voice, fused),
    }


def query_of(items: NDArray[np.int32], item_ids: Sequence[ItemId]) -> Query:
    """What a ranker is told of a user who met `items` (catalogue positions, oldest first)."""
    return Query(history=History(tuple(Interaction(_SOMEBODY, item_ids[item]) for item in items.tolist())))
