"""Two voices, one order: the retrievers' standardised score plus a weight times the language model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from llmrec.interfaces import Ranker, rankings_of, ranks_together
from llmrec.ranking.fusion_model import RETRIEVAL, standardised
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.ranking.voices import LANGUAGE_MODEL, standardised_parts
from llmrec.types import Candidate, Query, Ranking, RankReport


class FusedRanker:
    """Lets a language model move candidates, as far as its weight and a cap allow."""

    def __init__(self, lm_ranker: Ranker, *, lm_weight: float, max_lift: int = 10) -> None:
        """Keep the ranker whose report carries the model's scores.

        Args:
            lm_ranker: Ranks with the model; `report.lm_scores` holds the items it was shown.
            lm_weight: What the model's score is worth beside the retrievers'; at 0 it is not asked.
            max_lift: How many ranks above its retrieval rank an item may end.
        """
        self._lm_ranker = lm_ranker
        self._lm_weight = lm_weight
        self._max_lift = max_lift

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The slate by fused score, then the rest in retrieval order.

        Scores of the slate are in standard deviations, lowered where the cap put an item below its own score, so they
        never rise down the list; each later candidate's is one below the last. Without the model's answer the order
        and scores are the candidates' own.
        """
        if not candidates or self._lm_weight == 0:
            return retrieval_ranking(candidates, RankReport())
        return self._with_voice(candidates, self._lm_ranker.rank(query, candidates).report)

    @property
    def ranks_together(self) -> bool:
        """Whether the model's ranker does."""
        return ranks_together(self._lm_ranker)

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """What `rank` gives for each of `queries` with its own `candidates`."""
        if self._lm_weight == 0:
            return [retrieval_ranking(own, RankReport()) for own in candidates]
        heard = rankings_of(self._lm_ranker, queries, candidates)
        return [self._with_voice(own, ranking.report) for own, ranking in zip(candidates, heard, strict=True)]

    def _with_voice(self, candidates: Sequence[Candidate], report: RankReport) -> Ranking:
        if not any(candidate.item_id in report.lm_scores for candidate in candidates):
            # An opinion that was held while something else is retrieved may be of none of it.
            return retrieval_ranking(candidates, replace(report, lm_scores={}))
        return self._fuse(candidates, report)

    def _fuse(self, candidates: Sequence[Candidate], report: RankReport) -> Ranking:
        shown = [c for c in candidates if c.item_id in report.lm_scores]
        rest = [c for c in candidates if c.item_id not in report.lm_scores]
        retrieval = standardised([c.score for c in shown])
        model = standardised([report.lm_scores[c.item_id] for c in shown])
        fused = retrieval + self._lm_weight * model
        order = _capped_order(fused, max_lift=self._max_lift)
        scores = list(accumulate((float(fused[place]) for place in order), min))
        scores += [scores[-1] - n for n in range(1, len(rest) + 1)]
        item_ids = (*(shown[place].item_id for place in order), *(c.item_id for c in rest))
        spoken = standardised_parts(shown)
        voices = {
            candidate.item_id: {**parts, LANGUAGE_MODEL: self._lm_weight * float(own)}
            for candidate, parts, own in zip(shown, spoken, model, strict=True)
        }
        weights = {RETRIEVAL: 1.0, LANGUAGE_MODEL: self._lm_weight}
        return Ranking(item_ids, tuple(scores), "lm+retrieval", replace(report, voices=voices, weights=weights))


def _capped_order(scores: NDArray[np.float64], *, max_lift: int) -> list[int]:
    """Places by score, best first, none more than `max_lift` above where it stood; the earlier place wins a tie."""
    waiting = list(range(len(scores)))
    order: list[int] = []
    while waiting:
        reachable = [place for place in waiting if place <= len(order) + max_lift]
        best = max(reachable, key=lambda place: (scores[place], -place))
        order.append(best)
        waiting.remove(best)
    return order
