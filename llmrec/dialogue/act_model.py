"""A regularised logistic regression that hears acts where the grammar leaves off."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize
from scipy.special import expit

from llmrec.dialogue.act_features import N_FEATURES, Situation, feature_rows
from llmrec.errors import ArtifactError
from llmrec.types import ActKind

HEARD: tuple[ActKind, ...] = (
    "request", "preference", "answer", "seen", "accept", "reject", "question", "critique", "constraint", "more",
)  # fmt: skip
SHIPPED = Path(__file__).parent / "resources" / "acts.safetensors"
_NEGLIGIBLE = 1e-3
_MAX_STEPS = 50
_MIN_ROWS = 3  # a feature of fewer turns says nothing of others


@dataclass(frozen=True)
class ActModel:
    """How likely each act of `HEARD` is in a turn.

    Attributes:
        weights: float32 [N_FEATURES, n_acts].
        bias: float32 [n_acts].
        thresholds: float32 [n_acts]; from this probability an act is taken as heard.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    thresholds: NDArray[np.float32]

    def probabilities(self, situations: Sequence[Situation]) -> NDArray[np.float64]:
        """Of each act, in the order of `HEARD`: [n, n_acts]."""
        return np.asarray(expit(feature_rows(situations) @ self.weights + self.bias))

    def heard(self, situation: Situation) -> Mapping[ActKind, float]:
        """The acts that are likely enough, with their probability."""
        (row,) = self.probabilities([situation])
        return {kind: float(p) for kind, p, least in zip(HEARD, row, self.thresholds, strict=True) if p >= least}

    def save(self, path: Path, *, trained_on: Sequence[str]) -> None:
        """Write the model, with the ids of the dialogues it was trained on; weights keep half precision."""
        used = np.flatnonzero(np.abs(self.weights).max(axis=1) > _NEGLIGIBLE).astype(np.int32)
        tensors: dict[str, NDArray[Any]] = {  # of several types, as the file format allows
            "used": used,
            "weights": self.weights[used].astype(np.float16),
            "bias": self.bias,
            "thresholds": self.thresholds,
        }
        save_file(tensors, path, metadata={"acts": json.dumps(HEARD), "trained_on": json.dumps(list(trained_on))})

    @classmethod
    def load(cls, path: Path) -> ActModel:
        """The model that was saved at `path`. Raises ArtifactError if the file is of another kind."""
        try:
            tensors, acts = load_file(path), json.loads(_metadata(path)["acts"])
            weights = np.zeros((N_FEATURES, len(HEARD)), dtype=np.float32)
            weights[tensors["used"]] = tensors["weights"]
            model = cls(weights, tensors["bias"], tensors["thresholds"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ArtifactError(f"{path} is no model of acts: {error}") from error
        if tuple(acts) != HEARD:
            raise ArtifactError(f"{path} hears {', '.join(acts)}; this version hears {', '.join(HEARD)}.")
        return model


def trained_on(path: Path) -> tuple[str, ...]:
    """The ids of the dialogues the model at `path` was trained on."""
    return tuple(json.loads(_metadata(path)["trained_on"]))


@cache
def shipped_model() -> ActModel:
    """The model that comes with this package; `finetune/train_acts.py` made it."""
    return ActModel.load(SHIPPED)


def _metadata(path: Path) -> Mapping[str, str]:
    with safe_open(path, framework="np") as file:
        return dict(file.metadata() or {})


def fit(
    rows: sp.csr_array, labels: NDArray[np.bool_], *, penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights [n_features, n_acts] and bias [n_acts] of one logistic regression for each column of `labels`.

    Minimises the summed log loss + penalty / 2 * the squared weights; the bias is free.
    """
    n_features, n_acts = rows.shape[1], labels.shape[1]
    used = np.flatnonzero(np.bincount(rows.indices, minlength=n_features) >= _MIN_ROWS)
    known, wanted = rows[:, used].tocsr(), labels.astype(float)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(len(used) + 1, n_acts)
        scores = known @ parameters[:-1] + parameters[-1]
        value = np.logaddexp(0, scores).sum() - (wanted * scores).sum() + penalty / 2 * (parameters[:-1] ** 2).sum()
        error = expit(scores) - wanted
        gradient = np.vstack([known.T @ error + penalty * parameters[:-1], error.sum(axis=0)])
        return float(value), gradient.ravel()

    start = np.zeros((len(used) + 1) * n_acts)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MAX_STEPS})
    parameters = found.x.reshape(len(used) + 1, n_acts)
    weights = np.zeros((n_features, n_acts))
    weights[used] = parameters[:-1]
    return weights, parameters[-1]
