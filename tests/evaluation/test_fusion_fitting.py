"""Weights are learned where a voice says something, are 0 where it does not, and never come from the user's answer."""

import math

import numpy as np
import pytest

from llmrec.evaluation.fusion_fitting import (
    WITHOUT_LM,
    Example,
    FusionFit,
    LabelledSlates,
    cross_fitted,
    fitted_fusion,
    fitted_temperature,
)
from llmrec.ranking.fusion_model import FEATURES, FusionModel
from llmrec.types import History, Interaction, ItemId, Query, UserId

N_CANDIDATES = 12
SOURCE = "ease"
PLAN = FusionFit()


def planted(n: int, *, seed: int = 0, **worth: float) -> list[Example]:
    """Slates whose answers were drawn with odds of exp(worth x feature)."""
    rng = np.random.default_rng(seed)
    found = []
    for user in range(n):
        columns = {name: rng.standard_normal(N_CANDIDATES) for name in FEATURES}
        odds = np.exp(sum((weight * columns[name] for name, weight in worth.items()), np.zeros(N_CANDIDATES)))
        answer = int(rng.choice(N_CANDIDATES, p=odds / odds.sum()))
        found.append(Example(user, columns, columns["lm"], answer))
    return found


def fitted(examples: list[Example], features: tuple[str, ...] = FEATURES) -> FusionModel:
    return fitted_fusion(LabelledSlates.of(examples, source=SOURCE), features, PLAN)


def test_what_made_the_answers_is_found_again() -> None:
    model = fitted(planted(3000, lm=0.8, retrieval=1.5, log_popularity=-0.4))
    weights = {name: weight / model.scale.spreads[name] for name, weight in model.weights.items()}
    # The penalty of 0.003 pulls each a little towards 0.
    assert weights["retrieval"] == pytest.approx(1.5, abs=0.12)
    assert weights["lm"] == pytest.approx(0.8, abs=0.08)
    assert weights["log_popularity"] == pytest.approx(-0.4, abs=0.08)
    assert weights["log_rank"] == pytest.approx(0, abs=0.08)


def test_the_control_has_the_same_features_but_the_models() -> None:
    found = fitted(planted(3000, lm=0.8, retrieval=1.0, log_popularity=0.5), WITHOUT_LM)
    assert tuple(found.weights) == ("retrieval", "log_rank", "log_popularity")
    assert not found.hears_model
    assert found.temperature == 1.0


def test_where_only_the_retriever_knows_anything_it_alone_is_kept() -> None:
    alone = [fitted(planted(100, seed=seed, retrieval=1.5)).weights == {"retrieval": 1.0} for seed in range(10)]
    assert sum(alone) >= 8


def test_a_model_that_says_nothing_gets_no_weight() -> None:
    heard = [
        fitted(planted(100, seed=seed, retrieval=1.0, log_popularity=1.0)).weights.get("lm", 0.0) for seed in range(10)
    ]
    assert heard.count(0.0) >= 8
    assert max(map(abs, heard)) < 0.3


def test_from_too_few_users_nothing_is_learned() -> None:
    assert fitted(planted(PLAN.min_users - 1, lm=9.0)).weights == {"retrieval": 1.0}
    assert fitted(planted(PLAN.min_users, lm=9.0)).hears_model
    assert fitted([]).weights == {"retrieval": 1.0}


def test_answers_of_one_user_do_not_compete_and_short_slates_have_no_ghosts() -> None:
    columns = {name: np.array([0.0, 1.0, 2.0]) for name in FEATURES}
    short = Example(0, {name: np.array([5.0, 6.0]) for name in FEATURES}, np.array([5.0, 6.0]), 1)
    table = LabelledSlates.of([Example(0, columns, columns["lm"], 2, others=(0,)), short], source=SOURCE)
    # Divided by the mean spread of both slates.
    spread = ((2 / 3) ** 0.5 + 0.5) / 2
    assert table.scale.source == SOURCE
    assert table.scale.spreads == pytest.approx(dict.fromkeys(FEATURES, spread))
    expected = np.array([[2.0, 1.0, 0.0], [6.0, 5.0, 0.0]]) / spread
    np.testing.assert_allclose(table.signals[..., 0], expected, rtol=1e-6)
    assert table.log_shares.tolist() == [[0, 0, -math.inf], [0, 0, -math.inf]]
    assert np.isnan(table.lm_scores).tolist() == [[False, False, True]] * 2


def test_how_far_candidates_are_apart_counts() -> None:
    # On every other slate the model hardly has an opinion, and what it says there is noise.
    rng = np.random.default_rng(1)
    examples = []
    for user, example in enumerate(planted(2000, lm=1.0)):
        quiet = user % 2 == 0
        lm = 0.01 * rng.standard_normal(N_CANDIDATES) if quiet else example.features["lm"]
        examples.append(Example(user, {**example.features, "lm": lm}, lm, example.answer))
    model = fitted(examples)
    assert model.scale.source == SOURCE
    # A step of 1 in the model's own score is worth what was planted, on whichever slate.
    assert model.weights["lm"] / model.scale.spreads["lm"] == pytest.approx(1.0, abs=0.12)


def query(user: int) -> Query:
    return Query(history=History((Interaction(UserId(""), ItemId(f"i{user}")),)))


def test_no_user_is_served_by_weights_that_saw_his_answer() -> None:
    known = {(ItemId(f"i{user}"),): user for user in range(60)}
    examples = planted(60, lm=1.0, retrieval=1.0)
    before = cross_fitted(LabelledSlates.of(examples, source=SOURCE), FEATURES, PLAN, known=known)
    for user in range(0, 60, 12):
        own = examples[user]
        changed = [*examples]
        changed[user] = Example(user, own.features, own.lm_scores, (own.answer + 1) % N_CANDIDATES)
        after = cross_fitted(LabelledSlates.of(changed, source=SOURCE), FEATURES, PLAN, known=known)
        assert after.model_for(query(user)) == before.model_for(query(user))
    strangers = Query(history=History((Interaction(UserId(""), ItemId("new")),)))
    assert before.model_for(strangers) == before.of_all
    assert len({before.part_of[history] for history in known}) == PLAN.n_folds


def test_the_temperature_is_that_of_the_beliefs() -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((4000, 5)) * 3
    chances = np.exp(scores / 2.0)
    answers = [rng.choice(5, p=row / row.sum()) for row in chances]
    first = np.array([[row[answer], *np.delete(row, answer)] for row, answer in zip(scores, answers, strict=True)])
    assert fitted_temperature(first) == pytest.approx(2.0, rel=0.1)


def test_a_silent_model_has_temperature_1_and_holes_are_no_candidates() -> None:
    assert fitted_temperature(np.full((3, 4), np.nan)) == 1.0
    whole, with_hole = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]), np.full((3, 3), np.nan)
    with_hole[:, :2] = whole
    assert fitted_temperature(with_hole) == pytest.approx(fitted_temperature(whole))
