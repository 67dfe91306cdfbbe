"""From rankings to accuracy: the same metrics as for our own stages, as far as a list of a hundred tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.data.splits import Answers, Task
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks, user_metrics
from llmrec.evaluation.results import StageResult

CHOSEN_BY = "NDCG@10"


def ranks_of_answers(rankings: NDArray[np.int32], answers: Answers, *, n_items: int) -> AnswerRanks:
    """Where each answer stands in its user's ranking; one that is not there stands behind everything.

    Args:
        rankings: int32 [n_users, top], catalogue positions best first, each once; -1 where a list ended early.
        answers: What is sought; users are rows of `rankings`.
        n_items: Rank of what is not in the list; only metrics inside the list's length are meaningful.
    """
    found = rankings[answers.users] == answers.items[:, None]
    ranks = np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, float(n_items))
    n_candidates = np.full(len(rankings), n_items, dtype=np.int64)
    return AnswerRanks(answers.users, answers.items, ranks, np.ones(len(ranks), dtype=np.int64), n_candidates)


def measured(rankings: NDArray[np.int32], task: Task) -> Mapping[str, PerUser]:
    """Every metric at k = 1, 5, 10, 20, 50, by user. Raises SystemExit when a ranking breaks the protocol."""
    _check(rankings, task)
    ranks = ranks_of_answers(rankings, task.answers, n_items=len(task.fit_on.item_ids))
    return {name: values for name, values in user_metrics(ranks, cutoffs=CUTOFFS).items() if name != "AUC"}


def averaged(name: str, runs: Sequence[Mapping[str, PerUser]], seconds: Mapping[str, float]) -> StageResult:
    """One system's runs over seeds as one result; users are the same in all."""
    per_user = {metric: np.mean([run[metric] for run in runs], axis=0) for metric in runs[0]}
    return StageResult(name, per_user, seconds=seconds)


def _check(rankings: NDArray[np.int32], task: Task) -> None:
    histories = task.histories
    if rankings.shape[0] != len(histories):
        raise SystemExit(f"rankings of {rankings.shape[0]} users for {len(histories)}")
    n_items = len(task.fit_on.item_ids)
    offsets = np.arange(len(rankings))[:, None] * n_items
    listed = (rankings + offsets)[rankings >= 0]
    if len(np.unique(listed)) < len(listed):
        raise SystemExit("a ranking names an item twice")
    if np.isin(listed, histories.users * n_items + histories.items).any():
        raise SystemExit("a ranking names an item of the user's own history")
