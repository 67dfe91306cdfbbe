"""Prints the share of expectations that hold, by catalogue: `python -m tests.behaviour [--failed]`."""

import sys
from collections import defaultdict

from tests.behaviour.playing import Outcome, play
from tests.behaviour.script import scripts

played: dict[str, list[Outcome]] = defaultdict(list)
for script in scripts():
    played[script.catalogue] += play(script)
told: list[str] = []
everything = [outcome for outcomes in played.values() for outcome in outcomes]
for name, outcomes in [*played.items(), ("all", everything)]:
    must = [outcome for outcome in outcomes if outcome.expectation.must]
    should = [outcome for outcome in outcomes if not outcome.expectation.must]
    dialogues = len({(outcome.script.file, outcome.script.name) for outcome in outcomes})
    told.append(
        f"{name}: {dialogues} dialogues, must {sum(o.held for o in must)} of {len(must)}, "
        f"should {sum(o.held for o in should)} of {len(should)}"
    )
if "--failed" in sys.argv:
    for outcome in everything:
        if not outcome.held:
            mark = "!" if outcome.expectation.must else "-"
            told.append(
                f"{mark} {outcome.script.file}:{outcome.expectation.line} > {outcome.said} | "
                f"{outcome.expectation.text} | {outcome.reply}"
            )
sys.stdout.write("\n".join([*told, ""]))
