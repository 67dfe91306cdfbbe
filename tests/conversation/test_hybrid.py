from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.companions import Prior
from llmrec.conversation.hybrid import (
    Answered,
    FoldWeights,
    Hearing,
    Hybrid,
    WeightFit,
    fitted_folds,
    fold_of,
    weight_examples,
)
from llmrec.conversation.shipped import read_weights, write_weights
from llmrec.conversation.situations import Situation
from llmrec.errors import ArtifactError, DataError

NOTHING = Situation((), (), ())
GOOD = np.array([3, 2, 1, 0, 0, 0], dtype=np.float32)
NOISE = np.array([0, 1, 0, 1, 0, 1], dtype=np.float32)


def test_folds_depend_on_the_name_alone_and_are_all_used() -> None:
    assert fold_of("16162") == fold_of("16162")
    assert {fold_of(str(number)) for number in range(50)} == {0, 1, 2, 3, 4}


def test_each_dialogue_is_scored_by_the_weights_of_its_fold() -> None:
    weights = FoldWeights(tuple({"good": float(fold)} for fold in range(5)))
    hybrid = Hybrid(Hearing({"good": Prior(GOOD)}), weights)
    names = ["a", "b"]
    scores = hybrid.scores([NOTHING, NOTHING], names)
    unit = (GOOD - GOOD.mean()) / GOOD.std()
    for name, found in zip(names, scores, strict=True):
        assert found == pytest.approx(fold_of(name) * unit, abs=1e-6)


def test_weights_of_a_voice_that_is_not_there_are_an_error() -> None:
    with pytest.raises(DataError, match="there are weights for other, of which there is no voice"):
        Hybrid(Hearing({"good": Prior(GOOD)}), FoldWeights(({"other": 1.0},)))


def test_a_voice_that_tells_the_answers_gets_the_weight() -> None:
    hearing = Hearing({"good": Prior(GOOD), "noise": Prior(NOISE)})
    answered = [Answered(str(number), NOTHING, (0,)) for number in range(40)]
    plan = WeightFit(n_likely=2, n_drawn=2)
    examples, dialogues = weight_examples(answered, hearing, GOOD, plan)
    for fold in fitted_folds(examples, dialogues, ("good", "noise"), plan).folds:
        assert fold["good"] > 0.5
        assert fold["noise"] < 0.1


def test_the_answer_and_what_was_spoken_of_are_no_rivals() -> None:
    examples, _ = weight_examples(
        [Answered("1", NOTHING, (1,))], Hearing({"good": Prior(GOOD)}), GOOD, WeightFit(n_likely=2, n_drawn=4)
    )
    # Candidates: the answer (1), the two most likely (0, 1), all four others.
    assert examples.log_shares[0].tolist() == [0, 0, -1e9, 0, 0, 0, 0]


def test_too_few_dialogues_teach_no_weights() -> None:
    plan = WeightFit(n_likely=2, n_drawn=2)
    examples, dialogues = weight_examples([Answered("1", NOTHING, (1,))], Hearing({"good": Prior(GOOD)}), GOOD, plan)
    with pytest.raises(DataError, match="1 dialogues with a new answer are too few"):
        fitted_folds(examples, dialogues, ("good",), plan)


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    weights = {"hybrid": FoldWeights(({"good": 0.25}, {"good": -1.5}))}
    write_weights(tmp_path / "weights.json", weights)
    assert read_weights(tmp_path / "weights.json") == weights


def test_damaged_weights_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text("[]")
    with pytest.raises(ArtifactError, match="holds no weights of voices"):
        read_weights(tmp_path / "weights.json")
