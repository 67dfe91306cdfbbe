"""How well dialogue acts are heard: F1 of each act on annotated dialogues in five folds, intervals over dialogues.

python -m benchmarks.acts --data DIR [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from finetune.act_dialogues import read_dialogues
from finetune.act_folds import Heard, cross_fitted, f1, f1_interval
from finetune.train_acts import PENALTY
from llmrec.dialogue.act_model import HEARD
from llmrec.errors import LLMRecError

FILE = Path("iard") / "iard_dev.json.gz"
_N_FOLDS = 5
_N_DRAWS = 2_000

Scores = Mapping[str, object]


def measure(file: Path, *, seed: int = 0) -> Scores:
    """F1 of every act and their mean, each with its 95 % interval, over the dialogues of `file`."""
    dialogues = read_dialogues(file)
    heard = cross_fitted(dialogues, n_folds=_N_FOLDS, penalty=PENALTY, seed=seed)
    return {"dialogues": len(dialogues), "turns": len(heard.labels), "folds": _N_FOLDS, "seed": seed, **scores(heard)}


def scores(heard: Heard) -> Scores:
    """`{"acts": {act: {"f1", "ci95", "n"}}, "macro_f1": {"mean", "ci95"}}`."""
    values = f1(heard.predicted, heard.labels)
    intervals = f1_interval(heard, n_draws=_N_DRAWS, seed=0)
    counts = heard.labels.sum(axis=0)
    acts = {
        act: {"f1": round(float(value), 4), "ci95": interval.round(4).tolist(), "n": int(n)}
        for act, value, interval, n in zip(HEARD, values, intervals, counts, strict=False)
    }
    return {
        "acts": acts,
        "macro_f1": {"mean": round(float(np.nanmean(values)), 4), "ci95": intervals[-1].round(4).tolist()},
    }


def table(found: Scores) -> str:
    """The scores as lines of text."""
    acts, macro = found["acts"], found["macro_f1"]
    assert isinstance(acts, dict)
    assert isinstance(macro, dict)
    lines = [f"{'act':<11} {'F1':>6}  95 % interval    turns"]
    for act, row in acts.items():
        low, high = row["ci95"]
        lines.append(f"{act:<11} {row['f1']:6.3f}  {low:.3f} to {high:.3f}  {row['n']:5}")
    low, high = macro["ci95"]
    return "\n".join([*lines, f"{'macro':<11} {macro['mean']:6.3f}  {low:.3f} to {high:.3f}"])


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the numbers are printed."""
    options = _parser().parse_args(arguments)
    file = options.data / FILE if options.data.is_dir() else options.data
    try:
        found = measure(file, seed=options.seed)
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acts", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help=f"the data directory, or a file like {FILE.name}")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
