"""What was in demand around the moment a user was last seen: popularity that knows the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories

_DAY_S = 86_400.0
_SPANS_DAYS = (30.0, 365.0)
_BINS_PER_SPAN, _MAX_BINS, _MAX_CELLS = 4, 4_096, 20_000_000
_PRIOR = 0.3  # interactions everybody is given, so that a logarithm exists


@dataclass(frozen=True)
class DemandOverTime:
    """Decayed counts of interactions around moments, binned.

    Attributes:
        start: Moment of the first bin's left edge, seconds since 1970 (UTC).
        width: Of a bin, in seconds.
        counts: float32 [n_bins, n_items], interactions weighted by exp(-|distance in time| / span).
    """

    start: float
    width: float
    counts: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: Interactions, *, span_s: float) -> Self:
        """Count timed interactions; both earlier and later ones count, as far as they may be learned from."""
        timed = ~np.isnan(interactions.at)
        at, items = interactions.at[timed], interactions.items[timed]
        n_items = len(interactions.item_ids)
        if not len(at):
            return cls(0.0, span_s, np.zeros((1, n_items), dtype=np.float32))
        start, length = float(at.min()), float(np.ptp(at))
        most = max(min(_MAX_BINS, _MAX_CELLS // n_items), 2)
        width = max(span_s / _BINS_PER_SPAN, length / (most - 1), 1e-9)
        bins = ((at - start) / width).astype(np.int64)
        n_bins = int(bins.max()) + 1
        counts = np.bincount(bins * n_items + items, minlength=n_bins * n_items).reshape(n_bins, n_items)
        return cls(start, width, _smoothed(counts.astype(np.float32), float(np.exp(-width / span_s))))

    def over(self, n_items: int) -> Self:
        """The same with more items at the end, for which there is no demand."""
        return replace(self, counts=np.pad(self.counts, ((0, 0), (0, n_items - self.counts.shape[1]))))

    def at(self, moments: NDArray[np.float64]) -> ScoreTable:
        """Logarithm of the demand at each moment, float32 [n_moments, n_items]; nan asks for the newest."""
        newest = len(self.counts) - 1
        bins = np.nan_to_num((moments - self.start) / self.width, nan=newest)
        rows = self.counts[np.clip(bins, 0, newest).astype(np.int64)]
        return np.asarray(np.log(rows + np.float32(_PRIOR)), dtype=np.float32)


@dataclass(frozen=True)
class TimedPopularity:
    """Signals of demand: over all time, around the user's newest moment, and how long an item has been around.

    Attributes:
        totals: float32 [n_items], interactions of all time.
        first: float64 [n_items], moment of an item's first interaction; inf where no time is known.
        demand: By span in days.
    """

    totals: NDArray[np.float32]
    first: NDArray[np.float64]
    demand: Mapping[float, DemandOverTime]

    @classmethod
    def fit(cls, interactions: Interactions) -> Self:
        """Count; an item nobody met has the least of everything."""
        n_items = len(interactions.item_ids)
        first = np.full(n_items, np.inf)
        np.fmin.at(first, interactions.items, interactions.at)
        spans = _SPANS_DAYS if (~np.isnan(interactions.at)).any() else ()
        totals = np.bincount(interactions.items, minlength=n_items).astype(np.float32)
        demand = {days: DemandOverTime.fit(interactions, span_s=days * _DAY_S) for days in spans}
        return cls(totals, first, demand)

    def over(self, n_items: int) -> Self:
        """The same with more items at the end, which nobody met."""
        n_new = n_items - len(self.totals)
        return replace(
            self,
            totals=np.pad(self.totals, (0, n_new)),
            first=np.pad(self.first, (0, n_new), constant_values=np.inf),
            demand={days: demand.over(n_items) for days, demand in self.demand.items()},
        )

    def signals(self, histories: Histories) -> Mapping[str, ScoreTable]:
        """Named tables float32 [n_users, n_items]; those of time only where the data has any."""
        popularity = np.log1p(self.totals)
        tables: dict[str, ScoreTable] = {
            "popularity": np.broadcast_to(popularity, (len(histories), len(popularity))),
        }
        if not self.demand:
            return tables
        now = newest_moments(histories)
        tables |= {f"popularity@{days:g}d": demand.at(now) for days, demand in self.demand.items()}
        # An item whose first interaction comes later was hardly on offer yet when the user was last seen.
        since = np.nan_to_num(now[:, None] - self.first[None, :], nan=0.0, posinf=0.0, neginf=0.0)
        tables["around"] = np.log1p(np.maximum(since, 0.0) / _DAY_S).astype(np.float32)
        tables["not-yet"] = (since < 0).astype(np.float32)
        return tables


def newest_moments(histories: Histories) -> NDArray[np.float64]:
    """Time of each user's newest interaction, float64 [n_users]; nan where there is none."""
    moments = np.full(len(histories), np.nan)
    np.fmax.at(moments, histories.users, histories.at)
    return moments


def _smoothed(counts: NDArray[np.float32], keep: float) -> NDArray[np.float32]:
    """Each bin plus what its neighbours on both sides leave after decaying by `keep` per bin."""
    past, coming = counts.copy(), counts.copy()
    for row in range(1, len(counts)):
        past[row] += keep * past[row - 1]
        coming[-row - 1] += keep * coming[-row]
    return past + coming - counts
