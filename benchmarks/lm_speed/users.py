"""Real users to rank for: validation users whose answer a quickly fitted retriever found, never a test row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.sources import read_dataset
from llmrec.data.splits import Split, Task, prepared, split
from llmrec.evaluation.fitting import TaskStages, Workshop
from llmrec.evaluation.fused_stages import Slates
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import ItemId, Query

DATASET = "movielens-100k"
RETRIEVER = "ease"
_CORE = 5
_USERS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Case:
    """One user.

    Attributes:
        query: What is known of him.
        item_ids: The candidates in an order drawn by chance, so that no system gains by keeping the order it was given.
        answer: Which of them came next.
        retrieved_at: The rank, from 1, that the retriever gave the answer.
    """

    query: Query
    item_ids: tuple[ItemId, ...]
    answer: ItemId
    retrieved_at: int


@dataclass(frozen=True)
class Users:
    """The users of a benchmark, and where they come from.

    Attributes:
        cases: In an order drawn by seed.
        protocol: Data, split and their hashes.
    """

    catalogue: Catalogue
    cases: tuple[Case, ...]
    protocol: ProtocolRecord


def read_users(directory: Path, *, n_candidates: int, seed: int) -> Users:
    """All validation users of MovieLens-100K whose answer is among the retriever's best `n_candidates`.

    Raises:
        LLMRecError: The data set is not in `directory`.
    """
    dataset = read_dataset(DATASET, directory)
    data = prepared(dataset.catalogue, dataset.interactions, core=_CORE)
    cut = split(data.interactions, protocol="leave-last-out", ties="file", seed=0, has_time=dataset.has_time)
    protocol = ProtocolRecord.of([cut], name=DATASET, part="validation", core=_CORE, seeds=[seed])
    return Users(data.catalogue, found_users(data.catalogue, cut, n_candidates=n_candidates, seed=seed), protocol)


def found_users(catalogue: Catalogue, cut: Split, *, n_candidates: int, seed: int) -> tuple[Case, ...]:
    """The validation users of `cut` whose answer the retriever found; users and candidates in orders drawn by seed."""
    [task] = cut.validation
    workshop = Workshop(StageContext(catalogue, Settings(), _no_vectors))
    scorer = TaskStages(workshop, task, seed=seed).fitted(RETRIEVER).scorer
    rng = np.random.default_rng(seed)
    cases = list(_cases(task, Slates(scorer, catalogue.ids, n_candidates), scorer, rng))
    return tuple(cases[place] for place in rng.permutation(len(cases)))


def _cases(task: Task, slates: Slates, scorer: HistoryScorer, rng: np.random.Generator) -> Iterator[Case]:
    answers = dict(zip(task.answers.users.tolist(), task.answers.items.tolist(), strict=True))
    for rows, histories in batches(task.histories, _USERS_AT_ONCE):
        found = slates.of(histories, scorer.score_histories(histories))
        for user, (query, slate) in enumerate(found, start=rows.start):
            item_ids = [candidate.item_id for candidate in slate]
            answer = slates.item_ids[answers[user]]
            if answer in item_ids:
                shown = tuple(item_ids[place] for place in rng.permutation(len(item_ids)))
                yield Case(query, shown, answer, item_ids.index(answer) + 1)


def _no_vectors() -> ExactVectorStore:
    raise AssertionError(f"{RETRIEVER} reads no text")
