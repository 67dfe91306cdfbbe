"""The closed-form retrievers reach the known floor on real data: a careless change loses to ten seconds of NumPy."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.types import Interaction, Item, ItemId, Query, UserId

pytestmark = pytest.mark.data


def five_core(users: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows left when users and items with fewer than five rows are dropped until none is left."""
    kept = np.ones(len(users), dtype=bool)
    while True:
        enough = (np.bincount(users[kept], minlength=users.max() + 1) >= 5)[users]
        enough &= (np.bincount(items[kept], minlength=items.max() + 1) >= 5)[items]
        if (kept & enough).sum() == kept.sum():
            return kept
        kept &= enough


@pytest.fixture(scope="module")
def rows() -> list[Interaction]:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA is not set")
    table = np.loadtxt(Path(directory) / "ml-100k" / "u.data", dtype=np.int64)
    table = table[five_core(table[:, 0], table[:, 1])]
    table = table[np.argsort(table[:, 3], kind="stable")]
    return [Interaction(UserId(str(u)), ItemId(str(i)), float(v), float(t)) for u, i, v, t in table.tolist()]


def z_scored(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    return (scores - scores.mean(dtype=np.float64)) / max(float(scores.std(dtype=np.float64)), 1e-12)


def test_ease_and_transitions_reach_the_floor_on_leave_last_out(rows: list[Interaction]) -> None:
    catalogue = Catalogue([Item(i, i) for i in dict.fromkeys(row.item_id for row in rows)])
    histories: dict[UserId, list[Interaction]] = {}
    for row in rows:
        histories.setdefault(row.user_id, []).append(row)
    assert (len(histories), len(catalogue)) == (943, 1349)
    train = Interactions.from_rows((row for history in histories.values() for row in history[:-1]), catalogue)
    ease = EASERetriever.fit(train, l2=500.0, half_life=20.0)
    transitions = TransitionRetriever.fit(train, window=10, decay=0.7, half_life=3.0)
    gains = []
    for user_id, history in histories.items():
        query = Query(history=train.history(user_id))
        scores = z_scored(ease.scores(query)) + z_scored(transitions.scores(query))
        scores[catalogue.positions(query.history.item_ids)] = -np.inf
        target = scores[catalogue.position(history[-1].item_id)]
        rank = 1 + (scores > target).sum() + ((scores == target).sum() - 1) / 2
        gains.append(1 / np.log2(rank + 1) if rank <= 10 else 0.0)
    assert np.mean(gains) > 0.118
    assert np.mean(np.array(gains) > 0) > 0.21
