"""Two questions that catch a leak in whatever predicts: does it know the future, and does it read ids?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Protocol, Split, Task, split
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.types import ItemId

TOLERANCE = 1e-5  # of the largest score


@dataclass(frozen=True)
class Case:
    """All there is when something is fitted for an evaluation; honest is what takes `task.fit_on` and `catalogue`."""

    catalogue: Catalogue
    split: Split
    task: Task


Fit = Callable[[Case], HistoryScorer]


def assert_blind_to_answers(
    fit: Fit, catalogue: Catalogue, interactions: Interactions, protocol: Protocol = "leave-last-out"
) -> None:
    """Drawing other answers changes no prediction: of a task for its own answers, of validation for all."""
    rng = np.random.default_rng(0)
    before = split(interactions, protocol=protocol)
    for number, task in enumerate(before.test):
        after = split(shuffled_future(before, [task], rng), protocol=protocol)
        _assert_same_predictions(fit, Case(catalogue, before, task), Case(catalogue, after, after.test[number]))
    after = split(shuffled_future(before, before.test, rng), protocol=protocol)
    for old, new in zip(before.validation, after.validation, strict=True):
        _assert_same_predictions(fit, Case(catalogue, before, old), Case(catalogue, after, new))


def assert_id_permutation_invariant(fit: Fit, catalogue: Catalogue, interactions: Interactions) -> None:
    """Other ids in another order of the catalogue: every score goes along with its item, and none changes."""
    order = np.random.default_rng(1).permutation(len(catalogue))
    renamed = _renamed(catalogue, order)
    places = np.argsort(order)
    moved = replace(interactions, item_ids=renamed.ids, items=places[interactions.items].astype(np.int32))
    name, before = _predictions(fit, _case(catalogue, interactions))
    _, after = _predictions(fit, _case(renamed, moved))
    assert _close(before, after[:, places]), f"{name} scores items otherwise when they have other ids and places"


def shuffled_future(cut: Split, tasks: Sequence[Task], rng: np.random.Generator) -> Interactions:
    """What was cut, with other items (under cold items: other cold ones) and values as answers of `tasks`."""
    rows = cut.interactions
    items, values = rows.items.copy(), rows.values.copy()
    for task in tasks:
        numbers = task.users[task.answers.users]
        for user, item in zip(numbers.tolist(), task.answers.items.tolist(), strict=True):
            own = rows.rows_of(user)
            place = own.start + int(np.flatnonzero(rows.items[own] == item)[0])
            allowed = np.ones(len(rows.item_ids), dtype=bool) if task.cold is None else task.cold.copy()
            # Neither what the user ever met nor what was drawn for the same user: a pair stands once.
            allowed[rows.items[own]] = allowed[items[own]] = False
            if allowed.any():
                items[place] = rng.choice(np.flatnonzero(allowed))
            values[place] = rng.random()
    assert (items != rows.items).any(), "the example is too small: there are no other answers to draw"
    return replace(rows, items=items, values=values)


def _case(catalogue: Catalogue, interactions: Interactions) -> Case:
    cut = split(interactions, protocol="leave-last-out")
    return Case(catalogue, cut, cut.test[0])


def _renamed(catalogue: Catalogue, order: NDArray[np.int64]) -> Catalogue:
    numbers = np.random.default_rng(2).choice(10**6, size=len(catalogue), replace=False)
    items = [catalogue[catalogue.ids[place]] for place in order.tolist()]
    return Catalogue(replace(item, id=ItemId(str(n))) for item, n in zip(items, numbers.tolist(), strict=True))


def _assert_same_predictions(fit: Fit, before: Case, after: Case) -> None:
    old, new = before.task.histories, after.task.histories
    pairs = [(before.task.users, after.task.users), (old.starts, new.starts), (old.items, new.items)]
    assert all(np.array_equal(first, second) for first, second in pairs), "the cut lets answers decide who is tested"
    name, first = _predictions(fit, before)
    _, second = _predictions(fit, after)
    assert _close(first, second), f"{name} predicts otherwise when nothing but the answers changes"


def _predictions(fit: Fit, case: Case) -> tuple[str, NDArray[np.float32]]:
    scorer = fit(case)
    scores = scorer.score_histories(case.task.histories)
    assert scores.shape == (len(case.task.users), len(case.catalogue))
    return scorer.name, scores


def _close(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    scale = max(float(np.abs(first).max(initial=0)), 1e-12)
    return np.allclose(first, second, rtol=0, atol=TOLERANCE * scale)
