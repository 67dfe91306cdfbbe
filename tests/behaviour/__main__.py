"""Prints the share of expectations that hold, by catalogue: `python -m tests.behaviour [--failed]`.

With `--acts` it prints instead how well the acts are read that annotated human dialogues do not have.
"""

import sys

from llmrec.evaluation.behaviour import outcomes_of, rates, told
from llmrec.evaluation.dialogue_scripts import read_scripts
from tests.behaviour.catalogues import DIALOGUES, turns
from tests.behaviour.written_acts import WRITTEN_FOR_IT, read_lines, table, wrong


def _expectations() -> list[str]:
    outcomes = [o for script in read_scripts(DIALOGUES) for o in outcomes_of(script, turns(script))]
    lines = [
        f"{name}: {found.n_dialogues} dialogues, must {found.must[0]} of {found.must[1]}, "
        f"should {found.should[0]} of {found.should[1]}"
        for name, found in rates(outcomes).items()
    ]
    return lines + [told(outcome) for outcome in outcomes if not outcome.held and "--failed" in sys.argv]


def _acts() -> list[str]:
    lines = read_lines()
    told = [f"{len(lines)} lines of all dialogues", table(lines)]
    for file in WRITTEN_FOR_IT:
        of_it = [line for line in lines if line.script.file == file]
        told += [f"{len(of_it)} lines of {file} alone", table(of_it)]
    return told + [line for line in wrong(lines) if "--failed" in sys.argv]


sys.stdout.write("\n".join([*(_acts() if "--acts" in sys.argv else _expectations()), ""]))
