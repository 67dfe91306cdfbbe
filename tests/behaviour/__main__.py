"""Prints the share of expectations that hold, by catalogue: `python -m tests.behaviour [--failed]`.

With `--acts` it prints instead how well the acts are read that annotated human dialogues do not have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from llmrec.evaluation.behaviour import outcomes_of, rates, told
from llmrec.evaluation.dialogue_scripts import read_scripts
from tests.behaviour.catalogues import DIALOGUES, turns
from tests.behaviour.written_acts import WRITTEN_FOR_IT, read_lines, table, wrong


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print; by the arguments of the command line when none are given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", action="store_true", help="how well acts are read, instead of what holds")
    parser.add_argument("--failed", action="store_true", help="each one that does not hold or was not read")
    asked = parser.parse_args(given)
    lines = (_acts if asked.acts else _expectations)(with_failed=asked.failed)
    sys.stdout.write("\n".join([*lines, ""]))


def _expectations(*, with_failed: bool) -> list[str]:
    outcomes = [o for script in read_scripts(DIALOGUES) for o in outcomes_of(script, turns(script))]
    lines = [
        f"{name}: {found.n_dialogues} dialogues, must {found.must[0]} of {found.must[1]}, "
        f"should {found.should[0]} of {found.should[1]}"
        for name, found in rates(outcomes).items()
    ]
    return lines + [told(outcome) for outcome in outcomes if not outcome.held and with_failed]


def _acts(*, with_failed: bool) -> list[str]:
    lines = read_lines()
    told = [f"{len(lines)} lines of all dialogues", table(lines)]
    for file in WRITTEN_FOR_IT:
        of_it = [line for line in lines if line.script.file == file]
        told += [f"{len(of_it)} lines of {file} alone", table(of_it)]
    return told + [line for line in wrong(lines) if with_failed]


if __name__ == "__main__":
    main()
