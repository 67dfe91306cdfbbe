"""The table that is kept: a JSON for each benchmark, values by user beside it, a line for every look at test rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import commit, machine
from benchmarks.side_by_side.bench import Bench
from llmrec.evaluation.estimates import PerUser, bootstrap_means
from llmrec.evaluation.results import RESULT_FILE, Difference, Evaluation, StageResult
from llmrec.types import UserId

RESULTS = Path(__file__).parents[1] / "results"
SAMPLE_SIZE = 500
COMPARED = ("NDCG@10", "R@10")
_LOOKS = "test_looks.jsonl"
_MAX_BYTES = 1_000_000
_SEED = 0


def differences(ours: Sequence[StageResult], peers: Sequence[StageResult]) -> tuple[Difference, ...]:
    """Each of ours minus each peer, paired by user; the same draws of users serve all pairs.

    Only what ranked the same candidates is compared: all items, or the cold ones among themselves.
    """
    by_user = {
        (a.name, b.name, metric): a.per_user[metric] - b.per_user[metric]
        for a in ours
        for b in peers
        for metric in COMPARED
        if a.name != b.name and a.name.partition("@")[2] == b.name.partition("@")[2]
    }
    found = bootstrap_means({"\t".join(key): values for key, values in by_user.items()}, seed=_SEED)
    return tuple(Difference(*key, found["\t".join(key)].mean, found["\t".join(key)].ci95) for key in by_user)


def sample_of(users: Sequence[UserId]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows of the fixed sample of tested users, ascending: by a hash of the id, whatever the order of users."""
    hashes = [hashlib.sha256(f"sample {user}".encode()).digest() for user in users]
    return np.sort(np.array(sorted(range(len(users)), key=hashes.__getitem__)[:SAMPLE_SIZE], dtype=np.int64))


def sample_means(per_user: Mapping[str, PerUser], rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, float]:
    """What `verify` compares: means over the sample."""
    return {metric: round(float(np.mean(per_user[metric][rows])), 6) for metric in COMPARED}


def keep(evaluation: Evaluation, bench: Bench, extras: Mapping[str, Any], *, runs: Path, results: Path) -> Path:
    """Write the benchmark's JSON; values by user go beside it, or into `runs` where they are over a megabyte."""
    whole = runs / "quality" / bench.name / "result"
    evaluation.save(whole)
    record = json.loads((whole / RESULT_FILE).read_text(encoding="utf-8"))
    record |= {"machine": machine(), **extras}
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{bench.name}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    _keep_by_user(evaluation, results / f"{bench.name}.npz", whole / "compared.npz")
    return path


def _keep_by_user(evaluation: Evaluation, path: Path, instead: Path) -> None:
    columns = {
        f"{name}/{metric}": stage.per_user[metric].astype(np.float32)
        for name, stage in evaluation.stages.items()
        for metric in COMPARED
    }
    arrays: dict[str, Any] = {"users": np.array(evaluation.users, dtype=np.str_), **columns}
    np.savez_compressed(path, **arrays)
    if path.stat().st_size > _MAX_BYTES:
        path.replace(instead)


def read_table(bench: Bench, results: Path) -> Mapping[str, Any] | None:
    """The kept record; None where there is none."""
    path = results / f"{bench.name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def note_look(bench: Bench, who: str, systems: Iterable[str], *, results: Path) -> None:
    """Append that test rows were looked at, before they are."""
    results.mkdir(parents=True, exist_ok=True)
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "dataset": bench.dataset,
        "protocol": bench.protocol,
        "ties": bench.ties,
        "who": who,
        "systems": list(systems),
    }
    with (results / _LOOKS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def disagreements(
    kept: Mapping[str, Mapping[str, float]], found: Mapping[str, Mapping[str, float]], tolerance: Mapping[str, float]
) -> list[str]:
    """Sentences for every number that is further from the kept one than its system's tolerance."""
    return [
        f"{name}: {metric} on the sample is {value:.4f}, kept is {kept[name][metric]:.4f} (tolerance {tolerance[name]})"
        for name, values in found.items()
        for metric, value in values.items()
        if name in kept and abs(value - kept[name][metric]) > tolerance[name]
    ]
