"""The tables that are kept: a JSON for each benchmark with values by user beside it, and one of all together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lm_gain.adapters import Adapter
from benchmarks.lm_gain.gains import Gain, gains
from benchmarks.lm_gain.measuring import learned_weights
from benchmarks.lm_gain.recipe import Recipe
from benchmarks.provenance import commit, machine
from benchmarks.side_by_side.table import COMPARED, sample_means, sample_of
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.results import Evaluation, without_nan
from llmrec.evaluation.slate_metrics import SLATE_NDCG

HEADLINE = "NDCG@10"
CLAIM = "fused over fused_without_lm"
_PAIRS = (("fused", "fused_without_lm"), ("fused", "retrieval"), ("lm", "retrieval"))
_ON_SLATE = tuple((stage, "random_order") for stage in ("lm", "fused", "fused_without_lm", "retrieval"))
POOLED, COLD_ITEMS = "ranker-pooled", "ranker-cold-items"


def name_of(bench: str) -> str:
    """A benchmark's file, without its ending."""
    return f"ranker-{bench}"


def gain_json(columns: Mapping[str, Mapping[str, PerUser]]) -> dict[str, Any]:
    """What the model adds; `columns` has values by stage and metric."""
    everywhere = gains({name: by_metric[HEADLINE] for name, by_metric in columns.items()}, _PAIRS)
    held = gains({name: by_metric[SLATE_NDCG] for name, by_metric in columns.items()}, _ON_SLATE)
    return {
        HEADLINE: {pair: gain.to_json() for pair, gain in everywhere.items()},
        SLATE_NDCG: {pair: gain.to_json() for pair, gain in held.items()},
    }


def claim_of(evaluation: Evaluation) -> Gain:
    """What the table is about: the fusion with the model beside the same without it."""
    return Gain.of(*(evaluation.stages[name].per_user[HEADLINE] for name in ("fused", "fused_without_lm")))


@dataclass(frozen=True)
class Table:
    """A benchmark's table.

    Attributes:
        bench: Its name.
        whole: Means over seeds.
        found: By seed.
        adapters: In the order of seeds.
        recipe: How all of it was made.
    """

    bench: str
    whole: Evaluation
    found: Mapping[int, Evaluation]
    adapters: Sequence[Adapter]
    recipe: Recipe

    @property
    def claim(self) -> Gain:
        """What the table is about."""
        return claim_of(self.whole)

    def to_json(self) -> dict[str, Any]:
        """All of it but values by user; what `verify` compares is of the first seed."""
        seed, first = next(iter(self.found.items()))
        rows, stages = sample_of(first.users), self.whole.stages
        return {
            **self.whole.to_json(),
            "machine": machine(),
            "how": self.recipe.to_json(),
            "settings": self.recipe.settings.model_dump(mode="json"),
            "adapters": [adapter.to_json() for adapter in self.adapters],
            "gain": gain_json({name: stage.per_user for name, stage in stages.items()}),
            "gain_by_seed": {str(number): claim_of(one).to_json() for number, one in self.found.items()},
            "fusion_weights": learned_weights(self.found),
            "users_per_s": {name: stage.users_per_s for name, stage in stages.items()},
            "sample": {
                "seed": seed,
                "n": len(rows),
                "stages": {name: sample_means(stage.per_user, rows) for name, stage in first.stages.items()},
            },
        }

    def keep(self, results: Path) -> Path:
        """Write it into `results`, values by user beside it."""
        results.mkdir(parents=True, exist_ok=True)
        _keep_by_user(self.whole, results / f"{name_of(self.bench)}.npz")
        return _write(self.to_json(), results / f"{name_of(self.bench)}.json")


def read(bench: str, results: Path) -> Mapping[str, Any] | None:
    """A benchmark's kept table; None where there is none."""
    path = results / f"{name_of(bench)}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def keep_pooled(benches: Sequence[str], results: Path) -> tuple[Path | None, str]:
    """Write the table of all users of all benchmarks together; where it cannot be had, None and why.

    It is of kept tables alone, which have to be of the same seeds, base and slates; presets may differ.
    """
    tables = {name: read(name, results) for name in benches}
    missing = [name for name, table in tables.items() if table is None]
    if missing:
        return None, f"not pooled: no table of {', '.join(missing)} is kept"
    known = {name: table for name, table in tables.items() if table is not None}
    if len({json.dumps(_shared(table), sort_keys=True) for table in known.values()}) > 1:
        return None, "not pooled: the tables have different seeds, bases or slates"
    columns, each = _by_user(list(known), results), {name: table["gain"] for name, table in known.items()}
    pooled = gain_json(columns)
    record = {
        "benches": list(known),
        "data": {name: table["data"] for name, table in known.items()},
        "seeds": next(iter(known.values()))["seeds"],
        "how": {name: table["how"] for name, table in known.items()},
        "commits": {name: table["commit"] for name, table in known.items()},
        "commit": commit(),
        "machine": machine(),
        "gain": pooled,
        "gain_by_bench": each,
        "claim": _claim(pooled, each),
    }
    gain = Gain.of(*(columns[name][HEADLINE] for name in ("fused", "fused_without_lm")))
    return _write(record, results / f"{POOLED}.json"), f"pooled, {CLAIM}: {gain}"


def gains_from_users(names: Sequence[str], results: Path) -> Mapping[str, Any]:
    """What tables say is gained, computed anew from the values by user that are kept beside them."""
    return gain_json(_by_user(names, results))


def _by_user(names: Sequence[str], results: Path) -> Mapping[str, Mapping[str, PerUser]]:
    return _joined([results / f"{name_of(name)}.npz" for name in names])


def _shared(table: Mapping[str, Any]) -> Sequence[Any]:
    """What tables of one pool have in common."""
    how = table["how"]
    return [table["seeds"], how["slate_size"], how["training"]["base"], how["training"]["mode"]]


def _claim(pooled: Mapping[str, Any], each: Mapping[str, Mapping[str, Any]]) -> Mapping[str, bool]:
    """Whether the model gains over all users, and loses on no benchmark, as far as intervals tell."""
    intervals = {name: table[HEADLINE][CLAIM]["absolute"]["ci95"] for name, table in each.items()}
    return {
        "pooled interval above 0": pooled[HEADLINE][CLAIM]["absolute"]["ci95"][0] > 0,
        "no benchmark's interval below 0": all(high >= 0 for _, high in intervals.values()),
    }


def _keep_by_user(whole: Evaluation, path: Path) -> None:
    columns = {
        f"{name}/{metric}": stage.per_user[metric].astype(np.float32)
        for name, stage in whole.stages.items()
        for metric in (*COMPARED, SLATE_NDCG)
    }
    np.savez_compressed(path, allow_pickle=False, users=np.array(whole.users, dtype=np.str_), **columns)


def _joined(paths: Sequence[Path]) -> Mapping[str, Mapping[str, PerUser]]:
    """Values of all users, by stage and metric."""
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as stored:
            parts.append({key: stored[key].astype(np.float64) for key in stored.files if key != "users"})
    joined: dict[str, dict[str, PerUser]] = {}
    for key in parts[0]:
        stage, _, metric = key.partition("/")
        joined.setdefault(stage, {})[metric] = np.concatenate([part[key] for part in parts])
    return joined


def _write(record: Mapping[str, Any], path: Path) -> Path:
    text = json.dumps(without_nan(record), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path
