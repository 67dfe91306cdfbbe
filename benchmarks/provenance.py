"""What a benchmark ran on, and how sure its result is: commit, machine, bootstrap intervals."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmrec.evaluation.provenance import commit

__all__ = ["commit", "machine", "median_ci95", "quantile_ci95"]


def machine() -> str:
    """Processor and cores."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    name = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def median_ci95(values: Sequence[float], *, seed: int = 0, n_draws: int = 10_000) -> dict[str, object]:
    """Median of `values` with a percentile bootstrap interval. Source: Efron & Tibshirani 1993."""
    value, interval = quantile_ci95(values, 0.5, seed=seed, n_draws=n_draws)
    return {"median": value, "ci95": interval}


def quantile_ci95(
    values: Sequence[float], q: float, *, seed: int = 0, n_draws: int = 10_000
) -> tuple[float, list[float]]:
    """The quantile `q` in [0, 1] of `values` with a percentile bootstrap interval. Source: Efron & Tibshirani 1993."""
    sample = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).choice(sample, size=(n_draws, len(sample)))
    low, high = np.percentile(np.quantile(draws, q, axis=1), [2.5, 97.5])
    return round(float(np.quantile(sample, q)), 4), [round(float(low), 4), round(float(high), 4)]
