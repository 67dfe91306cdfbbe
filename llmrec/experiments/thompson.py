"""How often each of several styles should be shown, by what was clicked so far: Thompson sampling, as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

MIN_PROPENSITY = 0.01
"""No style is shown less often: what is never shown can never be judged, and inverse propensities stay bounded."""
_N_NODES = 200


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a style was shown and clicked."""

    shown: int = 0
    clicked: int = 0


def win_probabilities(tallies: Sequence[Tally]) -> NDArray[np.float64]:
    """How probable it is that each style has the highest click rate, float64 [n_styles], at least `MIN_PROPENSITY`.

    The rates have Beta(1 + clicks, 1 + misses) beliefs. Drawing a style with these probabilities is Thompson sampling,
    and unlike drawing rates it says how probable each choice was. Exact up to the integral, which is done at
    midpoints of each belief's own quantiles. Source: Thompson 1933; Chapelle & Li 2011.
    """
    beliefs = [stats.beta(1 + tally.clicked, 1 + tally.shown - tally.clicked) for tally in tallies]
    nodes = (np.arange(_N_NODES) + 0.5) / _N_NODES
    wins = np.array(
        [
            np.prod([other.cdf(own.ppf(nodes)) for other in beliefs if other is not own], axis=0, initial=1.0).mean()
            for own in beliefs
        ]
    )
    spare = 1 - MIN_PROPENSITY * len(tallies)
    return np.asarray(MIN_PROPENSITY + spare * wins / wins.sum(), dtype=np.float64)
