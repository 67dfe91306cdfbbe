"""Stages fitted on one task, each once, however many others are made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from llmrec.data.splits import Task
from llmrec.errors import ConfigError
from llmrec.evaluation.fused_stages import ModelVoice, RankFusionScorer, model_scorers
from llmrec.interfaces import Ranker
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.stages import STAGES, StageContext, audience, require_stages

FUSED = "fused_without_lm"
MODEL_STAGES = ("lm", "fused")
LATER_STAGES = ("lm", FUSED, "fused")


@dataclass(frozen=True, slots=True)
class FittedStage:
    """A stage ready to score, and what that took."""

    scorer: HistoryScorer
    seconds: float


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to fit any stage on any task.

    Attributes:
        context: Catalogue, settings and texts.
        lm_ranker: Makes the language model's ranker when first asked; None where there is no language model.
    """

    context: StageContext
    lm_ranker: Callable[[], Ranker] | None = None

    @property
    def fusion_weights(self) -> Mapping[str, float]:
        """What each retriever's rank is worth in the later stages' candidates, for known users who say nothing."""
        weights = self.context.settings.retrieval.weights
        return {name: weight for name, weight in weights.items() if audience(name, weights) == "everybody"}

    def require(self, names: Iterable[str]) -> None:
        """Raises ConfigError for a stage that is not known or needs a model or retrievers that are not there."""
        names = list(names)
        require_stages(names, (*STAGES, *LATER_STAGES))
        asks = next((name for name in names if name in MODEL_STAGES), None)
        if asks is not None and self.lm_ranker is None:
            raise ConfigError(
                f"the stage {asks!r} needs a language model, and language_model.model is 'none'.",
                hint="Name one with --set language_model.model=NAME.",
            )

        if not self.fusion_weights and any(name in LATER_STAGES for name in names):
            raise ConfigError(
                "no retriever with a weight answers users who say nothing, so there are no candidates to fuse.",
                hint="Give one a weight, as in --set retrieval.popularity=1.",
            )

    def is_seeded(self, name: str) -> bool:
        """Whether another seed gives this stage another result."""
        parts = self.fusion_weights if name in LATER_STAGES else (name,)
        return any(STAGES[part].is_seeded for part in parts)


def reads_text(name: str) -> bool:
    """Whether descriptions of the items matter to the stage called `name`."""
    return name in LATER_STAGES or STAGES[name].reads_text


class TaskStages:
    """The stages of one task and seed."""

    def __init__(self, workshop: Workshop, task: Task, *, seed: int) -> None:
        """Fit nothing yet."""
        self._workshop = workshop
        self._task = task
        self._seed = seed
        self._fitted: dict[str, FittedStage] = {}

    def fitted(self, name: str) -> FittedStage:
        """The stage called `name`, fitted on what the task lets it learn from. Raises LLMRecError."""
        if name not in self._fitted:
            self._fitted |= self._fit_later() if name in LATER_STAGES else {name: self._fit(name)}
        return self._fitted[name]

    def _fit(self, name: str) -> FittedStage:
        started = time.perf_counter()
        scorer = STAGES[name].fit(self._task.fit_on, self._workshop.context, self._seed)
        return FittedStage(scorer, time.perf_counter() - started)

    def _fit_later(self) -> Mapping[str, FittedStage]:
        context, weights = self._workshop.context, self._workshop.fusion_weights
        parts = [self.fitted(name) for name in weights]
        scorers = [part.scorer for part in parts]
        base = RankFusionScorer(scorers, weights, context.settings.retrieval.n_candidates)
        made: Mapping[str, HistoryScorer] = {FUSED: base}
        if self._workshop.lm_ranker is not None:
            chosen = context.settings.ranking
            voice = ModelVoice(base, self._workshop.lm_ranker(), context.catalogue.ids, chosen.slate_size)
            made = model_scorers(voice, lm_weight=chosen.lm_weight, max_lift=chosen.max_lift)
        spent = sum(part.seconds for part in parts)
        return {name: FittedStage(scorer, spent) for name, scorer in made.items()}
