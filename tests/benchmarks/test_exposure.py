import numpy as np
import pytest

from benchmarks.context import gains
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


def test_a_moment_that_decides_what_is_wanted_is_seen_to_help() -> None:
    """Users met items of the weekend on a Saturday and others on Mondays, and are asked on a Saturday."""
    catalogue = Catalogue(Item(ItemId(f"{number:02}"), f"Thing {number}") for number in range(40))
    rng = np.random.default_rng(0)
    rows = []
    for user in range(200):
        saturday, monday = rng.choice(20, size=6, replace=False), 20 + rng.choice(20, size=6, replace=False)
        rows += [(user, item, day * 86_400.0) for day, met in ((2, saturday[:5]), (4, monday[:5])) for item in met]
        rows.append((user, saturday[5], 9 * 86_400.0))
    every = Interactions.from_rows(
        (Interaction(UserId(f"{user:03}"), catalogue.ids[item], 1.0, at) for user, item, at in rows), catalogue
    )
    is_answer = every.at == 9 * 86_400.0
    known = Interactions.from_rows(
        (
            Interaction(every.user_ids[user], every.item_ids[item], 1.0, at)
            for user, item, at, held in zip(every.users, every.items, every.at, is_answer, strict=True)
            if not held
        ),
        catalogue,
    )
    users = np.arange(200)
    task = Task(known, users, known.histories(users), Answers(users, every.items[is_answer]))
    ranked = np.tile(np.arange(40, dtype=np.int32)[::-1], (200, 1))
    found = {(row.fields, row.weight): row.gain for row in gains(task, every, ranked, weights=(1.0,))}
    assert found["weekday", 1.0].ci95[0] > 0.1
    assert found["time of day", 1.0].mean == pytest.approx(0.0, abs=0.01)
