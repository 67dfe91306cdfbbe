import numpy as np
import pytest

from benchmarks.exposure import curve
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Answers, Task
from llmrec.evaluation.fitting import Workshop
from llmrec.evaluation.subjects import Subject
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, UserId


def shop() -> tuple[Subject, Task]:
    """Forty users with five of thirty items each, the first items most often; each is asked for one item more."""
    rng = np.random.default_rng(0)
    catalogue = Catalogue(Item(ItemId(f"{number:02}"), f"Thing {number}") for number in range(30))
    popular = np.arange(30, 0, -1) / sum(range(31))
    met = [rng.choice(30, size=6, replace=False, p=popular).tolist() for _ in range(40)]
    known = Interactions.from_rows(
        (Interaction(UserId(f"{user:02}"), catalogue.ids[item]) for user, row in enumerate(met) for item in row[:5]),
        catalogue,
    )
    vectors = ExactVectorStore(catalogue.ids, np.eye(30, dtype=np.float32))
    context = StageContext(catalogue, Settings(), vectors=lambda: vectors)
    users = np.arange(40)
    task = Task(known, users, known.histories(users), Answers(users, np.array([row[5] for row in met], dtype=np.int32)))
    return Subject("shop", known, 0, False, Workshop(context)), task


def test_the_curve_begins_at_the_stage_as_it_is_and_shows_more_with_each_step() -> None:
    rows = curve(*shop(), "popularity", limits=(0.0, 0.5, 1.0))
    assert [row.limit for row in rows] == [0.0, 0.5, 1.0]
    assert (rows[0].cost.mean, rows[0].times_coverage) == (0.0, 1.0)
    assert rows[0].coverage < rows[-1].coverage
    assert rows[0].gini > rows[-1].gini
    for row in rows:
        assert sum(row.shown.values()) == pytest.approx(1.0)
