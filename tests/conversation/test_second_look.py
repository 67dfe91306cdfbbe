from collections.abc import Sequence

import numpy as np
import pytest

from llmrec.conversation.companions import Prior
from llmrec.conversation.hybrid import Answered, FoldWeights, Hearing, Hybrid
from llmrec.conversation.second_look import CloseHearing, FirstOrdering, SecondLook, fitted_second_look
from llmrec.conversation.situations import Mention, Situation
from llmrec.errors import DataError

NOTHING = Situation((), (), ())
GOOD = np.array([5, 4, 3, 2, 1, 0], dtype=np.float32)
ONCE = FoldWeights(({"good": 1.0},))


def spoken(*items: int) -> Situation:
    return Situation((), tuple(Mention(item, 0) for item in items), ())


def heard(detail: Sequence[float] = (0, 0, 0, 0, 0, 0)) -> tuple[Hearing, CloseHearing]:
    hearing = Hearing({"good": Prior(GOOD)})
    return hearing, CloseHearing(hearing, {"detail": Prior(np.array(detail, dtype=np.float32))}, ["good"])


def order(situation: Situation, weights: dict[str, float], *, detail: Sequence[float], n_best: int) -> list[int]:
    hearing, close = heard(detail)
    look = SecondLook(Hybrid(hearing, ONCE), close, FoldWeights((weights,)), n_best=n_best)
    return np.argsort(-look.scores([situation], ["a"])[0], kind="stable").tolist()


def test_only_the_best_are_ordered_again() -> None:
    detail = [0, 1, 2, 9, 9, 9]
    assert order(NOTHING, {"detail": 1.0}, detail=detail, n_best=3) == [2, 1, 0, 3, 4, 5]


def test_what_was_spoken_of_keeps_its_place() -> None:
    detail = [9, 0, 1, 2, 0, 0]
    assert order(spoken(0, 2), {"detail": 1.0}, detail=detail, n_best=2) == [0, 3, 2, 1, 4, 5]


def test_where_few_are_left_all_of_them_are_ordered_again() -> None:
    detail = [0, 1, 2, 3, 4, 5]
    assert order(spoken(0, 5), {"detail": 1.0}, detail=detail, n_best=200) == [0, 4, 3, 2, 1, 5]


def test_a_voice_counts_by_how_much_was_spoken_of() -> None:
    weights = {"good, nothing named": -1.0, "good, by how many named": 1.0}
    assert order(NOTHING, weights, detail=GOOD.tolist(), n_best=6) == [5, 4, 3, 2, 1, 0]
    assert order(spoken(3), weights, detail=GOOD.tolist(), n_best=6) == [0, 1, 2, 3, 4, 5]


def test_signals_are_the_voices_their_conditions_and_the_details_at_each_place() -> None:
    _, close = heard([0, 10, 20, 30, 40, 50])
    assert close.names == ("good", "good, nothing named", "good, by how many named", "detail")
    found = close.signals([NOTHING, spoken(0)], np.array([[1], [2]]))
    unit = (GOOD - GOOD.mean()) / GOOD.std()
    assert found[0, 0] == pytest.approx([unit[1], unit[1], 0, 10])
    assert found[1, 0] == pytest.approx([unit[2], 0, unit[2] * np.log(2), 20], rel=1e-5)


def test_weights_of_a_signal_that_is_not_there_are_an_error() -> None:
    hearing, close = heard()
    with pytest.raises(DataError, match="there are weights for other, of which there is no signal"):
        SecondLook(Hybrid(hearing, ONCE), close, FoldWeights(({"other": 1.0},)))


def test_a_detail_that_tells_the_answers_gets_the_weight() -> None:
    hearing, close = heard([0, 0, 1, 0, 0, 0])
    answered = [Answered(str(number), spoken(0), (2,)) for number in range(40)]
    first = FirstOrdering(hearing, FoldWeights(({"good": 1.0},) * 5), n_best=4)
    weights = fitted_second_look(answered, first, close)
    assert len(weights.folds) == 5
    assert all(fold["detail"] > 1.0 for fold in weights.folds)
    look = SecondLook(Hybrid(hearing, first.weights), close, weights, n_best=4)
    # The answer is the best of those that had not been spoken of.
    assert np.argsort(-look.scores([spoken(0)], ["a"])[0], kind="stable").tolist()[:2] == [0, 2]


def test_answers_that_are_never_among_the_best_teach_nothing() -> None:
    hearing, close = heard()
    answered = [Answered(str(number), NOTHING, (5,)) for number in range(40)]
    first = FirstOrdering(hearing, FoldWeights(({"good": 1.0},) * 5), n_best=3)
    with pytest.raises(DataError, match="no answer is among the 3 best"):
        fitted_second_look(answered, first, close)
