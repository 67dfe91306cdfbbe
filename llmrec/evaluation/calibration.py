"""Whether label probabilities mean what they say: of what is given 70 %, 70 % should turn out right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import DataError
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.results import ReliabilityBin

_LEAST = 1e-12  # one wrong certainty would make the mean log-likelihood infinite
_SUM_TOLERANCE = 1e-3  # float32 softmax over many labels


@dataclass(frozen=True)
class Calibration:
    """How well probabilities of labels fit what happened.

    Attributes:
        ece: Expected calibration error in [0, 1]: |accuracy - confidence| of each bin, weighted by its n. Source:
            Naeini et al. 2015; bins as in Guo et al. 2017.
        bins: Equally wide ranges of confidence from 0 to 1.
        per_user: `Brier`, sum over labels of (probability - happened) ** 2, in [0, 2], source: Brier 1950; and `NLL`,
            -ln of the answer's probability (at most 27.63, for 1e-12 and less). Lower is better for both.
    """

    ece: float
    bins: tuple[ReliabilityBin, ...]
    per_user: Mapping[str, PerUser]


def calibration(probabilities: NDArray[np.floating], answers: NDArray[np.integer], *, n_bins: int = 10) -> Calibration:
    """Measure probabilities of labels against the labels that were right.

    Where several labels share the highest probability, each is right for its part: with two of them of which one is the
    answer the prediction counts as half right, whatever their order.

    Args:
        probabilities: [n, n_labels], rows that sum to 1.
        answers: [n], number of the right label in each row.
        n_bins: Of the reliability curve.

    Raises:
        DataError: When a row is no distribution, or an answer is none of its labels.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    _check(p, answers)
    rows = np.arange(len(p))
    of_answer, confidence = p[rows, answers], p.max(axis=1, initial=0.0)
    right = (of_answer == confidence) / np.maximum((p == confidence[:, None]).sum(axis=1), 1)
    bins = _reliability(confidence, right, n_bins)
    gaps = sum(each.n * abs(each.accuracy - each.confidence) for each in bins if each.n)
    brier = (p**2).sum(axis=1) - 2 * of_answer + 1
    nll = -np.log(np.maximum(of_answer, _LEAST))
    return Calibration(gaps / len(p) if len(p) else float("nan"), bins, {"Brier": brier, "NLL": nll})


def joined(parts: Sequence[tuple[ReliabilityBin, ...]]) -> tuple[ReliabilityBin, ...]:
    """Several reliability curves over the same ranges as one, as if their predictions had been binned together."""
    return tuple(_joined(same) for same in zip(*parts, strict=True))


def _joined(same: Sequence[ReliabilityBin]) -> ReliabilityBin:
    known = [each for each in same if each.n]
    n = sum(each.n for each in known)
    confidence, accuracy = (
        sum(each.n * getattr(each, mean) for each in known) / n if n else float("nan")
        for mean in ("confidence", "accuracy")
    )
    return ReliabilityBin(same[0].low, same[0].high, n, confidence, accuracy)


def _reliability(
    confidence: NDArray[np.float64], right: NDArray[np.float64], n_bins: int
) -> tuple[ReliabilityBin, ...]:
    edges = np.linspace(0, 1, n_bins + 1)
    bin_of = np.searchsorted(edges[1:-1], confidence, side="left")
    n = np.bincount(bin_of, minlength=n_bins)
    sums = [np.bincount(bin_of, weights=values, minlength=n_bins) for values in (confidence, right)]
    means = [np.where(n > 0, total / np.maximum(n, 1), np.nan) for total in sums]
    return tuple(
        ReliabilityBin(float(edges[at]), float(edges[at + 1]), int(n[at]), float(means[0][at]), float(means[1][at]))
        for at in range(n_bins)
    )


def _check(p: NDArray[np.float64], answers: NDArray[np.integer]) -> None:
    if p.ndim != 2 or answers.shape != (len(p),):
        raise DataError(f"probabilities of shape {p.shape} do not fit answers of shape {answers.shape}.")
    wrong = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) <= _SUM_TOLERANCE))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(f"probabilities of row {row} sum to {p[row].sum():g}; each row must be a distribution.")
    outside = np.flatnonzero((answers < 0) | (answers >= p.shape[1]))
    if len(outside):
        raise DataError(f"answer {answers[outside[0]]} of row {outside[0]} is none of {p.shape[1]} labels.")
