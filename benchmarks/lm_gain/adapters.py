"""Trains a benchmark's adapters, each kept under what it was made of: found again, or gone on from where it stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lm_gain.recipe import Recipe, base_sha256, hash_of, training_code_sha256
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.own_stages import item_vectors
from finetune.ranker_data import RankerData
from finetune.ranker_model import load_base
from finetune.ranker_output import ABOUT_FILE, RankerPlace
from finetune.ranker_setup import Bench
from finetune.retriever_data import TrainingData
from finetune.time_limit import TimeLimit
from finetune.train_ranker import Control, fine_tune
from llmrec.assets import AssetStore
from llmrec.data.sources import dataset_info
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.language_model.devices import choose_device
from llmrec.models import model_place
from llmrec.prompting.templates import PromptLibrary
from llmrec.stages import StageContext

_ENDED = 143  # what a shell reports of a process that SIGTERM ended


@dataclass(frozen=True)
class Adapter:
    """A trained adapter's directory."""

    directory: Path

    @property
    def is_there(self) -> bool:
        """Whether it is whole."""
        return (self.directory / ABOUT_FILE).is_file()

    @property
    def about(self) -> Mapping[str, Any]:
        """What its training noted."""
        found: Mapping[str, Any] = json.loads((self.directory / ABOUT_FILE).read_text(encoding="utf-8"))
        return found

    def to_json(self) -> Mapping[str, Any]:
        """What a table says of it."""
        about = self.about
        return {
            "seed": about["config"]["seed"],
            "seconds": about["seconds"],
            "n_steps": about["n_steps"],
            "NDCG@10 of validation users, alone": about["validation"]["adapter alone, whole catalogue"]["mean"],
        }


def adapter_of(cut: Cut, recipe: Recipe, *, seed: int, runs: Path) -> Adapter:
    """Where the adapter of a seed is or will be: another data set, code, base, preset or limit has another place."""
    record = _record(cut, seed)
    made_of = [
        record.data.sha256,
        record.split_sha256,
        cut.data.catalogue.content_hash,
        recipe.training_of(seed).model_dump(mode="json"),
        base_sha256(recipe.training.base),
        recipe.max_minutes,
        training_code_sha256(),
    ]
    return Adapter(runs / "ranker" / cut.bench.name / f"seed-{seed}-{hash_of(made_of)}")


def train(cut: Cut, recipe: Recipe, *, seed: int, runs: Path) -> Adapter:
    """The adapter of a seed, trained unless it is there; what was begun goes on.

    Raises:
        LLMRecError: It cannot be trained.
        SystemExit: The process was asked to end; the checkpoint is written.
    """
    adapter = adapter_of(cut, recipe, seed=seed, runs=runs)
    if adapter.is_there:
        return adapter
    config, place = recipe.training_of(seed), RankerPlace(adapter.directory)
    store = AssetStore.from_environment()
    found = model_place(config.base, store)
    base = load_base(found, config, choose_device(config.device), name=Path(config.base).name, offline=store.offline)
    data = _ranker_data(cut, recipe, seed=seed, runs=runs)
    place.begin(data, config, base)
    # The trainer talks to stdout, which is kept for the table.
    with redirect_stdout(sys.stderr):
        control = Control(TimeLimit.of_minutes(recipe.max_minutes))
        model, outcome = fine_tune(Bench(data, config, base), place, control)
    if outcome is None:
        raise SystemExit(_ENDED)
    place.publish(model, data, config, base, outcome)
    return adapter


def _ranker_data(cut: Cut, recipe: Recipe, *, seed: int, runs: Path) -> RankerData:
    """Everything but each user's last two interactions; the one before the last stops it, and is learned in the end."""
    catalogue, info = cut.data.catalogue, dataset_info(cut.bench.dataset)
    validation = cut.task(0, "validation")
    training = TrainingData(
        catalogue, validation, cut.task(0, "test").fit_on, _record(cut, seed), info.licence, (info.citation,)
    )
    context = StageContext(catalogue, recipe.settings, item_vectors(catalogue, recipe.settings, runs))
    return RankerData(training, context, PromptLibrary.load())


def _record(cut: Cut, seed: int) -> ProtocolRecord:
    bench = cut.bench
    return ProtocolRecord.of(cut.splits, name=bench.dataset, part="validation", core=bench.core, seeds=[seed])
