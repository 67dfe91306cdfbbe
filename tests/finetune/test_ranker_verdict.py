"""What an adapter is worth: chosen on some users, decided by others, and never switched on by chance."""

import numpy as np
import pytest

from finetune.ranker_candidates import Case
from finetune.ranker_validation import Panel
from finetune.ranker_verdict import Decision, Verdict
from llmrec.ranking.fusion_model import LM
from llmrec.types import Candidate, ItemId, Query, Ranking, RankReport

IDS = tuple(ItemId(name) for name in "abcdef")
WEIGHTS = (0.5, 2.0)


def panel(n: int, *, knows: float, seed: int) -> Panel:
    """Answers drawn by the retriever's score and `knows` times what the model says."""
    rng = np.random.default_rng(seed)
    cases, rankings = [], []
    for _ in range(n):
        retrieved, said = -np.sort(-rng.standard_normal(6)), rng.standard_normal(6)
        odds = np.exp(retrieved + knows * said)
        answer = IDS[rng.choice(6, p=odds / odds.sum())]
        found = tuple(Candidate(item, float(score), "any") for item, score in zip(IDS, retrieved, strict=True))
        cases.append(Case(Query(), found, answer))
        scores = dict(zip(IDS, said.tolist(), strict=True))
        order = tuple(sorted(scores, key=lambda item: -scores[item]))
        report = RankReport(lm_scores=scores, label_mass=1.0)
        rankings.append(Ranking(order, tuple(scores[item] for item in order), "lm+retrieval", report))
    return Panel(cases, rankings, max_lift=10)


def verdict(chosen_on: Panel, decided_on: Panel) -> Verdict:
    return Verdict.of(chosen_on, decided_on, lm_weights=WEIGHTS, popularity={})


def test_a_model_that_knows_something_is_heard_as_much_as_it_knows() -> None:
    found = verdict(panel(400, knows=1.5, seed=0), panel(400, knows=1.5, seed=1))
    assert found.fusion is not None
    assert found.fusion.weights[LM] / found.fusion.weights["retrieval"] == pytest.approx(1.5, abs=0.35)
    assert found.fusion.scale.source == "any"
    assert found.decision.gains
    assert found.decision.gain.mean == pytest.approx(float((found.fused - found.control).mean()))
    assert found.decision.relative_gain == pytest.approx(float(found.fused.mean() / found.control.mean() - 1))
    assert found.decision.gain.ci95[0] > 0


def test_a_model_that_knows_nothing_is_not_heard() -> None:
    found = verdict(panel(400, knows=0.0, seed=0), panel(400, knows=0.0, seed=1))
    assert found.fusion is not None
    assert not found.fusion.hears_model
    assert not found.decision.gains
    assert found.fused.tolist() == found.control.tolist()


def test_what_was_chosen_on_is_not_what_decides() -> None:
    found = verdict(panel(400, knows=1.5, seed=0), panel(400, knows=-1.5, seed=1))
    assert found.decision.gain.mean < 0
    assert not found.decision.gains


def test_with_too_few_users_one_weight_beside_the_retriever_is_all_that_is_chosen() -> None:
    few = panel(20, knows=4.0, seed=0)
    found = verdict(few, panel(200, knows=4.0, seed=1))
    assert found.fusion is None
    assert found.lm_weight == few.best_weight(WEIGHTS) > 0
    assert found.decision.gains


def test_an_adapter_gains_when_the_mean_is_above_its_standard_error() -> None:
    with_it, without_it = np.array([1.0] * 30 + [0.5] * 10), np.array([0.5] * 30 + [1.0] * 10)
    decision = Decision.of(with_it, without_it, has_weight=True)
    assert decision.gains
    # 30 users gain a half, 10 lose as much.
    assert decision.gain.mean == pytest.approx(0.25)
    assert decision.relative_gain == pytest.approx(0.25 / 0.625)
    assert not Decision.of(with_it, without_it, has_weight=False).gains
    assert not Decision.of(np.array([1.0, 0.5]), np.array([0.5, 1.0]), has_weight=True).gains
    assert not Decision.of(np.array([1.0]), np.array([0.5]), has_weight=True).gains
