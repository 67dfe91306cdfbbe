"""Where an item stands for a query: the pipeline's own answer, step by step, also for what is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llmrec.ranking.contributions import Pipeline
from llmrec.types import Allowed, Candidate, ItemId, Query, Ranking, Standing

_DEPTH = 1000  # places of a retriever that are searched for an item it does not find among its best


class Standings:
    """Asks the parts that serve, and keeps what they say of some items."""

    def __init__(self, pipeline: Pipeline, position: Callable[[ItemId], int]) -> None:
        """Ask `pipeline` about items of a catalogue; `position` says where in it they are."""
        self._pipeline = pipeline
        self._position = position

    def of(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> Sequence[Standing]:
        """Where each of `item_ids`, items of the catalogue, stands when `k` items are recommended for `query`."""
        return self.ranked(query, item_ids, k=k)[1]

    def ranked(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> tuple[Ranking, Sequence[Standing]]:
        """The ranking of all candidates beside what `of` says of `item_ids`."""
        parts = self._pipeline
        allowed = parts.item_filter.allowed(query)
        # As many as a recommender asks for; see Assistant.
        n_candidates = max(parts.n_candidates, 3 * k)
        depth = max(n_candidates, _DEPTH)
        lists = [retriever.retrieve(query, depth, allowed=allowed.mask) for retriever in parts.retrievers]
        candidates = parts.fusion.fuse([found[:n_candidates] for found in lists], n_candidates)
        ranking = parts.ranker.rank(query, candidates)
        shown = parts.item_filter.select(query, allowed, ranking, k)
        return ranking, [self._standing(item_id, allowed, lists, ranking, shown) for item_id in item_ids]

    def _standing(
        self,
        item_id: ItemId,
        allowed: Allowed,
        lists: Sequence[Sequence[Candidate]],
        ranking: Ranking,
        shown: tuple[ItemId, ...],
    ) -> Standing:
        if not allowed.mask[self._position(item_id)]:
            return Standing(item_id, shown, relaxed=allowed.relaxed)
        place = ranking.item_ids.index(item_id) if item_id in ranking.item_ids else None
        lowest = max(map(ranking.item_ids.index, shown), default=-1)
        return Standing(
            item_id,
            shown,
            is_allowed=True,
            relaxed=allowed.relaxed,
            retrieved=_ranks(item_id, lists),
            n_candidates=len(ranking.item_ids),
            rank=None if place is None else place + 1,
            score=None if place is None else ranking.scores[place],
            is_passed_over=place is not None and place < lowest and item_id not in shown,
            lead=_lead(ranking, over=item_id, of=shown[-1]) if shown else {},
            voices=ranking.report.voices.get(item_id, {}),
        )


def _ranks(item_id: ItemId, lists: Sequence[Sequence[Candidate]]) -> Mapping[str, int]:
    return {
        candidate.source: rank
        for found in lists
        for rank, candidate in enumerate(found, 1)
        if candidate.item_id == item_id
    }


def _lead(ranking: Ranking, *, over: ItemId, of: ItemId) -> Mapping[str, float]:
    voices = ranking.report.voices
    if over not in voices or of not in voices:
        return {}
    names = dict.fromkeys((*voices[of], *voices[over]))
    return {name: voices[of].get(name, 0.0) - voices[over].get(name, 0.0) for name in names}
