"""Candidates to tell apart: what a retriever finds that was fitted without the answers, for training and validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from finetune.ranker_data import RankerData
from llmrec.data.interactions import Interactions
from llmrec.evaluation.fitting import TaskStages, Workshop
from llmrec.evaluation.fused_stages import query_of
from llmrec.retrieval.best import best_positions
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.types import Candidate, Histories, ItemId, Query

_USERS_AT_ONCE = 256
_MAX_HISTORY = 200  # more than any prompt shows; an example has to stay small
_SHOWN = 20  # as many titles of a history as a prompt shows
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CandidatePlan:
    """Which steps are learned from and against what.

    Attributes:
        retriever: Name of the stage that finds candidates.
        folds: Parts of the users.
        per_user: Each user's newest steps.
        pool: Wrong candidates that are kept of each step, best first.
        seed: Of the folds and of what is fitted by chance.
    """

    retriever: str
    folds: int
    per_user: int
    pool: int
    seed: int


@dataclass(frozen=True, slots=True)
class Case:
    """One validation user: what is known, what the retriever found, best first, and which of it came next."""

    query: Query
    candidates: tuple[Candidate, ...]
    answer: ItemId


def training_rows(data: RankerData, plan: CandidatePlan) -> Iterator[Row]:
    """One row for each step that may be learned from: `user`, `history`, `items`, `scores`, `length`.

    `history` is what came before, oldest first; `items` the item that came next, then wrong ones, best first, none of
    which the user met in anything that is learned from; `scores` what the retriever gave each, and `length` is in
    characters of text, to put like beside like. Positions are the catalogue's.

    A part's steps are scored by a retriever that saw of its users only what came before all of them, so no answer,
    and all of the others.
    """
    learned_from = data.training.validation.fit_on
    folds = np.random.default_rng(plan.seed).permutation(len(learned_from.user_ids)) % plan.folds
    everyone = learned_from.histories()
    n_chars = _text_lengths(data)
    for fold in range(plan.folds):
        own = folds == fold
        asked = own[learned_from.users] & (everyone.ages < plan.per_user)
        if not asked.any():
            continue
        scorer = fitted_without(data, plan, learned_from.where(~asked))
        for age in range(plan.per_user):
            users = np.flatnonzero(own & (everyone.lengths > age + 1))
            yield from _rows(scorer, learned_from, users, age, plan.pool, n_chars)


def validation_cases(data: RankerData, plan: CandidatePlan, *, slate_size: int) -> tuple[Case, ...]:
    """Validation users whose answer is among the retriever's best `slate_size`, in an order drawn by seed.

    For the others no order of the slate changes anything.
    """
    task, ids = data.training.validation, data.training.catalogue.ids
    scorer = fitted_without(data, plan, task.fit_on)
    cases = []
    for rows, histories in batches(task.histories, _USERS_AT_ONCE):
        table = scorer.score_histories(histories)
        for row, (seen, answer) in enumerate(
            zip(each_history(histories), task.answers.items[rows].tolist(), strict=True)
        ):
            best = best_positions(table[row], slate_size, allowed=_without(len(ids), seen))
            if answer in best:
                found = tuple(Candidate(ids[item], float(table[row, item]), scorer.name) for item in best.tolist())
                cases.append(Case(query_of(seen, ids), found, ids[answer]))
    order = np.random.default_rng(plan.seed).permutation(len(cases))
    return tuple(cases[place] for place in order)


def fitted_without(data: RankerData, plan: CandidatePlan, known: Interactions) -> HistoryScorer:
    """The plan's retriever, fitted on nothing but `known`."""
    workshop = Workshop(data.context)
    workshop.require([plan.retriever])
    task = replace(data.training.validation, fit_on=known)
    return TaskStages(workshop, task, seed=plan.seed).fitted(plan.retriever).scorer


def _rows(
    scorer: HistoryScorer,
    learned_from: Interactions,
    users: NDArray[np.int64],
    age: int,
    pool: int,
    n_chars: NDArray[np.int64],
) -> Iterator[Row]:
    everyone = learned_from.histories()
    answers = everyone.items[everyone.starts[1:][users] - 1 - age]
    before = everyone.where(everyone.ages > age).of(users)
    for rows, histories in batches(before, _USERS_AT_ONCE):
        table = scorer.score_histories(histories)
        named = zip(users[rows].tolist(), each_history(histories), answers[rows].tolist(), table, strict=True)
        for user, history, answer, scores in named:
            met = learned_from.items[learned_from.rows_of(user)]
            wrong = best_positions(scores, pool, allowed=_without(len(scores), met))
            # An item met again is in its own history: that step would teach to repeat.
            if len(wrong) and answer not in history:
                items = [answer, *wrong.tolist()]
                yield {
                    "user": user,
                    "history": history[-_MAX_HISTORY:].tolist(),
                    "items": items,
                    "scores": scores[items].tolist(),
                    "length": int(n_chars[history[-_SHOWN:]].sum()),
                }


def each_history(histories: Histories) -> Iterator[NDArray[np.int32]]:
    """Catalogue positions of what each user met, oldest first."""
    for user in range(len(histories)):
        yield histories.items[histories.starts[user] : histories.starts[user + 1]]


def _without(n_items: int, met: NDArray[np.int32]) -> NDArray[np.bool_]:
    allowed = np.ones(n_items, dtype=np.bool_)
    allowed[met] = False
    return allowed


def _text_lengths(data: RankerData) -> NDArray[np.int64]:
    return np.array([len(item.title) for item in data.training.catalogue.values()], dtype=np.int64)
