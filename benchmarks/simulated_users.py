"""How soon a user who knows only attributes of an item is shown it: with questions, without, and by popularity alone.

Run: `python -m benchmarks.simulated_users --data DIR [--n 200] [--seeds 2] [--json]` reads MovieLens-100K in DIR, or
another data set by `--dataset`. No model is needed: words are hashed, nothing is phrased.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmrec.assistant import Assistant
from llmrec.build import Overrides, assemble, fit_dataset
from llmrec.dialogue.asking import ValueAsker
from llmrec.errors import LLMRecError
from llmrec.evaluation.simulated_user import (
    MAX_TURNS,
    NoExplanations,
    success_estimates,
    turns_by_popularity,
    turns_to_success,
)
from llmrec.index import Fitted
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import ItemId

SETTINGS = ("language_model.model=none", "retrieval.hybrid=0")
_METRICS = ("success", "turns", "success - first", "turns - first")


def main() -> None:
    """Print the table, or all numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data set")
    parser.add_argument("--dataset", default="movielens-100k")
    parser.add_argument("--n", type=int, default=200, help="users for each seed")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cost", type=float, help="bits that a question costs; the setting's default otherwise")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.process_time()
    try:
        found = simulate(_fitted(given.dataset, given.data), given.n, seeds=range(given.seeds), cost_bits=given.cost)
    except LLMRecError as error:
        sys.exit(str(error))
    print(_json(found) if given.json else _table(found))
    print(f"{time.process_time() - started:.0f} CPU seconds", file=sys.stderr)


def simulate(
    fitted: Fitted, n: int, *, seeds: Sequence[int], cost_bits: float | None
) -> Mapping[str, NDArray[np.float64]]:
    """Turns to success by system, float64 [n * seeds]: the same users for every system."""
    asking = _silent(assemble(fitted, _overrides()))
    if cost_bits is not None:
        asking = Assistant(replace(asking.stages, asker=ValueAsker(fitted.catalogue, cost_bits=cost_bits)))
    systems = {"questions": asking, "no questions": Assistant(replace(asking.stages, asker=None))}
    order = _by_popularity(fitted)
    turns: dict[str, list[float]] = {name: [] for name in (*systems, "popularity")}
    for seed in seeds:
        for number, target in enumerate(_targets(fitted, n, seed=seed)):
            for name, assistant in systems.items():
                chance = seed * n + number
                turns[name].append(turns_to_success(assistant, fitted.catalogue, target, seed=chance))
            turns["popularity"].append(turns_by_popularity(order, target))
    return {name: np.array(found) for name, found in turns.items()}


def _fitted(dataset: str, data: Path) -> Fitted:
    return fit_dataset(dataset, data, settings=Settings().changed(SETTINGS), name=None, overrides=_overrides())


def _overrides() -> Overrides:
    return Overrides(encoder=HashingEmbedder())


def _silent(assistant: Assistant) -> Assistant:
    return Assistant(replace(assistant.stages, explainer=NoExplanations(), phraser=None))


def _targets(fitted: Fitted, n: int, *, seed: int) -> list[ItemId]:
    """Items as people choose them: one for each of `n` interactions drawn by chance."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(fitted.interactions.items, size=n)
    return [fitted.interactions.item_ids[item] for item in drawn]


def _by_popularity(fitted: Fitted) -> list[ItemId]:
    counts = np.bincount(fitted.interactions.items, minlength=len(fitted.interactions.item_ids))
    return [fitted.interactions.item_ids[item] for item in np.argsort(-counts, kind="stable")]


def _table(found: Mapping[str, NDArray[np.float64]]) -> str:
    estimates = success_estimates(found, seed=0)
    n = len(next(iter(found.values())))
    lines = [f"{n} users, {MAX_TURNS} turns at most; the first system is what the differences are to", ""]
    lines.append("  ".join([f"{'system':14}", *(f"{metric:24}" for metric in _METRICS)]).rstrip())
    for name in found:
        cells = []
        for metric in _METRICS:
            estimate = estimates[name, metric]
            low, high = estimate.ci95
            cells.append(f"{estimate.mean:6.3f} [{low:6.3f}, {high:6.3f}]".ljust(24))
        lines.append("  ".join([f"{name:14}", *cells]).rstrip())
    return "\n".join(lines)


def _json(found: Mapping[str, NDArray[np.float64]]) -> str:
    estimates = success_estimates(found, seed=0)
    shown = {
        name: {
            metric: {"mean": estimates[name, metric].mean, "ci95": estimates[name, metric].ci95} for metric in _METRICS
        }
        for name in found
    }
    return json.dumps({"users": len(next(iter(found.values()))), "max_turns": MAX_TURNS, "systems": shown}, indent=1)


if __name__ == "__main__":
    main()
