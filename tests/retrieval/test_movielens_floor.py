"""The closed-form retrievers reach the known floor on real data: a careless change loses to ten seconds of NumPy."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Task, Ties, prepared, split
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.transitions import TransitionRetriever

pytestmark = pytest.mark.data


def tasks(name: str, ties: Ties, seeds: range) -> list[Task]:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA is not set")
    dataset = read_dataset(name, Path(directory))
    ready = prepared(dataset.catalogue, dataset.interactions, core=dataset_info(name).core)
    cuts = [split(ready.interactions, protocol="leave-last-out", ties=ties, seed=seed) for seed in seeds]
    return [cut.test[0] for cut in cuts]


def z_scored(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    spread = np.maximum(scores.std(axis=1, dtype=np.float64, keepdims=True), 1e-12)
    return (scores - scores.mean(axis=1, dtype=np.float64, keepdims=True)) / spread


def floor(task: Task, *, half_life: float) -> tuple[float, float]:
    """NDCG@10 and R@10 of EASE and transitions, z-scored and added."""
    ease = EASERetriever.fit(task.fit_on, l2=500.0, half_life=half_life)
    transitions = TransitionRetriever.fit(task.fit_on, window=10, decay=0.7, half_life=3.0)
    scores = z_scored(ease.score_histories(task.histories)) + z_scored(transitions.score_histories(task.histories))
    scores[task.histories.users, task.histories.items] = -np.inf
    target = scores[task.answers.users, task.answers.items][:, None]
    ranks = 1 + (scores > target).sum(axis=1) + ((scores == target).sum(axis=1) - 1) / 2
    return float(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0).mean()), float((ranks <= 10).mean())


@pytest.mark.parametrize(
    ("name", "ties", "half_life", "shape", "ndcg", "recall"),
    [
        ("movielens-100k", "file", 20.0, (943, 1349), 0.1239, 0.2216),
        ("movielens-latest-small", "file", 5.0, (610, 3650), 0.0877, 0.1623),
        ("movielens-latest-small", "random", 5.0, (610, 3650), 0.082, 0.147),
    ],
)
def test_ease_and_transitions_reach_the_floor_on_leave_last_out(
    name: str, ties: Ties, half_life: float, shape: tuple[int, int], ndcg: float, recall: float
) -> None:
    cuts = tasks(name, ties, range(5 if ties == "random" else 1))
    assert all((len(task.users), len(task.fit_on.item_ids)) == shape for task in cuts)
    measured = np.mean([floor(task, half_life=half_life) for task in cuts], axis=0)
    assert measured[0] >= ndcg
    assert measured[1] >= recall
