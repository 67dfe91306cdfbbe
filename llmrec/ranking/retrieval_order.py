"""The retrievers' own order: the ranking when no language model is asked, or when it did not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmrec.ranking.voices import parts_of
from llmrec.types import Candidate, Query, Ranking, RankReport


class RetrievalOrderRanker:
    """Leaves candidates as they come."""

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The candidates in their order, with their own scores."""
        return retrieval_ranking(candidates, RankReport())


def retrieval_ranking(candidates: Sequence[Candidate], report: RankReport) -> Ranking:
    """The candidates in their order, and `report` of why no model changed it."""
    item_ids = tuple(candidate.item_id for candidate in candidates)
    report = replace(report, voices={candidate.item_id: parts_of(candidate) for candidate in candidates})
    return Ranking(item_ids, tuple(candidate.score for candidate in candidates), "retrieval", report)
