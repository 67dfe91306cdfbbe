"""Trains the classifier of dialogue acts on annotated dialogues and writes its weights.

    DATA=the data directory
    OUT=llmrec/dialogue/resources/acts.safetensors
    NOT=$DATA/redial/valid_data_processed.jsonl.gz
    python finetune/train_acts.py --dialogues $DATA/iard/iard_dev.json.gz --without $NOT --out $OUT

Dialogues that also occur in `--without` are dropped: what is developed on must not be trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from finetune.act_dialogues import Dialogue, dialogue_ids, label_matrix, read_dialogues
from finetune.act_folds import thresholds
from llmrec.dialogue.act_features import feature_rows
from llmrec.dialogue.act_model import HEARD, ActModel, fit
from llmrec.errors import LLMRecError
from llmrec.whole_files import whole_or_absent

PENALTY = 1.0
SEED = 0


def train(dialogues: Sequence[Dialogue], *, penalty: float = PENALTY, seed: int = SEED) -> ActModel:
    """A model fitted on all of `dialogues`, with thresholds chosen out of fold."""
    rows = feature_rows([situation for dialogue in dialogues for situation in dialogue.situations])
    labels = label_matrix(dialogues)
    numbers = np.repeat(np.arange(len(dialogues)), [len(dialogue.situations) for dialogue in dialogues])
    weights, bias = fit(rows, labels, penalty=penalty)
    least = thresholds(rows, labels, numbers, penalty=penalty, seed=seed)
    return ActModel(weights.astype(np.float32), bias.astype(np.float32), least.astype(np.float32))


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the weights are written."""
    options = _parser().parse_args(arguments)
    try:
        print(json.dumps(_run(options.dialogues, options.without, options.out), indent=1))
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(source: Path, without: Sequence[Path], out: Path) -> Mapping[str, object]:
    dropped = frozenset().union(*(dialogue_ids(path) for path in without))
    dialogues = read_dialogues(source, without=dropped)
    model = train(dialogues)
    with whole_or_absent(out):
        model.save(out, trained_on=[dialogue.id for dialogue in dialogues])
    return {
        "dialogues": len(dialogues),
        "turns": sum(len(dialogue.situations) for dialogue in dialogues),
        "dropped": len(read_dialogues(source)) - len(dialogues),
        "thresholds": {act: round(float(p), 2) for act, p in zip(HEARD, model.thresholds, strict=True)},
        "bytes": out.stat().st_size,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train_acts.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--dialogues", type=Path, required=True, help="annotated dialogues in the format of IARD")
    parser.add_argument("--without", type=Path, action="append", default=[], help="rows whose dialogues are dropped")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
