"""Prints the share of expectations that hold, by catalogue: `python -m tests.behaviour [--failed]`."""

import sys

from llmrec.evaluation.behaviour import play, rates, told
from llmrec.evaluation.dialogue_scripts import read_scripts
from tests.behaviour.catalogues import DIALOGUES, assistant_over

outcomes = [o for script in read_scripts(DIALOGUES) for o in play(script, *assistant_over(script.catalogue))]
lines = [
    f"{name}: {found.n_dialogues} dialogues, must {found.must[0]} of {found.must[1]}, "
    f"should {found.should[0]} of {found.should[1]}"
    for name, found in rates(outcomes).items()
]
if "--failed" in sys.argv:
    lines += [told(outcome) for outcome in outcomes if not outcome.held]
sys.stdout.write("\n".join([*lines, ""]))
