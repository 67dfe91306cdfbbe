"""What answers a user: the recommender's assistant, or that of the user's arm while an experiment runs."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np

from llmrec.assistant import Assistant
from llmrec.build import Around, Overrides, assemble, encoder_of
from llmrec.errors import LLMRecError
from llmrec.experiments.definition import EXPERIMENTS_FILE, Arm, Experiment, running
from llmrec.experiments.exploring import ExploredPlace, Style, most_different, rarest
from llmrec.experiments.learned import read_tallies
from llmrec.experiments.turns import TakingTurns
from llmrec.exposing import exposing
from llmrec.index import Fitted
from llmrec.interfaces import AdapterHost, ChatModel
from llmrec.models import load_language_model
from llmrec.rankers import user_counts
from llmrec.ranking.context import ContextLifts, ContextRanker
from llmrec.settings import LanguageModelSettings, Settings
from llmrec.types import Query, Ranking, UserId

logger = logging.getLogger(__name__)


class Serving:
    """The assistants of one recommender; models that several of them use are loaded once."""

    def __init__(
        self, fitted: Fitted, overrides: Overrides, directory: Path | None, *, before: Serving | None = None
    ) -> None:
        """Load the models and wire the assistant that answers outside of experiments.

        Args:
            fitted: What was learned.
            overrides: Of this run.
            directory: Where the experiments are kept; None for none.
            before: Answers already from an earlier version; models of the same settings are taken from it.

        Raises:
            AssetError: A model is not on this machine.
            ModelError: It cannot be loaded.
            ConfigError: The settings do not fit it.
        """
        self._fitted = fitted
        self._directory = directory
        self._own = overrides
        self._models: dict[LanguageModelSettings, ChatModel | None] = {}
        self._earlier = dict(before._models) if before else {}
        self._settings = settings = fitted.settings.changed(overrides.settings)
        if before is not None and before._settings.encoder == settings.encoder:
            overrides = replace(overrides, encoder=before._shared.encoder)
        self._shared: Overrides = replace(overrides, encoder=encoder_of(settings, overrides, fetch=False))
        self._lock = Lock()
        self._stamp = 0
        self._experiment: Experiment | None = None
        self._of_arm: dict[str, Assistant] = {}
        self.plain = self._assembled(Arm(name="plain"))
        self._look_for_experiment()
        self._earlier = {}  # what is not used again may go

    def for_user(self, user_id: UserId) -> Assistant:
        """What answers this user now. An experiment that is started or stopped meanwhile counts from here on."""
        with self._lock:
            self._look_for_experiment()
            if self._experiment is None:
                return self.plain
            arm = self._experiment.arm_of(user_id)
            if self._experiment.design == "interleave":
                arm = self._experiment.arms[0]
            return self._of_arm.get(arm.name, self.plain)

    def _look_for_experiment(self) -> None:
        """Wire the arms of the experiment that runs, where the file that says so has changed."""
        stamp = _stamp(self._directory)
        if stamp == self._stamp:
            return
        self._stamp, self._experiment, self._of_arm = stamp, None, {}
        try:
            found = running(self._directory) if self._directory else None
            if found is not None:
                self._of_arm = self._arms(found)
                self._experiment = found
        except LLMRecError as error:
            # All arms or none: users of one that cannot be served would look like users whom it drove away.
            logger.warning("the experiment is not served: %s", error)

    def _arms(self, experiment: Experiment) -> dict[str, Assistant]:
        wired = {arm.name: self._assembled(arm, tag=experiment.tag(arm)) for arm in experiment.arms}
        if experiment.design == "split":
            return wired
        first, second = experiment.arms
        rival = wired[second.name]

        def of_rival(query: Query, k: int) -> Ranking:
            return next(iter(rival.rankings([query], k=k)))

        stages = wired[first.name].stages
        tags = (experiment.tag(first), experiment.tag(second))
        turns = TakingTurns(stages.item_filter, of_rival, tags=tags, rng=np.random.default_rng())
        return {first.name: Assistant(replace(stages, arranger=turns))}

    def _assembled(self, arm: Arm, *, tag: str = "") -> Assistant:
        changes = (*self._own.settings, *arm.settings)
        settings = self._fitted.settings.changed(changes)
        model = self._own.language_model or self._model(settings.language_model)
        overrides = replace(self._shared, settings=changes, language_model=model)
        assistant = assemble(self._fitted, overrides)
        if settings.ranking.context and len(self._fitted.interactions):
            overrides = replace(overrides, around=_in_context(self._fitted, settings.ranking.context, overrides.around))
            assistant = assemble(self._fitted, overrides)
        if settings.ranking.exposure and len(self._fitted.interactions):
            around = exposing(assistant, self._fitted, settings.ranking, overrides.around)
            assistant = assemble(self._fitted, replace(overrides, around=around))
        stages = replace(assistant.stages, arm=tag)
        if settings.exploration.place:
            stages = replace(stages, arranger=self._explored(settings, assistant, tag))
        return Assistant(stages)

    def _model(self, wanted: LanguageModelSettings) -> ChatModel | None:
        if wanted not in self._models:
            found = self._earlier.get(wanted) or self._bare(wanted)
            self._models[wanted] = found or load_language_model(wanted, self._own.store)
        return self._models[wanted]

    def _bare(self, wanted: LanguageModelSettings) -> ChatModel | None:
        """The wanted model without an adapter, where it is here with one: weights are large."""
        alike = (model for known, model in self._models.items() if known.model_copy(update={"adapter": ""}) == wanted)
        host: object = next(alike, None)  # to mypy one protocol cannot be another
        return host.with_adapter("") if isinstance(host, AdapterHost) else None

    def _explored(self, settings: Settings, assistant: Assistant, tag: str) -> ExploredPlace:
        known: dict[str, Style] = {
            "rare": rarest(user_counts(self._fitted.interactions)),
            "different": most_different(self._fitted.vectors),
        }
        return ExploredPlace(
            assistant.stages.item_filter,
            {name: known[name] for name in settings.exploration.styles},
            read_tallies(self._directory) if self._directory else {},
            place=settings.exploration.place,
            rng=np.random.default_rng(),
            arm=tag,
        )


def _in_context(fitted: Fitted, weight: float, around: Around | None) -> Around:
    """What has to stand around the stages for `ranking.context`; inside of it what already does."""
    met = fitted.interactions
    lifts = ContextLifts.fit(fitted.catalogue.ids, met.items, met.at)
    inner = around or Around(lambda ranker: ranker, lambda phraser: phraser)
    return replace(inner, ranker=lambda ranker: ContextRanker(inner.ranker(ranker), lifts, weight=weight))


def _stamp(directory: Path | None) -> int:
    """Changes whenever the experiments do; 0 without any."""
    if directory is None:
        return 0
    try:
        found = os.stat(directory / EXPERIMENTS_FILE)
    except OSError:
        return 0
    return hash((found.st_mtime_ns, found.st_ino))
