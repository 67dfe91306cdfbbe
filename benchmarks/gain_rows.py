"""What the language model adds, as rows for the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lm_gain.benches import GAIN_BENCHES
from benchmarks.lm_gain.table import CLAIM, COLD_ITEMS, HEADLINE, POOLED, name_of
from llmrec.evaluation.slate_metrics import SLATE_NDCG

_HEAD = (
    "data, users tested", "retriever", "model alone", "fused without the model", "fused", "what the model adds",
    "model alone against any order of the slate",
)  # fmt: skip
_NO_TABLE = "No table is kept yet; `make bench-ranker-full DATA=DIR` makes it."
_STAGES = ("retrieval", "lm", "fused_without_lm", "fused")


def gain_block(results: Path) -> str:
    """Markdown of the tables that are kept, and of all their users together."""
    paths = [(name, results / f"{name_of(name)}.json") for name in GAIN_BENCHES]
    rows = [_row(name, path) for name, path in paths if path.is_file()]
    if not rows:
        return _NO_TABLE
    pooled = results / f"{POOLED}.json"
    if pooled.is_file():
        rows.append(_pooled_row(pooled))
    cold = results / f"{COLD_ITEMS}.json"
    if cold.is_file():
        rows.append(_cold_row(cold))
    lines = [_HEAD, ["---"] * len(_HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, path: Path) -> Sequence[str]:
    record = json.loads(path.read_text(encoding="utf-8"))
    means = [f"{record['stages'][stage][HEADLINE]['mean']:.4f}".removeprefix("0") for stage in _STAGES]
    return [f"[{name}](benchmarks/results/{path.name}), {record['n_tested']:,}", *means, *_gains(record["gain"])]


def _pooled_row(path: Path) -> Sequence[str]:
    record = json.loads(path.read_text(encoding="utf-8"))
    n_users = record["gain"][HEADLINE][CLAIM]["n_users"]
    return [
        f"[all together](benchmarks/results/{path.name}), {n_users:,}",
        *["-"] * len(_STAGES),
        *_gains(record["gain"]),
    ]


def _cold_row(path: Path) -> Sequence[str]:
    record = json.loads(path.read_text(encoding="utf-8"))
    at = {name: found["mean"] for name, found in record[HEADLINE].items()}
    added = record["gain"]["fused over retrieval"]["relative"]
    return [
        f"[{record['bench']}, new items by their texts](benchmarks/results/{path.name}), {record['n_users']:,}",
        *(f"{at[stage]:.4f}".removeprefix("0") for stage in _STAGES),
        _added(added),
        f"{at['lm'] / at['random_order']:.2f}x",
    ]


def _gains(gain: Mapping[str, Any]) -> Sequence[str]:
    alone = gain[SLATE_NDCG]["lm over random_order"]["relative"]["mean"]
    return [_added(gain[HEADLINE][CLAIM]["relative"]), f"{1 + alone:.2f}x"]


def _added(share: Mapping[str, Any]) -> str:
    low, high = share["ci95"]
    return f"**{share['mean']:+.1%}** ({low:+.1%} to {high:+.1%})"
