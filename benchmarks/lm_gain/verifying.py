"""Whether a kept table can be had again: its first seed, measured anew and compared on a fixed sample of users."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from benchmarks.lm_gain.adapters import Adapter, adapter_of, train
from benchmarks.lm_gain.measuring import WITHOUT_MODEL, Measuring
from benchmarks.lm_gain.recipe import Recipe
from benchmarks.lm_gain.running import Plan, Say, looks
from benchmarks.lm_gain.table import read
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.table import disagreements, sample_means, sample_of
from benchmarks.side_by_side.verifying import SAME, TRAINED
from llmrec.evaluation.protocol import ProtocolRecord

_SLACK = 1.5  # training on a busier machine than the table's


def verify(cut: Cut, plan: Plan, *, deadline: float, say: Say) -> list[str]:
    """Sentences for every number that could not be had again; empty when all agree.

    An adapter that is kept is measured; otherwise one is trained if it is known to end in time; otherwise only the
    stages that hear no model are recomputed. What cannot even be measured in time is left out, and that is said.

    Args:
        cut: The benchmark's data.
        plan: Where runs and tables are.
        deadline: `time.monotonic()` by which to have ended.
        say: Told what is done.
    """
    name = cut.bench.name
    kept = read(name, plan.results)
    if kept is None:
        say(f"{name}: no table is kept")
        return []
    if not _is_same_data(cut, kept):
        return [f"{name}: the data or its split is not what the table was made on"]
    if time.monotonic() + _measuring_s(kept) > deadline:
        say(f"{name}: not recomputed, measuring takes about {_measuring_s(kept) / 60:.0f} minutes")
        return []
    recipe = Recipe.from_table(kept)
    seed = int(kept["sample"]["seed"])
    adapter = adapter_of(cut, recipe, seed=seed, runs=plan.runs)
    was_there = adapter.is_there
    heard = _adapter(cut, recipe, plan, kept, deadline=deadline)
    if heard is None:
        say(f"{name}: no adapter is kept and there is no time to train one; only {', '.join(WITHOUT_MODEL)} are done")
    found = Measuring(cut, recipe, "test", plan.runs, looks(cut, "benchmarks.ranker verify", plan)).computed(heard)
    rows = sample_of(found.users)
    means = {stage: sample_means(result.per_user, rows) for stage, result in found.stages.items()}
    tolerance = {stage: SAME if was_there or stage in WITHOUT_MODEL else TRAINED for stage in means}
    wrong = disagreements(kept["sample"]["stages"], means, tolerance)
    say(f"{name}: {len(means)} stages recomputed on {len(rows)} users, {len(wrong)} numbers are off")
    return [f"{name}: {sentence}" for sentence in wrong]


def _is_same_data(cut: Cut, kept: Mapping[str, Any]) -> bool:
    bench = cut.bench
    now = ProtocolRecord.of(cut.splits, name=bench.dataset, part="test", core=bench.core, seeds=kept["seeds"])
    return bool(now.data.sha256 == kept["data"]["sha256"] and now.split_sha256 == kept["split_sha256"])


def _measuring_s(kept: Mapping[str, Any]) -> float:
    """What measuring one seed took: the retriever is fitted and slates are ordered for validation and test."""
    seconds = kept["seconds"]
    return 2.0 * float(seconds["retrieval"]["fit"] + sum(stage["score"] for stage in seconds.values()))


def _adapter(cut: Cut, recipe: Recipe, plan: Plan, kept: Mapping[str, Any], *, deadline: float) -> Adapter | None:
    """That of the first seed, trained where there is time; None where there is not."""
    seed = int(kept["sample"]["seed"])
    adapter = adapter_of(cut, recipe, seed=seed, runs=plan.runs)
    [known_s] = [about["seconds"] for about in kept["adapters"] if about["seed"] == seed]
    if not adapter.is_there and time.monotonic() + _SLACK * known_s + _measuring_s(kept) > deadline:
        return None
    return train(cut, recipe, seed=seed, runs=plan.runs)
