"""A language model's probabilities of the items of each slate, and whether they came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from llmrec.data.splits import Task
from llmrec.evaluation.calibration import Calibration, calibration
from llmrec.types import ItemId, Query, RankReport


@dataclass(frozen=True)
class LabelBeliefs:
    """Scores of the slates with exactly one answer on them: for the others no label is right.

    Attributes:
        n_users: Of the task.
        rows: int64 [n], whose slates these are.
        scores: float64 [n, n_labels], natural logarithms up to a constant.
        right: int64 [n], place of the answer.
    """

    n_users: int
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    right: NDArray[np.int64]

    def calibrated(self, temperatures: NDArray[np.float64] | None = None) -> Calibration | None:
        """How true the softmax of scores over `temperatures`, float64 [n_users], came; None without any slate.

        Values by user are float64 [n_users], nan for a user who has none.
        """
        if not len(self.rows):
            return None
        scaled = self.scores if temperatures is None else self.scores / temperatures[self.rows, None]
        found = calibration(special.softmax(scaled, axis=1), self.right)
        per_user = {metric: np.full(self.n_users, np.nan) for metric in found.per_user}
        for metric, values in found.per_user.items():
            per_user[metric][self.rows] = values
        return Calibration(found.ece, found.bins, per_user)


def label_beliefs(reports: Sequence[tuple[Query, RankReport]], task: Task, item_ids: Sequence[ItemId]) -> LabelBeliefs:
    """What the model of `reports`, one for each user of `task`, believed of slates with one answer."""
    starts = np.searchsorted(task.answers.users, np.arange(len(task.users) + 1))
    rows: list[int] = []
    scores: list[list[float]] = []
    right: list[int] = []
    for user, (_, report) in enumerate(reports):
        sought = {item_ids[item] for item in task.answers.items[starts[user] : starts[user + 1]]}
        places = [place for place, item_id in enumerate(report.lm_scores) if item_id in sought]
        # Rows of different length have no common table; a slate is shorter only where the catalogue is.
        if len(places) == 1 and len(report.lm_scores) == len(next(iter(scores), list(report.lm_scores))):
            rows.append(user)
            scores.append(list(report.lm_scores.values()))
            right.append(places[0])
    return LabelBeliefs(len(task.users), np.array(rows, dtype=np.int64), np.array(scores), np.array(right))
