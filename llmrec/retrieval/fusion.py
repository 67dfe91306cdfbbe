"""One candidate list out of several retrievers' lists, by rank alone where more than one speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmrec.errors import ConfigError
from llmrec.retrieval.best import require_k
from llmrec.types import Candidate, ItemId


class ReciprocalRankFusion:
    """Sum of weight / (k0 + rank) over the lists that hold an item. Source: Cormack, Clarke & Buettcher 2009."""

    def __init__(self, weights: Mapping[str, float], *, k0: float = 60.0) -> None:
        """Fuse with one weight per retriever's name; a name without one weighs 1, weight 0 makes it mute.

        Raises:
            ConfigError: For a negative weight or `k0`.
        """
        if k0 < 0 or any(weight < 0 for weight in weights.values()):
            raise ConfigError(f"fusion weights {dict(weights)} and k0 {k0} must not be negative.")
        self._weights = dict(weights)
        self._k0 = k0

    def fuse(self, lists: Sequence[Sequence[Candidate]], k: int) -> Sequence[Candidate]:
        """The best `k` over all lists; ties go to the best single rank, then to the earlier list.

        Scores of several retrievers have no common scale, so their ranks are summed. A retriever that alone speaks
        keeps its scores, which say more: how far apart the candidates are.
        """
        require_k(k)
        lists = [found for found in lists if found and self._weights.get(found[0].source, 1.0) > 0]
        if len(lists) == 1:
            return [replace(found, ranks={found.source: rank}) for rank, found in enumerate(lists[0][:k], 1)]
        ranks: dict[ItemId, dict[str, int]] = {}
        parts: dict[ItemId, dict[str, float]] = {}
        for candidates in lists:
            for rank, candidate in enumerate(candidates, 1):
                weight = self._weights.get(candidate.source, 1.0)
                own = parts.setdefault(candidate.item_id, {})
                own[candidate.source] = own.get(candidate.source, 0.0) + weight / (self._k0 + rank)
                ranks.setdefault(candidate.item_id, {})[candidate.source] = rank
        scores = {item_id: sum(own.values()) for item_id, own in parts.items()}
        # Sorting is stable and dicts keep the order of insertion: the earlier list breaks what is still tied.
        best = sorted(scores, key=lambda item_id: (-scores[item_id], min(ranks[item_id].values())))[:k]
        return [Candidate(item_id, scores[item_id], "fusion", ranks[item_id], parts[item_id]) for item_id in best]
