"""Choosing settings by search, on validation alone: stage after stage, every trial kept, so that a cut run goes on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from tqdm import tqdm

from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.fitting import Workshop
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.evaluation.results import Difference
from llmrec.evaluation.search_spaces import TUNABLE, Values, drawn, settings_of, space_of, stepped, with_values
from llmrec.evaluation.trial_bench import Search, Study, TrialBench
from llmrec.evaluation.trials import Outcome, TrialLog
from llmrec.retrieval.sequential_plan import EpochReport
from llmrec.settings import Settings
from llmrec.stages import STAGES, Stage, StageContext

_BOOTSTRAP_SEED = 0
_REDRAWS = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings of a stage and what they reached; number 0 are those that were there before."""

    number: int
    values: Values
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StageTuning:
    """The trials of a stage; `chosen` has the highest mean, the earliest of equals.

    Attributes:
        before: Of trial 0.
        reached: Of the chosen trial. Being the best of several, it is more than the same settings reach elsewhere.
        difference: The chosen trial minus trial 0, by user; None where trial 0 was chosen.
    """

    stage: str
    trials: tuple[Trial, ...]
    chosen: Trial
    before: Estimate
    reached: Estimate
    difference: Difference | None

    @classmethod
    def of(cls, stage: str, trials: Sequence[Trial], metric: str) -> Self:
        """Intervals by bootstrap over users."""
        chosen, was = best_of(trials), trials[0].outcome.values
        by_user: dict[str, PerUser] = {"before": was, "reached": chosen.outcome.values}
        by_user["difference"] = by_user["reached"] - was
        found = bootstrap_means(by_user, seed=_BOOTSTRAP_SEED)
        by = found["difference"]
        names = (f"{stage} of trial {chosen.number}", f"{stage} as it was")
        difference = Difference(*names, metric, by.mean, by.ci95) if chosen.number else None
        return cls(stage, tuple(trials), chosen, found["before"], found["reached"], difference)


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        stages: In the order in which they were searched.
        settings: As they were, with the chosen values of every stage, a later stage's over an earlier one's.
    """

    record: ProtocolRecord
    search: Search
    stages: tuple[StageTuning, ...]
    settings: Settings

    @property
    def overruled(self) -> tuple[str, ...]:
        """Stages of whose chosen values `settings` has others, because a later stage did better with those."""
        return tuple(
            found.stage for found in self.stages if settings_of(found.stage, self.settings) != found.chosen.values
        )

    @property
    def n_of_other_code(self) -> int:
        """How many trials were found in the log and had been measured by another commit than the record's."""
        return sum(trial.outcome.commit != self.record.commit for found in self.stages for trial in found.trials)


def best_of(trials: Sequence[Trial]) -> Trial:
    """The one with the highest mean, the earliest of equals."""
    return max(trials, key=lambda trial: (trial.outcome.mean, -trial.number))


def tune(
    study: Study,
    search: Search,
    workshop: Workshop,
    log: TrialLog,
    *,
    stages: Mapping[str, Stage] = STAGES,
    progress: bool = False,
) -> Tuning:
    """Search stage after stage; what was chosen for one is where those that build on it begin.

    Trial 0 of a stage has the settings as they were before anything was tuned, so that none ends below them on
    validation; then come those that earlier stages left, then settings drawn anew and small steps from the best, by
    turns. What is drawn depends on seed, stage, number and earlier trials only: more trials later go on from fewer.

    Args:
        study: What to measure on.
        search: What to search for.
        workshop: Fits stages; its settings are where the search starts, its catalogue is the study's.
        log: Where finished trials are kept and looked up before anything is fitted.
        stages: How each stage is fitted.
        progress: Whether to show a bar on a terminal.

    Raises:
        DataError: A stage cannot be fitted, or its scores are not finite.
    """
    given = settings = workshop.context.settings
    found: list[StageTuning] = []
    with _bar(search, shown=progress) as bar:
        for name in sorted(search.stages, key=TUNABLE.index):
            bar.set_description(name)
            bar.set_postfix_str("")
            bench = TrialBench(study, search, name, stages[name], _telling(workshop.context, bar), log)
            trials = _trials(bench, _Proposals(name, given, settings, search), bar)
            found.append(StageTuning.of(name, trials, search.metric))
            settings = with_values(settings, found[-1].chosen.values)
    return Tuning(study.record, search, tuple(found), settings)


@dataclass(frozen=True, slots=True)
class _Proposals:
    """What is tried: settings as they were, as earlier stages left them, then what is drawn."""

    stage: str
    given: Settings
    carried: Settings
    search: Search

    def next(self, trials: Sequence[Trial]) -> Values | None:
        """What to try after `trials`; None when nothing new was drawn."""
        stage = self.stage
        tried = [trial.values for trial in trials]
        for settings in (self.given, self.carried):
            if settings_of(stage, settings) not in tried:
                return settings_of(stage, settings)
        space = space_of(stage, self.given, tuned=self.search.stages)
        rng = np.random.default_rng([self.search.seed, zlib.crc32(stage.encode()), len(trials)])
        for _ in range(_REDRAWS):
            best = best_of(trials).values if len(trials) % 2 else {}
            changes = stepped(space, best, rng) if best else drawn(space, rng)
            values = settings_of(stage, with_values(self.carried, {**best, **changes}))
            if values not in tried:
                return values
        return None


def _trials(bench: TrialBench, proposals: _Proposals, bar: tqdm) -> Sequence[Trial]:
    trials: list[Trial] = []
    while len(trials) < proposals.search.n_trials:
        values = proposals.next(trials)
        if values is None:
            break
        outcome, is_new = bench.outcome(values, number=len(trials))
        trials.append(Trial(len(trials), values, outcome))
        _advance(bar, is_new=is_new)
        bar.set_postfix_str(f"best {proposals.search.metric} {best_of(trials).outcome.mean:.4f}")
    return trials


def _telling(context: StageContext, bar: tqdm) -> StageContext:
    """The same, its trainings shown beside the bar."""

    def tell(report: EpochReport) -> None:
        bar.set_postfix_str(f"epoch {report.epoch}, loss {report.loss:.3f}, held out NDCG@10 {report.ndcg:.4f}")

    return replace(context, on_epoch=tell)


def _bar(search: Search, *, shown: bool) -> tqdm:
    return tqdm(total=search.n_trials * len(search.stages), unit="trial", disable=None if shown else True)


def _advance(bar: tqdm, *, is_new: bool) -> None:
    """One more; what the log had took no time and would spoil the estimate of what is left."""
    if is_new:
        bar.update()
    else:
        bar.total -= 1
        bar.refresh()
