"""Whether explanations tell the truth: what they cite matters to the score, and nothing is said that nothing covers.

Run: `python -m benchmarks.explanations --data DIR [--json]`, some minutes of one core. MovieLens-100K, users and items
with five interactions, learned from all but each user's last one. Three items are recommended to each of some users,
drawn by seed; then each cited item is taken out of the user's history and the whole pipeline asked again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.demo import MESSAGES
from benchmarks.explanation_bench import LOWER, MORE, WAYS, Bench
from benchmarks.provenance import commit, machine
from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.assistant import Assistant
from llmrec.build import Overrides, assemble, encoder_of, fit_tables
from llmrec.data.sources import read_dataset
from llmrec.data.splits import prepared, split
from llmrec.enrichment import described_films
from llmrec.evaluation.estimates import Estimate
from llmrec.explanation.phrasing import LMPhraser
from llmrec.index import Fitted
from llmrec.language_model.scripted import ScriptedModel
from llmrec.packaged_adapters import adapter_named, ranking_with
from llmrec.settings import Settings
from llmrec.types import Completion, Prompt, UserId

DATASET = "movielens-100k"


class Coin(ScriptedModel):
    """Takes any of the texts it may choose from; implements TextChooser."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Throw with `rng`."""
        super().__init__()
        self._rng = rng

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """One of each list of texts, all equally likely; nothing of none."""
        return [
            Completion(texts[int(self._rng.integers(len(texts)))], "stop") if texts else Completion("", "length")
            for texts in choices
        ]


def learned(data: Path, runs: Path) -> tuple[Fitted, Overrides]:
    """What is learned from all but each user's last interaction, and how to assemble it."""
    store = AssetStore.from_environment()
    read = read_dataset(DATASET, data)
    catalogue, _ = described_films(read.catalogue, read.interactions, store, TerminalProgress(), given=data)
    kept = prepared(catalogue, read.interactions, core=5)
    task = split(kept.interactions, protocol="leave-last-out").test[0]
    overrides = Overrides(store=store, work_directory=runs)
    overrides = replace(overrides, encoder=encoder_of(Settings(), overrides, fetch=True))
    return fit_tables(kept.catalogue, task.fit_on, settings=Settings(), name=DATASET, overrides=overrides), overrides


def measure(
    data: Path, runs: Path, *, n_users: int, n_voiced: int, seed: int, writer: Path | None = None
) -> Mapping[str, object]:
    """All figures: of the retrievers alone, then with the language model and the adapter that is shipped."""
    started = time.process_time()
    fitted, overrides = learned(data, runs)
    rng = np.random.default_rng(seed)
    user_ids = [UserId(str(u)) for u in rng.choice(fitted.interactions.user_ids, n_users, replace=False)]
    silent = Bench(fitted, assemble(fitted, replace(overrides, settings=("language_model.model=none",))), seed=seed)
    for number, user_id in enumerate(user_ids):
        silent.counterfactual(user_id)
        silent.conversation(user_id, MESSAGES[number % len(MESSAGES)])
    tables = {"retrievers alone": _table(silent)}
    if n_voiced:
        tables["with the language model"] = _table(_voiced(fitted, overrides, user_ids[:n_voiced], seed, writer))
    return {
        "commit": commit(),
        "machine": machine(),
        "data": {"interactions": fitted.interactions.content_hash, "catalogue": fitted.catalogue.content_hash},
        "seed": seed,
        "cpu_minutes": round((time.process_time() - started) / 60, 1),
        **tables,
    }


def _voiced(fitted: Fitted, overrides: Overrides, user_ids: Sequence[UserId], seed: int, writer: Path | None) -> Bench:
    adapted = ranking_with(fitted.settings, adapter_named("packaged", DATASET), fitted.prompts)
    adapted = adapted.changed([f"language_model.writer={writer}"] if writer else [])
    fitted = replace(fitted, settings=adapted)
    assistant = assemble(fitted, overrides)
    bench = Bench(fitted, Assistant(replace(assistant.stages, phraser=None)), seed=seed)
    for user_id in user_ids:
        bench.counterfactual(user_id)
    speaking = Bench(fitted, assistant, seed=seed)
    chosen = adapted.explanation
    coin = LMPhraser(
        Coin(np.random.default_rng(seed)),
        fitted.prompts["explain"],
        fitted.catalogue,
        limit=chosen.n_phrased,
        timeout_s=chosen.timeout_s,
    )
    for number, user_id in enumerate(user_ids):
        speaking.phrasing(user_id, MESSAGES[number % len(MESSAGES)], coin)
    bench.tally.n.update(speaking.tally.n)
    bench.tally.n["phrasing: shapes"] = len(set(speaking.tally.shapes))
    bench.tally.n["phrasing: median ms of a reply"] = round(1000 * float(np.median(speaking.tally.seconds)))
    bench.tally.faults += speaking.tally.faults
    return bench


def _table(bench: Bench) -> Mapping[str, object]:
    estimates = bench.estimates()
    shares = {way: {what: _rounded(estimates[way, what]) for what in (LOWER, MORE)} for way in WAYS}
    users = len(bench.tally.cases[WAYS[0], LOWER])
    return {"users": users, **shares, "counts": dict(bench.tally.n), "faults": bench.tally.faults[:20]}


def _rounded(estimate: Estimate) -> Mapping[str, object]:
    return {"mean": round(estimate.mean, 3), "ci95": [round(bound, 3) for bound in estimate.ci95]}


def _lines(report: Mapping[str, object], depth: int = 0) -> Iterator[str]:
    for name, value in report.items():
        if isinstance(value, Mapping) and "ci95" in value:
            low, high = value["ci95"]
            yield f"{'  ' * depth}{name:44} {value['mean']:.3f} ({low:.3f} to {high:.3f})"
        elif isinstance(value, Mapping):
            yield f"{'  ' * depth}{name}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name:44} {value}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/explanations"), help="where encoded items are kept")
    parser.add_argument("--users", type=int, default=200, help="asked with the retrievers alone")
    parser.add_argument("--voiced", type=int, default=20, help="of them asked with the language model too; 0 for none")
    parser.add_argument("--writer", type=Path, help="adapter that writes explanations; without one the model chooses")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(
        arguments.data,
        arguments.runs,
        n_users=arguments.users,
        n_voiced=arguments.voiced,
        seed=arguments.seed,
        writer=arguments.writer,
    )
    print(json.dumps(report) if arguments.json else "\n".join(_lines(report)))


if __name__ == "__main__":
    main()
