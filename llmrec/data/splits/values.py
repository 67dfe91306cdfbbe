"""Who is tested on what, and what may be learned from before: the protocols of evaluation, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.types import Histories, ItemMask

Protocol = Literal["leave-last-out", "temporal", "cold-items", "random-one-out", "user-fold"]
Ties = Literal["file", "random"]
Part = Literal["validation", "test"]


@dataclass(frozen=True)
class Answers:
    """What the tested users did next; only metrics ever see it.

    Attributes:
        users: int64 [n], number of the tested user (row of the task's histories), non-decreasing.
        items: int32 [n], catalogue position; nobody met it before.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int32]


@dataclass(frozen=True)
class Task:
    """One thing to predict: learn from `fit_on`, then rank for each of `histories`.

    Attributes:
        fit_on: All that may be learned from; users and items keep the numbers of the whole data.
        users: int64 [n_tested], user numbers of the rows of `histories`.
        histories: What is known of the tested users when predicting.
        answers: See Answers.
        cold: bool [n_items], items without any interaction in `fit_on` by design; None when nothing was made cold.
    """

    fit_on: Interactions
    users: NDArray[np.int64]
    histories: Histories
    answers: Answers
    cold: ItemMask | None = None


@dataclass(frozen=True)
class Split:
    """A data set cut for evaluation.

    Attributes:
        protocol: How it was cut.
        ties: What orders interactions of one user at one moment: `file` = order of reading, `random` = seeded.
        seed: Of ties, folds and held-out items.
        interactions: What was cut, after the core filter, in the order that `ties` gave.
        validation: To choose and tune on; test answers are in none of its columns.
        test: To report on; models learn from training and validation together.
        has_time: Whether the rows of one user stood in order of time; if not, what was last is drawn by chance.
    """

    protocol: Protocol
    ties: Ties
    seed: int
    interactions: Interactions
    validation: tuple[Task, ...]
    test: tuple[Task, ...]
    has_time: bool = True
