"""Whether a kept table can be had again: its first seed, measured anew and compared on a fixed sample of users."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lm_gain.adapters import Adapter, adapter_of, train
from benchmarks.lm_gain.measuring import WITHOUT_MODEL, Measuring
from benchmarks.lm_gain.recipe import Recipe
from benchmarks.lm_gain.running import Plan, Say, looks
from benchmarks.lm_gain.table import POOLED, gains_from_users, read
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.table import disagreements, sample_means, sample_of
from benchmarks.side_by_side.verifying import SAME, TRAINED
from llmrec.evaluation.protocol import ProtocolRecord

# Kept seconds are of the second trainings alone: the first ones were there from the run before. And machines differ.
_SLACK = 3.0
_ROUNDING = 2e-4  # of kept gains, and of float32 values by user


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


def verify_claims(names: Sequence[str], results: Path, *, say: Say) -> list[str]:
    """Sentences for every kept gain or interval, by table and of all, that the values by user beside it do not give.

    Args:
        names: Of the tables.
        results: Where they are kept; those that are not are passed over.
        say: Told what is done.
    """
    known = {name: table["gain"] for name in names if (table := read(name, results)) is not None}
    pooled = results / f"{POOLED}.json"
    groups = {name: ([name], gain) for name, gain in known.items()}
    if pooled.is_file() and len(known) == len(names):
        groups[POOLED] = (list(names), json.loads(pooled.read_text(encoding="utf-8"))["gain"])
    wrong = [
        f"{group}: {place} is {found:.4f} by the values of users, kept is {kept:.4f}"
        for group, (tables, gain) in groups.items()
        for place, kept, found in _beside(_numbers(gain), _numbers(gains_from_users(tables, results)))
        if not math.isclose(kept, found, abs_tol=_ROUNDING)
    ]
    say(f"gains and intervals of {', '.join(groups)} computed again from values by user: {len(wrong)} are off")
    return wrong


def _beside(kept: Mapping[str, float], found: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    return ((place, value, found.get(place, math.nan)) for place, value in kept.items())


def _numbers(tree: object, place: str = "") -> dict[str, float]:
    """All numbers of nested JSON, by where they stand."""
    if isinstance(tree, Mapping):
        below = [_numbers(value, f"{place} {key}".strip()) for key, value in tree.items()]
    elif isinstance(tree, list):
        below = [_numbers(value, f"{place}[{at}]") for at, value in enumerate(tree)]
    else:
        return {place: float(tree)} if isinstance(tree, (int, float)) else {}
    return {key: value for numbers in below for key, value in numbers.items()}
