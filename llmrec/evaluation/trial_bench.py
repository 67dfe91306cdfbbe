"""One trial of a search: a stage fitted with some settings and measured on validation, unless a log has it already."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np

from llmrec.data.splits import Split, Task
from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.fitting import LATER_STAGES
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks, answer_ranks, answers_of, user_metrics
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.evaluation.search_spaces import READ_HALF_LIFE, TUNABLE, Values, with_values
from llmrec.evaluation.trials import Outcome, TrialLog, key_of
from llmrec.retrieval.item_to_item import ItemToItemRetriever
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.stages import Stage, StageContext, require_stages

METRICS = tuple(f"{name}@{k}" for name in ("NDCG", "R", "HR", "MRR", "MAP", "P", "F1") for k in CUTOFFS)
"""What a search can go by: higher is better, and every tested user has it."""
_BATCH_BYTES, _BYTES_PER_SCORE = 1 << 28, 16


@dataclass(frozen=True)
class Study:
    """What trials are measured on: the validation part of a cut, and no row of its test part."""

    record: ProtocolRecord
    tasks: tuple[Task, ...]

    @classmethod
    def of(cls, split: Split, *, name: str, core: int) -> Self:
        """The validation part of `split`; `name` and `core` are those of the data, for the record."""
        record = ProtocolRecord.of([split], name=name, part="validation", core=core, seeds=(split.seed,))
        return cls(record, split.validation)


@dataclass(frozen=True, slots=True)
class Search:
    """What to search for.

    Attributes:
        stages: Whose settings; searched in the order of `TUNABLE`, whatever their order here.
        n_trials: For each stage, the settings as they were among them.
        metric: Whose mean over users decides.
        seed: Of what is drawn, and of what is trained by chance.
    """

    stages: tuple[str, ...]
    n_trials: int = 20
    metric: str = "NDCG@10"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError for what cannot be searched."""
        without = next((name for name in self.stages if name in LATER_STAGES), None)
        if without is not None:
            raise ConfigError(f"the stage {without!r} is not tuned.", hint=f"Tunable: {', '.join(TUNABLE)}.")
        require_stages(self.stages, TUNABLE)
        if not self.stages or self.n_trials < 1 or self.seed < 0:
            raise ConfigError(
                f"stages are {self.stages}, n_trials {self.n_trials} and seed {self.seed}; a search needs a stage, a "
                "trial and a seed of at least 0."
            )
        if self.metric not in METRICS:
            raise ConfigError(f"no search can go by {self.metric!r}.", hint=f"Known: {', '.join(METRICS)}.")


class TrialBench:
    """Measures settings of one stage."""

    def __init__(
        self, study: Study, search: Search, name: str, stage: Stage, context: StageContext, log: TrialLog
    ) -> None:
        """Fit nothing yet.

        Args:
            study: What to measure on.
            search: Metric and seed.
            name: The stage's.
            stage: How it is fitted.
            context: What it is fitted with, but for the settings that are tried.
            log: Where outcomes are looked up and kept.
        """
        self._study = study
        self._search = search
        self._name = name
        self._stage = stage
        self._context = context
        self._log = log
        self._best_mean = -np.inf
        self._newest: _Table | None = None
        self._best: _Table | None = None

    def outcome(self, values: Values, *, number: int) -> tuple[Outcome, bool]:
        """What `values` reach, and whether that had to be measured; `number` of the trial is for the log's reader."""
        about = self._about(values)
        known = self._log.find(key_of(about))
        outcome = known or self._measured(values)
        if outcome.mean > self._best_mean:
            self._best_mean = outcome.mean
            self._best = self._newest
        self._newest = None
        if known is None:
            self._log.add(key_of(about), outcome, {"trial": number, **about})
        return outcome, known is None

    def _about(self, values: Values) -> Mapping[str, object]:
        """All that decides what a trial reaches."""
        record, context = self._study.record, self._context
        texts = [context.settings.encoder.model, context.catalogue.content_hash] if self._stage.reads_text else []
        return {
            "stage": self._name,
            "settings": dict(values),
            "metric": self._search.metric,
            "seed": self._search.seed,
            "data": asdict(record.data),
            "protocol": [record.protocol, record.ties, record.split_sha256],
            "texts": texts,
        }

    def _measured(self, values: Values) -> Outcome:
        started = time.perf_counter()
        context = replace(self._context, settings=with_values(self._context.settings, values))
        tables = [
            self._reached(self._scorer(task, values, context), task)  # one table in memory at a time
            for task in self._study.tasks
        ]
        return Outcome(np.concatenate(tables), time.perf_counter() - started, self._study.record.commit)

    def _scorer(self, task: Task, values: Values, context: StageContext) -> HistoryScorer:
        """A fit, or that of the best trial read with another half-life where nothing else has changed."""
        half_life = READ_HALF_LIFE.get(self._name, "")
        learned = {key: value for key, value in values.items() if key != half_life}
        if self._best is not None and self._best.learned == learned:
            self._newest = self._best
            steps = values[half_life]
            assert isinstance(steps, float), "a half-life is a number"
            return self._best.retriever.at_half_life(steps)
        scorer = self._stage.fit(task.fit_on, context, self._search.seed)
        is_only = len(self._study.tasks) == 1
        if half_life and is_only and isinstance(scorer, ItemToItemRetriever):
            self._newest = _Table(learned, scorer)
        return scorer

    def _reached(self, scorer: HistoryScorer, task: Task) -> PerUser:
        """The metric of every tested user of `task`, float64 [n_tested]; all items are ranked, cold or not."""
        size = max(1, _BATCH_BYTES // (_BYTES_PER_SCORE * len(task.fit_on.item_ids)))
        ranks = [
            answer_ranks(scorer.score_histories(histories), histories, answers_of(task.answers, users))
            for users, histories in batches(task.histories, size)
        ]
        metric = self._search.metric
        cutoff = int(metric.partition("@")[2])
        return user_metrics(AnswerRanks.joined(ranks), cutoffs=(cutoff,))[metric]


@dataclass(frozen=True, slots=True)
class _Table:
    """A fitted table that can be read with any half-life, and the settings that it was learned with."""

    learned: Values
    retriever: ItemToItemRetriever
