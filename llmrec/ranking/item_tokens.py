"""Ranking by a model whose words are the items themselves: one pass over the history scores every candidate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.interfaces import CatalogueScorer
from llmrec.ranking.model_scores import by_model, objection
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.types import Candidate, Histories, Query, Ranking, RankReport

logger = logging.getLogger(__name__)

_ALL_BELIEF = 1.0  # such a model can answer with nothing but items
_NO_HISTORY = "none of the items that the user met or likes is in the catalogue: there is no history to read."


class ItemTokenRanker:
    """Orders candidates by how likely each is next; neither their order nor another candidate moves a score."""

    def __init__(self, scorer: CatalogueScorer, catalogue: Catalogue, *, max_slate: int = 20) -> None:
        """Keep the parts.

        Args:
            scorer: Scores the items of `catalogue`, in its order.
            catalogue: All items.
            max_slate: How many candidates are ordered, from the best on.
        """
        self._scorer = scorer
        self._catalogue = catalogue
        self._max_slate = max_slate

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The slate by logit, then the rest in their order, each one below the last.

        Without a known item in the history, or when the model fails, the order and scores are the candidates' own and
        the report says why.
        """
        return self.rank_many([query], [candidates])[0]

    @property
    def ranks_together(self) -> bool:
        """Always: the model reads any number of histories in one pass."""
        return True

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """What `rank` gives for each of `queries` with its own `candidates`."""
        histories = [self._catalogue.positions(query.positive_item_ids) for query in queries]
        asked = [bool(own) and len(history) > 0 for own, history in zip(candidates, histories, strict=True)]
        try:
            rows = iter(self._scorer.score_histories(_of_users(list(compress(histories, asked)))) if any(asked) else ())
        except ModelError as error:
            logger.warning("the language model did not rank", extra={"reason": type(error).__name__})
            return [retrieval_ranking(own, self._report(degraded=str(error))) for own in candidates]
        return [
            self._by(next(rows), own)
            if is_asked
            else retrieval_ranking(own, self._report(degraded=_NO_HISTORY if own else ""))
            for own, is_asked in zip(candidates, asked, strict=True)
        ]

    def _by(self, row: NDArray[np.float32], candidates: Sequence[Candidate]) -> Ranking:
        slate = [candidate.item_id for candidate in candidates[: self._max_slate]]
        scores = {item_id: float(row[self._catalogue.position(item_id)]) for item_id in slate}
        reason = objection(scores.values(), _ALL_BELIEF, min_label_mass=0.0)
        if reason:
            return retrieval_ranking(candidates, self._report(degraded=reason))
        return by_model(candidates, scores, self._report(_ALL_BELIEF))

    def _report(self, label_mass: float = float("nan"), *, degraded: str = "") -> RankReport:
        return RankReport(
            model=self._scorer.name, adapter=self._scorer.adapter, label_mass=label_mass, degraded=degraded
        )


def _of_users(histories: Sequence[NDArray[np.int64]]) -> Histories:
    n = sum(map(len, histories))
    return Histories(
        starts=np.cumsum([0, *map(len, histories)], dtype=np.int64),
        items=np.concatenate(histories).astype(np.int32),
        values=np.ones(n, dtype=np.float32),
        at=np.full(n, np.nan),
    )
