"""A map of the catalogue: items near each other on it have texts that say alike things, as far as two axes can tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.types import Vectors

_MAX_ROWS = 20_000  # that the axes are learned from


@dataclass(frozen=True)
class Plane:
    """Items in two dimensions.

    Attributes:
        points: float64 [n_items, 2], in catalogue order.
        explained: Share of the vectors' variance that the two axes keep, in [0, 1].
    """

    points: NDArray[np.float64]
    explained: float


def plane_of(vectors: Vectors) -> Plane:
    """The first two principal components. Source: Pearson 1901.

    The sign of an axis, which is arbitrary, is chosen so that its longest arm points up: the same map every time.
    """
    n_items = len(vectors)
    rows = np.unique(np.linspace(0, max(0, n_items - 1), min(n_items, _MAX_ROWS)).astype(np.int64))
    sample = vectors[rows].astype(np.float64)
    mean = sample.mean(axis=0) if len(sample) else np.zeros(vectors.shape[1])
    # The covariance is as small as a vector is long; a decomposition of all items would not be.
    values, axes = np.linalg.eigh((sample - mean).T @ (sample - mean))
    kept = axes[:, ::-1][:, :2]
    points = np.zeros((len(vectors), 2))
    points[:, : kept.shape[1]] = vectors @ kept.astype(np.float32) - mean @ kept
    arms = points[np.abs(points).argmax(axis=0), np.arange(2)] if len(points) else np.ones(2)
    total = float(values.sum())
    return Plane(points * np.where(arms < 0, -1.0, 1.0), float(values[-2:].sum()) / total if total > 0 else 0.0)
