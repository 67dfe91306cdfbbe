"""What an adapter is worth beside its retriever, and how both are best heard together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from finetune.ranker_validation import Panel
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.fusion_fitting import WITHOUT_LM, Example, FusionFit, LabelledSlates, fitted_fusion
from llmrec.ranking.fusion_model import FEATURES, FusionModel, slate_features
from llmrec.types import ItemId

_FIT = FusionFit()


@dataclass(frozen=True)
class Decision:
    """What users whom nothing was chosen on say of an adapter.

    Attributes:
        gain: NDCG@10 with the adapter's voice minus that without it, mean over users with its 95 % interval.
        relative_gain: That as a share of the latter.
        gains: Whether the adapter is switched on: its voice has a weight, and the mean is above its standard error.
    """

    gain: Estimate
    relative_gain: float
    gains: bool

    @classmethod
    def of(cls, with_it: PerUser, without_it: PerUser, *, has_weight: bool) -> Self:
        """Decide by both orders of the same users' slates."""
        difference = with_it - without_it
        mean = float(difference.mean())
        error = float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else math.inf
        gain = bootstrap_means({"gain": difference}, seed=0)["gain"]
        return cls(gain, mean / max(float(without_it.mean()), 1e-9), has_weight and mean > error)


@dataclass(frozen=True)
class Verdict:
    """How the adapter is heard, and whether that gains.

    Attributes:
        lm_weight: What its voice is worth beside the retriever's standardised score.
        fusion: Weights of all voices, which count instead; None where there were too few users to learn them from.
        decision: On users whom none of it was chosen on.
        fused: Their NDCG@10 as the adapter is heard.
        control: The same without its voice.
        temperature: Of its probabilities.
    """

    lm_weight: float
    fusion: FusionModel | None
    decision: Decision
    fused: PerUser
    control: PerUser
    temperature: float

    @classmethod
    def of(
        cls, chosen_on: Panel, decided_on: Panel, *, lm_weights: Iterable[float], popularity: Mapping[ItemId, int]
    ) -> Self:
        """Choose on the first users, decide on the others, and serve with what both teach.

        Args:
            chosen_on: Users who stopped the training.
            decided_on: Others.
            lm_weights: What the voice may be worth where all weights cannot be learned.
            popularity: How many users met each item in what was learned from.
        """
        lm_weight, temperature = chosen_on.best_weight(lm_weights), chosen_on.temperature()
        if len(chosen_on.cases) < _FIT.min_users:
            fused, control = decided_on.fused(lm_weight), decided_on.retrieval
            decision = Decision.of(fused, control, has_weight=lm_weight > 0)
            return cls(lm_weight, None, decision, fused, control, temperature)
        learned, without = (learned_weights_of([chosen_on], popularity, names) for names in (FEATURES, WITHOUT_LM))
        fused, control = (decided_on.calibrated(fusion, popularity) for fusion in (learned, without))
        decision = Decision.of(fused, control, has_weight=learned.hears_model)
        served = learned_weights_of([chosen_on, decided_on], popularity, FEATURES)
        return cls(lm_weight, served, decision, fused, control, temperature)


def learned_weights_of(
    panels: Sequence[Panel], popularity: Mapping[ItemId, int], features: Sequence[str]
) -> FusionModel:
    """What each of `features` is worth on the users of `panels`; `popularity` says how many users met each item."""
    cases = [pair for panel in panels for pair in zip(panel.cases, panel.rankings, strict=True)]
    examples = []
    for user, (case, ranking) in enumerate(cases):
        said = ranking.report.lm_scores
        ids = [candidate.item_id for candidate in case.candidates]
        own = np.array([said.get(item_id, math.nan) for item_id in ids])
        examples.append(Example(user, slate_features(case.candidates, popularity, said), own, ids.index(case.answer)))
    return fitted_fusion(LabelledSlates.of(examples, source=cases[0][0].candidates[0].source), features, _FIT)
