"""The stages of each seed through the package's own evaluation, kept until code, data, adapter or settings change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.lm_gain.adapters import Adapter
from benchmarks.lm_gain.recipe import STAGES, Recipe, base_sha256, hash_of, measuring_code_sha256
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.measuring import averaged
from benchmarks.side_by_side.own_stages import item_vectors
from llmrec.assets import AssetStore
from llmrec.build import Overrides
from llmrec.data.splits import Part
from llmrec.evaluation.fitting import MODEL_STAGES, FittedStage, Workshop
from llmrec.evaluation.lm_voices import language_model_voices
from llmrec.evaluation.protocol import ProtocolRecord, split_sha256
from llmrec.evaluation.results import RESULT_FILE, WEIGHT, Evaluation, StageResult
from llmrec.evaluation.run import Plan, differences, evaluate
from llmrec.models import load_language_model, weights_sha256
from llmrec.prompting.templates import PromptLibrary
from llmrec.settings import Settings
from llmrec.stages import StageContext

_RETRIEVER_SEED = 0
WITHOUT_MODEL = tuple(stage for stage in STAGES if stage not in MODEL_STAGES)


@dataclass(frozen=True)
class Measuring:
    """What is measured, and where that is kept.

    Attributes:
        look: Called before test rows are looked at.
        retrievers: Fitted once: adapters differ by their seeds, whose candidates they order does not.
    """

    cut: Cut
    recipe: Recipe
    part: Part
    runs: Path
    look: Callable[[], None]
    retrievers: dict[tuple[str, int, int], FittedStage] = field(default_factory=dict)

    def kept(self, adapter: Adapter, seed: int) -> Evaluation:
        """All stages with the adapter of `seed`, from before or from now."""
        place = self._place(adapter, seed)
        if (place / RESULT_FILE).is_file():
            return Evaluation.load(place)
        found = self.computed(adapter)
        found.save(place)
        return found

    def computed(self, adapter: Adapter | None) -> Evaluation:
        """All stages with an adapter, or without one those that need none, whatever is kept."""
        if self.part == "test":
            self.look()
        stages = STAGES if adapter else WITHOUT_MODEL
        settings = self.recipe.settings_with(adapter.directory) if adapter else self.recipe.settings
        return evaluate(
            self.cut.splits,
            Plan(stages, self.part, (_RETRIEVER_SEED,)),
            self._workshop(settings, speaks=adapter is not None),
            name=self.cut.bench.dataset,
            core=self.cut.bench.core,
            progress=True,
        )

    def _workshop(self, settings: Settings, *, speaks: bool) -> Workshop:
        catalogue = self.cut.data.catalogue
        context = StageContext(catalogue, settings, item_vectors(catalogue, settings, self.runs))
        if not speaks:
            return Workshop(context, kept=self.retrievers)
        store = AssetStore.from_environment()
        # Given, the model's answers are not kept on disk: what is timed is the model, and it is quick.
        overrides = Overrides(language_model=load_language_model(settings.language_model, store), store=store)
        voices = language_model_voices(catalogue, settings, PromptLibrary.load(), overrides)
        return Workshop(context, voices, self.retrievers)

    def _place(self, adapter: Adapter, seed: int) -> Path:
        known = [
            [split_sha256(self.cut.splits, part) for part in ("validation", self.part)],
            STAGES,
            self.recipe.settings.model_dump(mode="json"),
            weights_sha256(adapter.directory),
            base_sha256(self.recipe.training.base),
            [seed, _RETRIEVER_SEED],
            measuring_code_sha256(),
        ]
        return self.runs / "ranker" / self.cut.bench.name / f"{self.part}-{seed}-{hash_of(known)}"


def over_seeds(cut: Cut, part: Part, found: Mapping[int, Evaluation]) -> Evaluation:
    """Evaluations by seed as one: values averaged user by user, and the pairs that say what the model is worth."""
    runs, seeds = list(found.values()), list(found)
    stages = {name: _averaged(name, [run.stages[name] for run in runs]) for name in runs[0].stages}
    bench = cut.bench
    protocol = ProtocolRecord.of(cut.splits, name=bench.dataset, part=part, core=bench.core, seeds=seeds)
    return Evaluation(protocol, runs[0].users, stages, tuple(differences(stages, reference="retrieval")))


def learned_weights(found: Mapping[int, Evaluation]) -> Mapping[str, Sequence[Mapping[str, float]]]:
    """By stage, for each seed, what each voice was given."""
    return {
        name: [
            {key.removeprefix(WEIGHT): round(value, 4) for key, value in overall.items() if key.startswith(WEIGHT)}
            for overall in (run.stages[name].overall for run in found.values())
        ]
        for name in ("fused_without_lm", "fused")
    }


def _averaged(name: str, results: Sequence[StageResult]) -> StageResult:
    parts = results[0].seconds
    seconds = {part: float(np.mean([result.seconds[part] for result in results])) for part in parts}
    return averaged(name, [result.per_user for result in results], seconds)
