"""Validation users' slates and where their answers stand on them: what weights of voices are learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from llmrec.data.splits import Task
from llmrec.evaluation.fused_stages import Slates
from llmrec.evaluation.fusion_fitting import CrossFitted, Example, FusionFit, LabelledSlates, cross_fitted
from llmrec.interfaces import Ranker
from llmrec.ranking.fusion_model import Column, slate_features
from llmrec.retrieval.scoring import batches
from llmrec.types import Candidate, ItemId, Query

_USERS_AT_ONCE = 256


@dataclass(frozen=True)
class _Case:
    """One user's slate, how much each item was met, and the places of his answers on it, of which there is one."""

    query: Query
    slate: tuple[Candidate, ...]
    popularity: Mapping[ItemId, int]
    places: tuple[int, ...]


@dataclass(frozen=True)
class ValidationSlates:
    """The slates that hold an answer; no order of the others could be learned from."""

    cases: tuple[_Case, ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[Task, Slates, Mapping[ItemId, int]]]) -> Self:
        """From tasks with the slates of their users and the popularity that is known there."""
        return cls(tuple(case for task, slates, popularity in parts for case in _cases(task, slates, popularity)))

    def cross_fitted(
        self,
        features: Sequence[str],
        lm_ranker: Ranker | None,
        plan: FusionFit,
        *,
        tell: Callable[[str], None] | None = None,
    ) -> CrossFitted:
        """Weights of `features`, for every user learned from others.

        Args:
            features: Names, of FEATURES.
            lm_ranker: Asked for its scores of every slate; None asks nobody.
            plan: How to learn.
            tell: Told in words how many slates were heard.
        """
        users: dict[tuple[ItemId, ...], int] = {}
        examples: list[Example] = []
        for number, case in enumerate(self.cases, start=1):
            if tell is not None and lm_ranker is not None:
                tell(f"slate {number} of {len(self.cases)} to learn weights from")
            # Nobody could tell two users with one history apart, so both are in the same part.
            user = users.setdefault(case.query.positive_item_ids, len(users))
            examples += _examples(case, user, lm_ranker)
        source = self.cases[0].slate[0].source if self.cases else ""
        return cross_fitted(LabelledSlates.of(examples, source=source), features, plan, known=users)


def _cases(task: Task, slates: Slates, popularity: Mapping[ItemId, int]) -> Iterator[_Case]:
    bounds = np.searchsorted(task.answers.users, np.arange(len(task.users) + 1))
    for rows, histories in batches(task.histories, _USERS_AT_ONCE):
        scores = slates.base.score_histories(histories)
        for user, (query, slate) in enumerate(slates.of(histories, scores), start=rows.start):
            sought = {slates.item_ids[item] for item in task.answers.items[bounds[user] : bounds[user + 1]]}
            places = tuple(place for place, candidate in enumerate(slate) if candidate.item_id in sought)
            if places:
                met = {candidate.item_id: popularity.get(candidate.item_id, 0) for candidate in slate}
                yield _Case(query, tuple(slate), met, places)


def _examples(case: _Case, user: int, lm_ranker: Ranker | None) -> Iterator[Example]:
    said = lm_ranker.rank(case.query, case.slate).report.lm_scores if lm_ranker is not None else {}
    features = slate_features(case.slate, case.popularity, said)
    own: Column = np.array([said.get(candidate.item_id, np.nan) for candidate in case.slate])
    for place in case.places:
        yield Example(user, features, own, place, tuple(other for other in case.places if other != place))
