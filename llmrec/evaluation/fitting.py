"""Stages fitted on one task, each once, however many others are made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from llmrec.data.splits import Task
from llmrec.errors import ConfigError
from llmrec.evaluation.beyond_accuracy import users_by_item
from llmrec.evaluation.fused_stages import (
    RANK_FUSION,
    CrossFittedRanker,
    RankFusionScorer,
    ShuffledRanker,
    Slates,
    SlateScorer,
)
from llmrec.evaluation.fusion_fitting import WITHOUT_LM, CrossFitted, FusionFit
from llmrec.evaluation.heard import AnswerLog, HeardRanker
from llmrec.evaluation.results import ORACLE
from llmrec.evaluation.validation_slates import ValidationSlates
from llmrec.interfaces import Ranker
from llmrec.ranking.fusion_model import FEATURES
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.stages import STAGES, StageContext, audience, require_stages
from llmrec.types import ItemId

RETRIEVAL, FUSED, FUSED_WITH_LM, RANDOM = "retrieval", "fused_without_lm", "fused", "random_order"
LM_STAGES = ("lm", "lm_base", "lm_shuffled_titles", "lm_ids")
"""The model alone: as it is, without its adapter, with other items' texts, with ids for titles."""
MODEL_STAGES = (*LM_STAGES, FUSED_WITH_LM)
LATER_STAGES = (RETRIEVAL, *LM_STAGES, FUSED, FUSED_WITH_LM, RANDOM, ORACLE)


@dataclass(frozen=True, slots=True)
class Voice:
    """A language model's ranker and its memory, each made when first needed.

    Attributes:
        ranker: Makes the ranker.
        log: Opens the file that keeps its answers; None keeps none.
        measured: The one to ask about validation rows, whose answers this one has learned; None where it has not.
    """

    ranker: Callable[[], Ranker]
    log: Callable[[], AnswerLog] | None = None
    measured: Voice | None = None


@dataclass(frozen=True, slots=True)
class FittedStage:
    """A stage ready to score, and what that took.

    Attributes:
        slate_size: How many items it orders above all others; None for a stage that has no slate.
        is_ceiling: Whether it is to be measured as if it had put the answer first.
    """

    scorer: HistoryScorer
    seconds: float
    slate_size: int | None = None
    is_ceiling: bool = False


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to fit any stage on any task.

    Attributes:
        context: Catalogue, settings and texts.
        voices: The language model's, by stage; empty where there is none.
        kept: Fitted retrievers by stage, task (its `id`) and seed, for whoever evaluates the same tasks with several
            models; None keeps none, for they are large.
    """

    context: StageContext
    voices: Mapping[str, Voice] = field(default_factory=dict)
    kept: MutableMapping[tuple[str, int, int], FittedStage] | None = None

    @property
    def fusion_weights(self) -> Mapping[str, float]:
        """What each retriever's rank is worth in the later stages' candidates, for known users who say nothing."""
        weights = self.context.settings.retrieval.weights
        return {name: weight for name, weight in weights.items() if audience(name, weights) == "everybody"}

    @property
    def source(self) -> str:
        """Whose candidates the later stages order; fused by rank, they are of no single retriever."""
        weights = self.fusion_weights
        return next(iter(weights)) if len(weights) == 1 else RANK_FUSION

    def require(self, names: Iterable[str]) -> None:
        """Raises ConfigError for a stage that is not known or needs a model or retrievers that are not there."""
        names = list(names)
        require_stages(names, (*STAGES, *LATER_STAGES))
        asks = next((name for name in names if name in MODEL_STAGES), None)
        if asks is not None and not self.voices:
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
        return name == RANDOM or any(STAGES[part].is_seeded for part in parts)


def reads_text(name: str) -> bool:
    """Whether descriptions of the items matter to the stage called `name`."""
    return name in LATER_STAGES or STAGES[name].reads_text


class RunStages:
    """The stages of all tasks of a run, and what they share: voices asked once, and weights learned on validation."""

    def __init__(
        self,
        workshop: Workshop,
        validation: Sequence[Task] = (),
        *,
        seed: int,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Fit nothing yet.

        Args:
            workshop: What stages are made with.
            validation: Tasks to learn the weights of voices from; a user among them is served by what was learned from
                others. Without any the retriever's order stands.
            seed: Of everything drawn or trained by chance.
            tell: Told in words how far learning the weights has come.
        """
        self._workshop = workshop
        self._validation = validation
        self._seed = seed
        self._tell = tell
        self._latest: tuple[Task, TaskStages] | None = None
        self._heard: dict[tuple[str, bool], HeardRanker] = {}
        self._fusions: dict[tuple[str, ...], CrossFitted] = {}

    def of(self, task: Task) -> TaskStages:
        """The stages of `task`; those of the last one are kept, those of earlier ones are not."""
        if self._latest is None or self._latest[0] is not task:
            self._latest = task, TaskStages(self._workshop, task, seed=self._seed, run=self)
        return self._latest[1]

    def is_validation(self, task: Task) -> bool:
        """Whether weights are learned from the answers of `task`."""
        return any(task is known for known in self._validation)

    def heard(self, name: str, *, on_validation: bool) -> HeardRanker:
        """The language model as the stage `name` hears it, asked about rows of validation or of the test."""
        whole = self._workshop.voices[name]
        voice = whole.measured if on_validation and whole.measured else whole
        key = name, voice is whole
        if key not in self._heard:
            self._heard[key] = HeardRanker(voice.ranker, voice.log() if voice.log else None)
        return self._heard[key]

    def fusions(self, features: Sequence[str]) -> CrossFitted:
        """What each of `features` is worth for whom."""
        key = tuple(features)
        if key not in self._fusions:
            lm_ranker = None if key == WITHOUT_LM else self.heard("lm", on_validation=True)
            self._fusions[key] = self._slates.cross_fitted(key, lm_ranker, FusionFit(seed=self._seed), tell=self._tell)
        return self._fusions[key]

    @cached_property
    def _slates(self) -> ValidationSlates:
        parts = ((task, self.of(task)) for task in self._validation)
        return ValidationSlates.of((task, made.slates, made.popularity) for task, made in parts)


