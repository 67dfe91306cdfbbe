"""All voices at the weights that validation users gave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmrec.interfaces import Ranker, rankings_of, ranks_together
from llmrec.ranking.fusion_model import LM, FusionModel, slate_features
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.ranking.voices import LANGUAGE_MODEL
from llmrec.types import Candidate, ItemId, Query, RankedBy, Ranking, RankReport


class CalibratedRanker:
    """Orders a slate by a fitted FusionModel; no cap but the weights bounds what the language model can do."""

    def __init__(
        self, lm_ranker: Ranker, fusion: FusionModel, popularity: Mapping[ItemId, int], *, slate_size: int
    ) -> None:
        """Keep the parts.

        Args:
            lm_ranker: Ranks with the model; `report.lm_scores` holds its scores. Not asked where it has no weight.
            fusion: Weights by feature.
            popularity: How many users met each item.
            slate_size: How many candidates are ordered, from the best on.
        """
        self._lm_ranker = lm_ranker
        self._fusion = fusion
        self._popularity = popularity
        self._slate_size = slate_size

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The slate by fused score, then the rest in retrieval order, each one below the last.

        Where the model does not answer, the other voices order the slate, and the report says why.
        """
        if not candidates:
            return retrieval_ranking(candidates, RankReport())
        slate = candidates[: self._slate_size]
        report = self._lm_ranker.rank(query, slate).report if self._fusion.hears_model else RankReport()
        return self._with_voice(candidates, report)

    @property
    def ranks_together(self) -> bool:
        """Whether the model's ranker does, and is heard."""
        return self._fusion.hears_model and ranks_together(self._lm_ranker)

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """What `rank` gives for each of `queries` with its own `candidates`."""
        if not self._fusion.hears_model:
            return [self.rank(query, own) for query, own in zip(queries, candidates, strict=True)]
        slates = [own[: self._slate_size] for own in candidates]
        heard = rankings_of(self._lm_ranker, queries, slates)
        return [self._with_voice(own, ranking.report) for own, ranking in zip(candidates, heard, strict=True)]

    def _with_voice(self, candidates: Sequence[Candidate], report: RankReport) -> Ranking:
        if not candidates:
            return retrieval_ranking(candidates, report)
        slate, rest = candidates[: self._slate_size], candidates[self._slate_size :]
        features = slate_features(slate, self._popularity, report.lm_scores)
        source = slate[0].source
        fused = self._fusion.scores(features, source=source).tolist()
        # Sorting is stable: the retrievers' order decides between equals.
        order = sorted(range(len(slate)), key=lambda place: -fused[place])
        scores = [fused[place] for place in order]
        scores += [scores[-1] - n for n in range(1, len(rest) + 1)]
        item_ids = (*(slate[place].item_id for place in order), *(candidate.item_id for candidate in rest))
        parts = {_named(n): part for n, part in self._fusion.parts(features, source=source).items()}
        voices = {c.item_id: {n: float(part[at]) for n, part in parts.items()} for at, c in enumerate(slate)}
        ranked_by: RankedBy = "lm+retrieval" if report.lm_scores else "retrieval"
        weights = {_named(name): weight for name, weight in self._fusion.weights.items()}
        return Ranking(item_ids, tuple(scores), ranked_by, replace(report, voices=voices, weights=weights))


def _named(feature: str) -> str:
    """The feature as the voice it is."""
    return LANGUAGE_MODEL if feature == LM else feature
