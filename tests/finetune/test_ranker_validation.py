"""What a panel of validation users says, worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from finetune.ranker_candidates import Case
from finetune.ranker_config import RankerTraining
from finetune.ranker_setup import Cases
from finetune.ranker_validation import Panel
from llmrec.errors import DataError
from llmrec.types import Candidate, ItemId, Query, Ranking, RankReport

A, B, C = ItemId("a"), ItemId("b"), ItemId("c")
SECOND, THIRD = 1 / math.log2(3), 0.5


def case(answer: ItemId) -> Case:
    """The retriever's order is a, b, c, evenly apart."""
    return Case(Query(), tuple(Candidate(item, score, "any") for item, score in ((A, 3.0), (B, 2.0), (C, 1.0))), answer)


def ranking(scores: dict[ItemId, float]) -> Ranking:
    order = tuple(sorted(scores, key=lambda item: -scores[item]))
    report = RankReport(lm_scores=scores, label_mass=0.5)
    return Ranking(order, tuple(scores[item] for item in order), "lm+retrieval", report)


def panel(answers: list[ItemId], scores: dict[ItemId, float]) -> Panel:
    return Panel([case(answer) for answer in answers], [ranking(scores)] * len(answers), max_lift=10)


AGAINST = {C: 3.0, B: 2.0, A: 1.0}


def test_each_voice_is_measured_by_where_it_puts_the_answer() -> None:
    heard = panel([C, B], AGAINST)
    assert heard.retrieval.tolist() == pytest.approx([THIRD, SECOND])
    assert heard.lm.tolist() == pytest.approx([1.0, SECOND])
    assert heard.fused(0.0).tolist() == pytest.approx([THIRD, SECOND])
    assert heard.fused(2.0).tolist() == pytest.approx([1.0, SECOND])
    assert heard.random == pytest.approx((1 + SECOND + THIRD) / 3)
    assert heard.label_mass == 0.5


def test_the_least_weight_among_the_best_is_chosen_and_nought_if_none_helps() -> None:
    assert panel([C], AGAINST).best_weight([4.0, 2.0, 0.5]) == 2.0
    assert panel([A], AGAINST).best_weight([4.0, 2.0, 0.5]) == 0.0


def test_a_model_that_did_not_answer_leaves_the_retrievers_order() -> None:
    silent = Ranking((A, B, C), (3.0, 2.0, 1.0), "retrieval", RankReport(degraded="It did not."))
    heard = Panel([case(C)], [silent], max_lift=10)
    assert heard.lm.tolist() == heard.fused(5.0).tolist() == [THIRD]
    assert heard.n_degraded == 1
    assert heard.temperature() == 1.0


def test_a_model_that_fails_on_everybody_is_told_from_one_that_talks_nonsense() -> None:
    failing = Ranking((A, B, C), (3.0, 2.0, 1.0), "retrieval", RankReport(degraded="It broke."))
    talking = replace(failing, report=RankReport(degraded="It is not answering.", label_mass=0.0))
    assert Panel([case(C)] * 2, [failing, failing], max_lift=10).failure == "It broke."
    assert not Panel([case(C)] * 2, [failing, talking], max_lift=10).failure


def test_temperature_brings_confidence_to_how_often_it_is_right() -> None:
    """Odds of e^8 for the first of two that is right three times of four: log 3 = 8 / temperature."""
    rankings = [ranking({A: 8.0, B: 0.0})] * 4
    cases = [Case(Query(), case(A).candidates[:2], answer) for answer in (A, A, A, B)]
    assert Panel(cases, rankings, max_lift=10).temperature() == pytest.approx(8 / math.log(3), rel=1e-3)


def test_users_are_cut_in_two_parts_that_share_nobody() -> None:
    cases = [case(A) for _ in range(10)]
    few = Cases.of(cases, RankerTraining(validation_users=100, decision_users=300))
    assert (len(few.stopping), len(few.deciding)) == (2, 8)
    enough = Cases.of(cases, RankerTraining(validation_users=3, decision_users=4))
    assert (len(enough.stopping), len(enough.deciding)) == (3, 4)
    with pytest.raises(DataError, match="the retriever found the next item of 1 validation users"):
        Cases.of(cases[:1], RankerTraining())


def test_the_stop_score_grows_with_a_model_that_is_still_worth_nothing() -> None:
    worse, better = panel([A], {C: 3.0, B: 2.0, A: 1.0}), panel([A], {C: 3.0, A: 2.0, B: 1.0})
    assert np.allclose(worse.fused(0.0), better.fused(0.0))
    assert better.stop_score(0.0) > worse.stop_score(0.0)
