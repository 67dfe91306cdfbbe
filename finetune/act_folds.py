"""How well acts are heard in dialogues nothing was learned from: folds of dialogues, thresholds chosen inside each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit

from finetune.act_dialogues import Dialogue, label_matrix
from llmrec.dialogue.act_features import feature_rows
from llmrec.dialogue.act_model import fit

_GRID = np.arange(0.06, 0.74, 0.02)
_N_INNER = 4

Matrix = NDArray[np.bool_]


@dataclass(frozen=True)
class Heard:
    """What was heard out of fold, and what annotators had heard: bool [n, n_acts]; `dialogue` numbers each row's."""

    predicted: Matrix
    labels: Matrix
    dialogue: NDArray[np.int64]


def cross_fitted(dialogues: Sequence[Dialogue], *, n_folds: int, penalty: float, seed: int) -> Heard:
    """Acts of every situation, heard by a model that was fitted and tuned on the other folds of dialogues."""
    rows = feature_rows([situation for dialogue in dialogues for situation in dialogue.situations])
    labels = label_matrix(dialogues)
    numbers = np.repeat(np.arange(len(dialogues)), [len(dialogue.situations) for dialogue in dialogues])
    folds = _folds(numbers, n_folds, seed)
    predicted = np.zeros_like(labels)
    for fold in range(n_folds):
        known = folds != fold
        weights, bias = fit(rows[known], labels[known], penalty=penalty)
        least = thresholds(rows[known], labels[known], numbers[known], penalty=penalty, seed=seed)
        predicted[~known] = expit(rows[~known] @ weights + bias) >= least
    return Heard(predicted, labels, numbers)


def thresholds(
    rows: sp.csr_array, labels: Matrix, numbers: NDArray[np.int64], *, penalty: float, seed: int
) -> NDArray[np.float64]:
    """For each act the probability from which taking it as heard gives the best F1 out of fold: [n_acts]."""
    folds = _folds(numbers, _N_INNER, seed + 1)
    likely = np.zeros(labels.shape)
    for fold in range(_N_INNER):
        known = folds != fold
        weights, bias = fit(rows[known], labels[known], penalty=penalty)
        likely[~known] = expit(rows[~known] @ weights + bias)
    scores = np.stack([f1(likely >= least, labels) for least in _GRID])
    return np.asarray(_GRID[np.nan_to_num(scores).argmax(axis=0)])


def f1(predicted: Matrix, labels: Matrix) -> NDArray[np.float64]:
    """F1 of each act (columns), in [0, 1]; nan where it neither occurs nor was heard."""
    hits = (predicted & labels).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * hits / (predicted.sum(axis=0) + labels.sum(axis=0)))


def f1_interval(heard: Heard, *, n_draws: int, seed: int) -> NDArray[np.float64]:
    """95 % intervals of F1 over dialogues drawn with replacement: [n_acts + 1, 2], the mean over acts last."""
    n = int(heard.dialogue.max()) + 1
    parts = (heard.predicted & heard.labels, heard.predicted, heard.labels)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_draws)
    hits, predicted, real = (drawn @ _per_dialogue(part, heard.dialogue, n) for part in parts)
    with np.errstate(invalid="ignore"):
        scores = 2 * hits / (predicted + real)
    draws = np.column_stack([scores, np.nanmean(scores, axis=1)])
    return np.asarray(np.nanpercentile(draws, [2.5, 97.5], axis=0).T)


def _per_dialogue(part: Matrix, numbers: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    totals = np.zeros((n, part.shape[1]), dtype=np.int64)
    np.add.at(totals, numbers, part)
    return totals


def _folds(numbers: NDArray[np.int64], n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each row; rows of one dialogue share it."""
    names = np.unique(numbers)
    order = np.random.default_rng(seed).permutation(len(names)) % n_folds
    return np.asarray(order[np.searchsorted(names, numbers)])
