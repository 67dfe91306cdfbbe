"""Users a second: a language model's rankers beside what others do with the same model, users and candidates.

Run: `python -m benchmarks.speed [MODEL_DIR] --data DIR [--adapter DIR] [--json]`. One process measures everything: the
systems take turns user by user, so a machine that slows down slows all. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from benchmarks.lm_speed.line_up import Models, line_up
from benchmarks.lm_speed.loaded import with_adapter
from benchmarks.lm_speed.ours import Text
from benchmarks.lm_speed.report import Findings, without_nan
from benchmarks.lm_speed.timing import Plan, measured, score_more
from benchmarks.lm_speed.users import RETRIEVER, Users, read_users
from benchmarks.provenance import commit, machine
from llmrec.assets import AssetStore
from llmrec.errors import LLMRecError
from llmrec.language_model.gguf import prepared_model
from llmrec.models import weights_sha256

_MODEL = "smollm2-135m-instruct"
_SEED = 0


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(asked.threads)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        users = read_users(asked.data, n_candidates=asked.candidates, seed=_SEED)
        with tempfile.TemporaryDirectory() as scratch:
            found = measure(asked, users, Path(scratch))
    except LLMRecError as error:
        raise SystemExit(f"error: {error}") from error
    print(json.dumps(found, allow_nan=False) if asked.json else as_text(found))


def measure(asked: argparse.Namespace, users: Users, scratch: Path) -> Mapping[str, Any]:
    """All figures, ready for JSON. Raises LLMRecError."""
    directory = asked.model or prepared_model(AssetStore.from_environment(), _MODEL)
    is_fast = asked.fast_model is not None or asked.fast_adapter is not None
    models = Models(
        with_adapter(directory, asked.adapter, scratch / "main"),
        with_adapter(asked.fast_model or directory, asked.fast_adapter, scratch / "fast") if is_fast else None,
        asked.fast_mode,
    )
    short = Text(asked.short_history, asked.short_text)
    plan = Plan(asked.repeats, min(asked.users, len(users.cases) - 1), asked.dear_users, asked.more_users)
    systems = line_up(models, users, short, mode=asked.mode)
    seconds = measured(systems.all_timed, users.cases, plan, tell=_tell)
    score_more(systems.judged, users.cases, plan, seconds)
    findings = Findings(systems, users.cases, seconds)
    found = {
        "machine": machine(),
        "model": directory.name,
        "n_candidates": asked.candidates,
        "gemm_gflops": findings.gemm_gflops(),
        "systems": findings.systems(),
        "levers": findings.levers(),
        "targets": findings.targets(),
        "provenance": {
            "commit": commit(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "repeats": asked.repeats,
            "seed": _SEED,
            "model_sha256": weights_sha256(models.main),
            "mode": asked.mode,
            "adapter": asked.adapter.name if asked.adapter else None,
            "fast": [asked.fast_adapter.name if asked.fast_adapter else None, asked.fast_mode] if is_fast else None,
            "data": users.protocol.data.name,
            "data_sha256": users.protocol.data.sha256,
            "split_sha256": users.protocol.split_sha256,
            "part": "validation",
            "retriever": RETRIEVER,
            "n_users_found": len(users.cases),
        },
        "notes": [] if models.fast else ["isolated_fast is left out: no --fast-model or --fast-adapter was given"],
    }
    return {key: without_nan(value) for key, value in found.items()}


def as_text(found: Mapping[str, Any]) -> str:
    """The same for a person."""
    lines = [f"{found['machine']}, {found['model']}, {found['n_candidates']} candidates, {found['provenance']}", ""]
    lines += [_line(name, row) for name, row in found["systems"].items()]
    lines += ["", "levers, one more each line:", *(_line(row["lever"], row) for row in found["levers"])]
    lines += ["", f"products of matrices, GFLOP/s: {found['gemm_gflops']}"]
    for target in found["targets"]:
        verdict = "met" if target["met"] else "MISSED"
        lines.append(f"{target['what']}: {target['median']} {target['ci95']}, wanted {target['wanted']}: {verdict}")
    return "\n".join([*lines, *found["notes"]])


def _line(name: str, row: Mapping[str, Any]) -> str:
    return (
        f"{name:18} {row['users_per_s']:8.3f} users/s ({row['n_users_timed']} users)   "
        f"NDCG@10 {row['ndcg@10']:.4f} {row['ndcg@10_ci95']} ({row['n_users_ndcg']} users)   {row['about']}"
    )


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a directory with safetensors weights; the demo's model")
    parser.add_argument("--data", type=Path, required=True, help="the directory of data sets")
    parser.add_argument("--adapter", type=Path, help="a PEFT adapter for prompts, trained on the model")
    parser.add_argument("--fast-model", type=Path, help="the model with fewer layers, where it is not the same")
    parser.add_argument("--fast-adapter", type=Path, help="its adapter, which may read the model's first layers only")
    parser.add_argument("--fast-mode", choices=["isolated", "likelihood"], default="isolated", help="as that adapter's")
    parser.add_argument("--threads", type=_positive, default=2)
    parser.add_argument("--repeats", type=_positive, default=5, help="rounds; each has its own users")
    parser.add_argument("--users", type=_positive, default=40, help="users of all rounds together")
    parser.add_argument("--dear-users", type=_positive, default=5, help="of whom so many for the slow systems")
    parser.add_argument("--more-users", type=int, default=100, help="further users for the NDCG of our own systems")
    parser.add_argument("--candidates", type=_positive, default=20)
    parser.add_argument("--mode", choices=["isolated", "likelihood"], default="isolated", help="as the adapter's")
    parser.add_argument("--short-history", type=_positive, default=20, help="titles of history of the shorter text")
    parser.add_argument("--short-text", choices=["full", "short", "title"], default="short", help="its ranking.text")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    main()
