"""What an order of a slate reached where it could reach anything, and what no order could exceed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.metrics import AnswerRanks

SLATE_RECALL, SLATE_NDCG = "R@slate", "NDCG@10|slate"


def slate_metrics(ranks: AnswerRanks, held: NDArray[np.bool_], ndcg: PerUser) -> Mapping[str, PerUser]:
    """`R@slate`, the share of a user's answers on the slate, and `NDCG@10|slate`, NDCG@10 of users who had one there.

    Args:
        ranks: Of all answers.
        held: bool [n], whether an answer is on its user's slate.
        ndcg: NDCG@10, float64 [n_users].
    """
    n_users = len(ranks.n_candidates)
    n_answers = np.bincount(ranks.users, minlength=n_users)
    n_held = np.bincount(ranks.users, weights=held, minlength=n_users)
    recall = np.divide(n_held, n_answers, out=np.full(n_users, np.nan), where=n_answers > 0)
    return {SLATE_RECALL: recall, SLATE_NDCG: np.where(n_held > 0, ndcg, np.nan)}


def first_wherever(ranks: AnswerRanks, held: NDArray[np.bool_]) -> AnswerRanks:
    """The same with the answers that are `held`, bool [n], at the first places: what a perfect order would reach."""
    places, tied = ranks.ranks.copy(), ranks.tied.copy()
    order = np.flatnonzero(held)
    users = ranks.users[order]
    places[order] = 1.0 + np.arange(len(order)) - np.searchsorted(users, users)
    tied[order] = 1
    return replace(ranks, ranks=places, tied=tied)
