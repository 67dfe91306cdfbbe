"""Our metrics and trec_eval's (through ir-measures) on the same random runs."""

from collections.abc import Mapping
from itertools import permutations, product

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, Success, nDCG
from numpy.typing import NDArray

from llmrec.evaluation.metrics import CUTOFFS, answer_ranks, user_metrics
from llmrec.retrieval.scoring import ScoreTable
from tests.evaluation.tiny import answers, histories, table

THEIRS = {"R": R, "HR": Success, "NDCG": nDCG, "MAP": AP, "P": P}
Values = Mapping[str, NDArray[np.float64]]


def trec_eval(scores: ScoreTable, met: list[list[int]], sought: list[list[int]]) -> Values:
    """What trec_eval says of each user; MRR@k is its recip_rank, 0 where the first answer is not inside k."""
    run = {
        str(u): {f"{item:04}": float(score) for item, score in enumerate(row) if item not in met[u]}
        for u, row in enumerate(scores)
    }
    qrels = {str(u): {f"{item:04}": 1 for item in items} for u, items in enumerate(sought)}
    wanted = {f"{name}@{k}": measure @ k for name, measure in THEIRS.items() for k in CUTOFFS} | {"RR": RR}
    names = {measure: name for name, measure in wanted.items()}
    found = {name: np.full(len(sought), np.nan) for name in wanted}
    for value in ir_measures.pytrec_eval.iter_calc(list(wanted.values()), qrels, run):
        found[names[value.measure]][int(value.query_id)] = value.value
    reciprocal = found.pop("RR")
    for k in CUTOFFS:
        found[f"MRR@{k}"] = np.where(found[f"HR@{k}"] > 0, reciprocal, 0)
        both = found[f"P@{k}"] + found[f"R@{k}"]
        found[f"F1@{k}"] = 2 * found[f"P@{k}"] * found[f"R@{k}"] / np.where(both > 0, both, 1)
    return found


def ours(scores: ScoreTable, met: list[list[int]], sought: list[list[int]]) -> Values:
    return user_metrics(answer_ranks(scores, histories(*met), answers(*sought)))


def drawn(rng: np.random.Generator, n_users: int, n_items: int, most: int) -> tuple[list[list[int]], list[list[int]]]:
    """Random histories and answers that have nothing in common."""
    met, sought = [], []
    for _ in range(n_users):
        shuffled, n_met = rng.permutation(n_items).tolist(), int(rng.integers(6))
        met.append(shuffled[:n_met])
        sought.append(shuffled[n_met : n_met + int(rng.integers(1, most + 1))])
    return met, sought


@pytest.mark.parametrize("most_answers", [1, 3, 40])
def test_hundreds_of_runs_without_ties_are_measured_as_trec_eval_does(most_answers: int) -> None:
    rng = np.random.default_rng(most_answers)
    met, sought = drawn(rng, 400, 90, most_answers)
    scores = np.array([rng.permutation(90) for _ in range(400)], dtype=np.float32)
    mine, theirs = ours(scores, met, sought), trec_eval(scores, met, sought)
    assert set(mine) == set(theirs) | {"AUC"}
    for name, values in theirs.items():
        np.testing.assert_allclose(mine[name], values, rtol=0, atol=1e-9, err_msg=name)


def test_with_fewer_candidates_than_k_trec_eval_agrees() -> None:
    rng = np.random.default_rng(7)
    met, sought = drawn(rng, 200, 9, 3)
    scores = np.array([rng.permutation(9) for _ in range(200)], dtype=np.float32)
    mine = ours(scores, met, sought)
    for name, values in trec_eval(scores, met, sought).items():
        np.testing.assert_allclose(mine[name], values, rtol=0, atol=1e-9, err_msg=name)


def all_orders(scores: list[float]) -> ScoreTable:
    """Every way to break the ties, each as scores without ties."""
    values = sorted(set(scores), reverse=True)
    tied = [[item for item, score in enumerate(scores) if score == value] for value in values]
    orders = [[item for part in parts for item in part] for parts in product(*map(permutations, tied))]
    untied = np.empty((len(orders), len(scores)), dtype=np.float32)
    for row, order in zip(untied, orders, strict=True):
        row[list(order)] = np.arange(len(scores), 0, -1)
    return untied


@pytest.mark.parametrize("seed", range(120))
def test_with_ties_we_lie_between_trec_evals_worst_and_best_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.choice([0.1, 0.2, 0.3], size=6, p=[0.5, 0.3, 0.2]).tolist()
    met, sought = drawn(rng, 1, 6, 4)
    met = [met[0][:1]]
    orders = all_orders(scores)
    every = trec_eval(orders, met * len(orders), sought * len(orders))
    mine = ours(table(scores), met, sought)
    for name, values in every.items():
        assert values.min() - 1e-9 <= mine[name][0] <= values.max() + 1e-9, name


@pytest.mark.parametrize("seed", range(120))
def test_one_tied_answer_has_the_mean_of_its_ranks_over_all_orders_of_trec_eval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, answer = rng.choice([0.1, 0.2, 0.3], size=6).tolist(), int(rng.integers(6))
    orders = all_orders(scores)
    reciprocals = trec_eval(orders, [[]] * len(orders), [[answer]] * len(orders))["MRR@50"]
    found = answer_ranks(table(scores), histories([]), answers([answer]))
    assert found.ranks[0] == pytest.approx(np.mean(1 / reciprocals), abs=1e-9)


@pytest.mark.parametrize("most_answers", [1, 5])
def test_auc_is_the_share_of_pairs_in_the_right_order(most_answers: int) -> None:
    rng = np.random.default_rng(most_answers)
    met, sought = drawn(rng, 100, 25, most_answers)
    scores = rng.integers(6, size=(100, 25)).astype(np.float32)
    mine = ours(scores, met, sought)["AUC"]
    for u, row in enumerate(scores):
        others = [item for item in range(25) if item not in met[u] + sought[u]]
        pairs = [(row[a] > row[o]) + (row[a] == row[o]) / 2 for a in sought[u] for o in others]
        assert mine[u] == pytest.approx(np.mean(pairs), abs=1e-9)