class TaskStages:
    """The stages of one task and seed."""

    def __init__(self, workshop: Workshop, task: Task, *, seed: int, run: RunStages | None = None) -> None:
        """Fit nothing yet; `run` is what the task shares with others, nothing when it is alone."""
        self._workshop = workshop
        self._task = task
        self._seed = seed
        self._run = run or RunStages(workshop, seed=seed)
        self._fitted: dict[str, FittedStage] = {}

    def fitted(self, name: str) -> FittedStage:
        """The stage called `name`, fitted on what the task lets it learn from. Raises LLMRecError."""
        if name not in self._fitted:
            self._fitted[name] = self._later(name) if name in LATER_STAGES else self._fit(name)
        return self._fitted[name]

    @cached_property
    def slates(self) -> Slates:
        """What the stages after retrieval order: the best items of one retriever, or of several fused by rank."""
        context, weights = self._workshop.context, self._workshop.fusion_weights
        scorers = [self.fitted(name).scorer for name in weights]
        n_candidates = context.settings.retrieval.n_candidates
        base = scorers[0] if len(scorers) == 1 else RankFusionScorer(scorers, weights, n_candidates)
        return Slates(base, context.catalogue.ids, context.settings.ranking.slate_size)

    @cached_property
    def popularity(self) -> Mapping[ItemId, int]:
        """How many users met each item that anybody met, in what the task lets stages learn from."""
        return users_by_item(self._task.fit_on)

    def _fit(self, name: str) -> FittedStage:
        kept, key = self._workshop.kept, (name, id(self._task), self._seed)
        if kept is None:
            return self._fitted_anew(name)
        if key not in kept:
            kept[key] = self._fitted_anew(name)
        return kept[key]

    def _fitted_anew(self, name: str) -> FittedStage:
        started = time.perf_counter()
        scorer = STAGES[name].fit(self._task.fit_on, self._workshop.context, self._seed)
        return FittedStage(scorer, time.perf_counter() - started)

    def _later(self, name: str) -> FittedStage:
        slates = self.slates
        spent = sum(self.fitted(part).seconds for part in self._workshop.fusion_weights)
        return FittedStage(self._scorer(name, slates), spent, slates.size, is_ceiling=name == ORACLE)

    def _scorer(self, name: str, slates: Slates) -> SlateScorer:
        if name in LM_STAGES:
            heard = self._heard(name)
            beliefs = self._run.fusions(FEATURES) if name == "lm" else None
            return SlateScorer(name, slates, heard, heard, beliefs)
        if name == RANDOM:
            return SlateScorer(name, slates, ShuffledRanker(self._seed))
        if name == FUSED:
            return SlateScorer(name, slates, self._fused(WITHOUT_LM, RetrievalOrderRanker(), slates))
        if name == FUSED_WITH_LM:
            heard = self._heard("lm")
            return SlateScorer(name, slates, self._fused(FEATURES, heard, slates), heard)
        return SlateScorer(name, slates, RetrievalOrderRanker())

    def _heard(self, name: str) -> HeardRanker:
        return self._run.heard(name, on_validation=self._run.is_validation(self._task))

    def _fused(self, features: Sequence[str], lm_ranker: Ranker, slates: Slates) -> CrossFittedRanker:
        return CrossFittedRanker(lm_ranker, self._run.fusions(features), self.popularity, slates.size)
