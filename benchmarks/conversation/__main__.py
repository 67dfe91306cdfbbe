"""`python -m benchmarks.conversation acts --data DIR [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.conversation import acts
from llmrec.errors import LLMRecError


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the numbers are printed."""
    options = _parser().parse_args(arguments)
    file = options.data / acts.FILE if options.data.is_dir() else options.data
    try:
        found = acts.measure(file, seed=options.seed)
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1) if options.json else acts.table(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversation", description="Measures of the conversation."
    )
    measures = parser.add_subparsers(required=True)
    hearing = measures.add_parser("acts", help="F1 of dialogue acts on annotated dialogues, five folds")
    hearing.add_argument("--data", type=Path, required=True, help=f"the data directory, or the file {acts.FILE.name}")
    hearing.add_argument("--seed", type=int, default=0, help="of the folds")
    hearing.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
