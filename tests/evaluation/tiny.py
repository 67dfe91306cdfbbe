"""Small inputs for metrics, written as lists."""

from collections.abc import Sequence

import numpy as np

from llmrec.data.splits import Answers
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories


def histories(*items: Sequence[int]) -> Histories:
    """One history per argument, without times."""
    starts = np.cumsum([0] + [len(each) for each in items]).astype(np.int64)
    flat = np.array([item for each in items for item in each], dtype=np.int32)
    return Histories(starts, flat, np.ones(len(flat), np.float32), np.full(len(flat), np.nan))


def answers(*items: Sequence[int]) -> Answers:
    """The answers of each user."""
    users = np.repeat(np.arange(len(items)), [len(each) for each in items])
    return Answers(users.astype(np.int64), np.array([item for each in items for item in each], dtype=np.int32))


def table(*rows: Sequence[float]) -> ScoreTable:
    """Scores of each user."""
    return np.array(rows, dtype=np.float32)
