"""Acts that annotated human dialogues do not have are read on the written ones."""

from llmrec.evaluation.dialogue_scripts import read_scripts
from tests.behaviour.catalogues import DIALOGUES
from tests.behaviour.written_acts import OTHERS, annotations, read_lines, scores, wrong

ENOUGH = 0.90
AT_LEAST = 25


def test_each_of_the_other_acts_is_read_well_on_the_written_dialogues() -> None:
    lines = read_lines()
    found = scores(lines)
    assert set(found) == set(OTHERS)
    assert min(score.n_lines for score in found.values()) >= AT_LEAST
    assert min(score.f1 for score in found.values()) >= ENOUGH, "\n".join(wrong(lines))


def test_what_lines_do_is_noted_of_lines_that_are_there() -> None:
    said = {step.says for script in read_scripts(DIALOGUES) for step in script.steps}
    assert set(annotations()) - said == set()
