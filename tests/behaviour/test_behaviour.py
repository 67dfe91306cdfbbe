"""Conversations written down before the code that answers them: what must hold holds, and nearly all that should."""

import pytest

from llmrec.evaluation.behaviour import outcomes_of, told
from llmrec.evaluation.dialogue_scripts import Script, read_scripts
from tests.behaviour.catalogues import DIALOGUES, turns

ALL = read_scripts(DIALOGUES)
ENOUGH = 0.95


@pytest.mark.parametrize("script", ALL, ids=[f"{script.file}: {script.name}" for script in ALL])
def test_what_must_hold_holds(script: Script) -> None:
    outcomes = outcomes_of(script, turns(script))
    broken = [outcome for outcome in outcomes if outcome.expectation.must and not outcome.held]
    assert not broken, "\n".join(map(told, broken))


def test_nearly_every_expectation_holds() -> None:
    outcomes = [outcome for script in ALL for outcome in outcomes_of(script, turns(script))]
    broken = [outcome for outcome in outcomes if not outcome.held]
    assert len(broken) <= (1 - ENOUGH) * len(outcomes), "\n".join(map(told, broken))


def test_there_are_enough_dialogues_over_three_catalogues() -> None:
    assert len(ALL) >= 150
    assert {script.catalogue for script in ALL} >= {"films", "books", "shop"}
