"""What the pictures are drawn from, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.results import Evaluation
from llmrec.index import Fitted
from llmrec.interfaces import ContributionMeter
from llmrec.ranking.contributions import LeaveOneOut, Pipeline
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.recommender import Recommender
from llmrec.types import History, ItemId, Profile, SignalCount, Vectors


@runtime_checkable
class Weighted(Protocol):
    """A retriever that adds signals up, each with a weight that was learned."""

    @property
    def weights(self) -> Mapping[str, float]:
        """By signal; signals have one scale, so weights can be compared."""
        ...


@dataclass(frozen=True)
class Subject:
    """A recommender as the pictures see it.

    Attributes:
        vectors: float32 [n_items, dim] in catalogue order, rows of unit length; None where there are none.
        counts: int64 [n_items], how many interactions each item has; None where nothing is known of any user.
        weights: What the inputs of the learned fusion weigh, on one scale; empty where there is none.
        meter: Measures what a user's items add to the score of others; None where nothing can be asked.
        reactions: How often each signal was given on each day.
        evaluation: The last one; None where there is none.
    """

    name: str
    catalogue: Catalogue
    vectors: Vectors | None = None
    counts: NDArray[np.int64] | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    meter: ContributionMeter | None = None
    reactions: Sequence[SignalCount] = ()
    evaluation: Evaluation | None = None


@dataclass(frozen=True)
class Person:
    """One user, as far as the pictures show.

    Attributes:
        shown: Items of the last reply, best first.
        voices: What each voice added to their scores.
        candidates: What the last reply chose from.
    """

    profile: Profile = field(default_factory=Profile)
    history: History = field(default_factory=History)
    shown: tuple[ItemId, ...] = ()
    voices: Mapping[ItemId, Mapping[str, float]] = field(default_factory=dict)
    candidates: tuple[ItemId, ...] = ()

    @property
    def liked(self) -> tuple[ItemId, ...]:
        """What they like or met, each once, oldest first, without what they dislike."""
        disliked = set(self.disliked)
        met = (*self.history.item_ids, *(entry.item_id for entry in self.profile.liked))
        return tuple(item_id for item_id in dict.fromkeys(met) if item_id not in disliked)

    @property
    def disliked(self) -> tuple[ItemId, ...]:
        """What they do not like."""
        return tuple(entry.item_id for entry in self.profile.disliked)


def subject_of(
    recommender: Recommender, *, reactions: Sequence[SignalCount] = (), evaluation: Evaluation | None = None
) -> Subject:
    """The values behind the pictures of `recommender`. Raises AssetError, ModelError."""
    learned = recommender.learned
    weighted = [retriever for retriever in learned.retrievers.values() if isinstance(retriever, Weighted)]
    n_items = len(learned.catalogue)
    counts = np.bincount(learned.interactions.items, minlength=n_items).astype(np.int64)
    return Subject(
        learned.name,
        learned.catalogue,
        _vectors(learned),
        counts if len(learned.interactions) else None,
        weighted[0].weights if weighted else {},
        _meter(recommender),
        reactions,
        evaluation,
    )


def _vectors(learned: Fitted) -> Vectors | None:
    known, ids = learned.vectors, learned.catalogue.ids
    if tuple(known.item_ids) == ids:
        return known.matrix
    return known.vectors(ids) if set(ids) <= set(known.item_ids) else None


def _meter(recommender: Recommender) -> ContributionMeter:
    """Leaves one item out of what the retrievers know; the language model, which is slow, is not asked."""
    stages, silent = recommender.assistant.stages, RetrievalOrderRanker()
    pipeline = Pipeline(stages.item_filter, stages.retrievers, stages.fusion, silent, stages.n_candidates)
    return LeaveOneOut(pipeline, lambda _: silent, n_rereads=0)
