"""What a voice in the choice of the next recommendation is, and what voices learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.conversation.situations import Dialogue, Lesson, Situation, lessons
from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.scoring import ScoreTable

_LEAST_SPREAD = 1e-6


class Voice(Protocol):
    """Has an opinion of every item, for each situation."""

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """float32 [n_situations, n_items], finite, higher is better; a row of one value says nothing."""
        ...


@dataclass(frozen=True)
class Training:
    """What voices learn from.

    Attributes:
        catalogue: All items.
        dialogues: None of which is to be measured on.
    """

    catalogue: Catalogue
    dialogues: tuple[Dialogue, ...]

    @cached_property
    def lessons(self) -> tuple[Lesson, ...]:
        """Every turn at which something was named for the first time."""
        return tuple(lessons(self.dialogues))

    @cached_property
    def named(self) -> sparse.csr_array:
        """1 where a dialogue names an item, float32 [n_dialogues, n_items]."""
        return _indicators([dialogue.items for dialogue in self.dialogues], len(self.catalogue))

    @cached_property
    def answers(self) -> sparse.csr_array:
        """1 where a lesson names an item, float32 [n_lessons, n_items]."""
        return _indicators([lesson.new_items for lesson in self.lessons], len(self.catalogue))

    @cached_property
    def trust(self) -> NDArray[np.float32]:
        """How much each lesson counts, [n_lessons]: what the user names is no recommendation, but tells what fits."""
        return np.array([1.0 if lesson.by_assistant else 0.5 for lesson in self.lessons], dtype=np.float32)


def mention_table(situations: Sequence[Situation], n_items: int, *, decay: float) -> sparse.csr_array:
    """How much each item spoken of counts, float32 [n_situations, n_items]: `decay` ** turns since it last was."""
    rows, columns, weights = [], [], []
    for row, situation in enumerate(situations):
        latest = {mention.item: mention.turn for mention in situation.mentions}
        for item, turn in latest.items():
            rows.append(row)
            columns.append(item)
            weights.append(decay ** (len(situation.turns) - 1 - turn))
    return sparse.csr_array((np.array(weights, np.float32), (rows, columns)), shape=(len(situations), n_items))


def standardised(scores: ScoreTable) -> ScoreTable:
    """Each row with mean 0 and standard deviation 1; 0 where a row says nothing."""
    spread = scores.std(axis=1, keepdims=True)
    centred = scores - scores.mean(axis=1, keepdims=True)
    return np.where(spread > _LEAST_SPREAD, centred / np.maximum(spread, _LEAST_SPREAD), np.float32(0.0))


def _indicators(groups: Sequence[Sequence[int]], n_items: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    columns = np.array([item for group in groups for item in group], dtype=np.int64)
    return sparse.csr_array((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(groups), n_items))
