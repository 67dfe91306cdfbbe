"""Accuracy of what is recommended next in a conversation: every gold item counts once, dialogues are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import DataError
from llmrec.evaluation.estimates import N_DRAWS, Estimate, bootstrap_draws

CUTOFFS = (1, 5, 10, 20, 50)
_NDCG_AT = 10


def rank_of(scores: NDArray[np.float32], twins: Sequence[int]) -> float:
    """Where the best of `twins`, positions of one name, stands; equal scores share the mean of their places.

    Args:
        scores: float32 [n_items], -inf for what is not ranked.
        twins: Not empty.

    Returns:
        From 1; inf when none of them is ranked.

    Raises:
        DataError: When a score is nan.
    """
    best = scores[list(twins)].max()
    if np.isnan(scores).any():
        raise DataError("a score is nan; every score must be a number.")
    if best == -np.inf:
        return float("inf")
    return float((scores > best).sum() + ((scores == best).sum() + 1) / 2)


def gold_metrics(ranks: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
    """`R@1` to `R@50`, `NDCG@10` and `MRR` of each gold item, float64 [n] each, from its rank, inf for never.

    One item is sought at a time, so R@k is 1 inside k, NDCG@10 is 1 / log2(rank + 1) inside 10 and MRR 1 / rank.
    """
    recalls = {f"R@{k}": (ranks <= k).astype(np.float64) for k in CUTOFFS}
    gains = np.where(ranks <= _NDCG_AT, 1 / np.log2(ranks + 1), 0.0)
    return {**recalls, f"NDCG@{_NDCG_AT}": gains, "MRR": 1 / ranks}


def over_dialogues(
    values: Mapping[str, NDArray[np.float64]], dialogues: NDArray[np.int64], *, seed: int, n_draws: int = N_DRAWS
) -> Mapping[str, Estimate]:
    """Mean of each metric over the gold items, with the percentile interval when dialogues are drawn.

    Args:
        values: By metric, float64 [n], one for each gold item.
        dialogues: int64 [n], whose they are: all of one dialogue are drawn together.
        seed: Of the draws.
        n_draws: How many samples of dialogues.

    Returns:
        nan where there is no gold item; without an interval where there is but one dialogue.
    """
    known, rows = np.unique(dialogues, return_inverse=True)
    columns = [*values.values(), np.ones(len(dialogues))]  # the last one counts
    sums = np.column_stack([np.bincount(rows, weights=column, minlength=len(known)) for column in columns]).astype(
        np.float64
    )
    if len(known) < 2:
        return {
            name: Estimate(float(column.mean()) if len(column) else float("nan")) for name, column in values.items()
        }
    draws = bootstrap_draws(sums, seed=seed, n_draws=n_draws)
    # A draw's mean over gold items: both sums were divided by the same number of dialogues.
    low, high = np.quantile(draws[:, :-1] / draws[:, -1:], [0.025, 0.975], axis=0)
    means = sums[:, :-1].sum(axis=0) / sums[:, -1].sum()
    return {
        name: Estimate(float(mean), (float(a), float(b)))
        for name, mean, a, b in zip(values, means, low, high, strict=True)
    }
