"""From a model's scores of a slate to an order of all candidates, or to the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from llmrec.types import Candidate, ItemId, Ranking, RankReport


def by_model(candidates: Sequence[Candidate], lm_scores: Mapping[ItemId, float], report: RankReport) -> Ranking:
    """The items of `lm_scores`, best first, then the other candidates in their order, each one below the last.

    The candidates' order decides between equals; `report` gets the scores.
    """
    # Sorting is stable.
    shown = sorted((c.item_id for c in candidates if c.item_id in lm_scores), key=lambda item_id: -lm_scores[item_id])
    unseen = [c.item_id for c in candidates if c.item_id not in lm_scores]
    lowest = min(lm_scores.values())
    values = [lm_scores[item_id] for item_id in shown] + [lowest - n for n in range(1, len(unseen) + 1)]
    return Ranking((*shown, *unseen), tuple(values), "lm+retrieval", replace(report, lm_scores=lm_scores))


def objection(scores: Iterable[float], label_mass: float, *, min_label_mass: float) -> str:
    """Why a model's scores cannot be used, in one sentence; empty when they can."""
    if not all(math.isfinite(value) for value in (*scores, label_mass)):
        return "the language model returned scores that are not numbers."
    if label_mass < min_label_mass:
        return (
            f"the language model put {label_mass:.4f} of its belief on the labels, "
            f"under {min_label_mass}: it is not answering with one."
        )
    return ""


def order_flip_rate(first: Mapping[ItemId, float], second: Mapping[ItemId, float]) -> float:
    """Share of item pairs that two sets of scores put in different order, in [0, 1]; nan without a pair.

    Of the items that both hold. A pair that only one of them ties counts half.
    """
    pairs = list(combinations([item_id for item_id in first if item_id in second], 2))
    if not pairs:
        return float("nan")
    return sum(abs(_order(first, *pair) - _order(second, *pair)) for pair in pairs) / (2 * len(pairs))


def _order(scores: Mapping[ItemId, float], a: ItemId, b: ItemId) -> int:
    return (scores[a] > scores[b]) - (scores[a] < scores[b])
