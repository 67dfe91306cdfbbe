"""What each voice is worth, learned from users whose answer is on the slate, and never from the user it is used for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from llmrec.ranking.fusion_model import FEATURES, LM, RETRIEVAL, Column, FeatureScale, FusionModel
from llmrec.retrieval.fusion_weights import Examples, fitted_weights, settled
from llmrec.types import ItemId, Query

WITHOUT_LM = tuple(name for name in FEATURES if name != LM)
"""The features of the honest control."""
_LOG_TEMPERATURES = (-5.0, 5.0)  # from sure of everything to sure of nothing
_K = 10


@dataclass(frozen=True, slots=True)
class FusionFit:
    """How weights are learned.

    Attributes:
        l2: Penalty on the weights.
        n_folds: Parts of the users, each served by what was learned from the others.
        min_users: With fewer, nothing is learned, and the retriever's order stands.
        seed: Of the parts.
    """

    l2: float = 3e-3
    n_folds: int = 5
    min_users: int = 30
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """One answer on one slate.

    Attributes:
        user: Number of the user; parts of the users never divide one.
        features: By name, float64 [n_candidates] each, in their own units.
        lm_scores: float64 [n_candidates], the language model's own; nan where it said nothing.
        answer: Its place on the slate.
        others: Places of other answers of the same user, which compete with none.
    """

    user: int
    features: Mapping[str, Column]
    lm_scores: Column
    answer: int
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class LabelledSlates:
    """Slates as one table; the answer stands first in each.

    Attributes:
        users: int64 [n].
        signals: float32 [n, n_candidates, n_features], in the order of FEATURES; 0 where there is no candidate.
        log_shares: float32 [n, n_candidates], 0 for a candidate and -inf where there is none.
        lm_scores: float64 [n, n_candidates]; nan where the model said nothing.
        scale: What the features were divided by.
    """

    users: NDArray[np.int64]
    signals: NDArray[np.float32]
    log_shares: NDArray[np.float32]
    lm_scores: NDArray[np.float64]
    scale: FeatureScale

    @classmethod
    def of(cls, examples: Sequence[Example], *, source: str) -> Self:
        """The examples, all of candidates of `source`, as a table."""
        spreads = {name: [float(example.features[name].std()) for example in examples] for name in FEATURES}
        scale = FeatureScale(source, {name: float(np.mean(found)) for name, found in spreads.items() if found})
        n, width = len(examples), max((len(example.lm_scores) for example in examples), default=1)
        signals = np.zeros((n, width, len(FEATURES)), dtype=np.float32)
        log_shares = np.full((n, width), -np.inf, dtype=np.float32)
        lm_scores = np.full((n, width), np.nan)
        for row, example in enumerate(examples):
            apart = {example.answer, *example.others}
            features = scale.applied(example.features, source=source)
            places = [example.answer, *(place for place in range(len(example.lm_scores)) if place not in apart)]
            for number, name in enumerate(FEATURES):
                signals[row, : len(places), number] = features[name][places]
            log_shares[row, : len(places)] = 0.0
            lm_scores[row, : len(places)] = example.lm_scores[places]
        users = np.array([example.user for example in examples], dtype=np.int64)
        return cls(users, signals, log_shares, lm_scores, scale)

    def where(self, kept: NDArray[np.bool_]) -> LabelledSlates:
        """Those with `kept`, bool [n], true."""
        columns = (self.users[kept], self.signals[kept], self.log_shares[kept], self.lm_scores[kept])
        return LabelledSlates(*columns, self.scale)

    def examples(self, names: Sequence[str]) -> Examples:
        """What weights of the features called `names` are fitted on."""
        columns = [FEATURES.index(name) for name in names]
        return Examples(tuple(names), self.signals[..., columns], self.log_shares, self.users)


@dataclass(frozen=True)
class CrossFitted:
    """Fusion models for everybody, such that no user's own answer is in the one that serves him.

    Attributes:
        of_all: Learned from all; for users who were not among them.
        without: For each part of the users, what was learned from the others.
        part_of: The part of each user who was learned from, by what is known of him.
    """

    of_all: FusionModel
    without: tuple[FusionModel, ...] = ()
    part_of: Mapping[tuple[ItemId, ...], int] = field(default_factory=dict)

    def model_for(self, query: Query) -> FusionModel:
        """The model for whoever asks `query`."""
        part = self.part_of.get(query.positive_item_ids)
        return self.of_all if part is None else self.without[part]


def fitted_fusion(slates: LabelledSlates, features: Sequence[str], plan: FusionFit) -> FusionModel:
    """The weights of `features` that make the answers most likely, or fewer of them where unseen users are better off.

    A multinomial logit with a small penalty. It begins with the retriever's score alone; all features but the language
    model's, and then that, come in only where cross-validation over users finds the answers more likely, by more than
    the standard error of the difference, and NDCG@10 not lower. So a voice that adds nothing gets weight 0.
    """
    temperature = fitted_temperature(slates.lm_scores) if LM in features else 1.0
    chosen: tuple[str, ...] = (RETRIEVAL,)
    if len(np.unique(slates.users)) < plan.min_users:
        return FusionModel({RETRIEVAL: 1.0}, temperature, slates.scale)
    reached = _Unseen.of(slates.examples(chosen), plan)
    for more in (tuple(name for name in features if name != LM), tuple(features)):
        found = _Unseen.of(slates.examples(more), plan)
        if found.is_better_than(reached):
            chosen, reached = more, found
    if chosen == (RETRIEVAL,):  # one weight changes no order
        return FusionModel({RETRIEVAL: 1.0}, temperature, slates.scale)
    weights = _weights(slates.examples(chosen), plan)
    return FusionModel(dict(zip(chosen, weights.tolist(), strict=True)), temperature, slates.scale)


def cross_fitted(
    slates: LabelledSlates, features: Sequence[str], plan: FusionFit, *, known: Mapping[tuple[ItemId, ...], int]
) -> CrossFitted:
    """A model of all slates, and for each part of the users one of the others; `known` has user numbers by history."""
    part_of_user = _parts(slates.users, plan)
    parts = part_of_user[slates.users]
    without = tuple(fitted_fusion(slates.where(parts != part), features, plan) for part in range(plan.n_folds))
    part_of = {history: int(part_of_user[user]) for history, user in known.items()}
    return CrossFitted(fitted_fusion(slates, features, plan), without, part_of)


def fitted_temperature(lm_scores: NDArray[np.float64]) -> float:
    """What scores are divided by so that their softmax over a slate comes true most; 1 where nothing was answered.

    Least mean negative log-likelihood of the answers. Source: Guo et al. 2017.

    Args:
        lm_scores: float64 [n, n_candidates], the answer's first; nan where there is none.
    """
    answered = lm_scores[np.isfinite(lm_scores[:, 0])]
    if not len(answered):
        return 1.0
    scores = np.where(np.isfinite(answered), answered, -np.inf)

    def surprise(log_temperature: float) -> float:
        scaled = scores / math.exp(log_temperature)
        return float((special.logsumexp(scaled, axis=1) - scaled[:, 0]).mean())

    found = optimize.minimize_scalar(surprise, bounds=_LOG_TEMPERATURES, method="bounded")
    return math.exp(float(found.x))


@dataclass(frozen=True, slots=True)
class _Unseen:
    """What weights reach on users that they were not learned from.

    Attributes:
        surprise: Negative log-likelihood of each answer, [n]. It tells a voice from noise with fewer users than NDCG.
        ndcg: Mean NDCG@10.
    """

    surprise: NDArray[np.float64]
    ndcg: float

    def is_better_than(self, other: _Unseen) -> bool:
        """Whether the answers are likelier by more than chance explains, and the order is not worse."""
        gain = other.surprise - self.surprise
        return bool(gain.mean() > gain.std() / math.sqrt(len(gain))) and self.ndcg >= other.ndcg

    @classmethod
    def of(cls, examples: Examples, plan: FusionFit) -> Self:
        parts = _parts(examples.users, plan)[examples.users]
        scores = np.zeros(examples.log_shares.shape, dtype=np.float32)
        for part in range(plan.n_folds):
            inside = parts == part
            if inside.any() and not inside.all():
                scores[inside] = examples.signals[inside] @ _weights(examples.of(~inside), plan).astype(np.float32)
        found = special.logsumexp(scores + examples.log_shares, axis=1) - scores[:, 0]
        return cls(found.astype(np.float64), float(_ndcg(scores, examples.log_shares).mean()))


def _weights(examples: Examples, plan: FusionFit) -> NDArray[np.float64]:
    return settled(fitted_weights(examples, l2=plan.l2), examples, l2=plan.l2)


def _parts(users: NDArray[np.int64], plan: FusionFit) -> NDArray[np.int64]:
    """The part of each user number up to the highest; those of `users` are spread as evenly as can be."""
    parts = np.zeros(int(users.max(initial=0)) + 1, dtype=np.int64)
    known = np.unique(users)
    parts[known] = np.random.default_rng(plan.seed).permutation(len(known)) % plan.n_folds
    return parts


def _ndcg(scores: NDArray[np.float32], log_shares: NDArray[np.float32]) -> NDArray[np.float64]:
    """NDCG@10 of the first candidate among those that are there, [n]; equal scores share their mean rank."""
    there = np.isfinite(log_shares)
    above = (there & (scores > scores[:, :1])).sum(axis=1)
    equal = (there & (scores == scores[:, :1])).sum(axis=1) - 1
    ranks = 1.0 + above + equal / 2
    return np.where(ranks <= _K, 1.0 / np.log2(ranks + 1), 0.0)
