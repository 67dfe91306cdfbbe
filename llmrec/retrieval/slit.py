"""Retrieval by a regression of the near future on the recent past: linear, with a closed form, and aware of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.item_to_item import ItemToItemRetriever, matmul
from llmrec.retrieval.storage import load_array, load_settings, load_sparse, save_settings, save_sparse
from llmrec.retrieval.updates import DEAR_ITEMS, grown
from llmrec.types import ItemId

_NEEDED = ("half_life", "l2", "past", "future", "decay", "popularity_power", "max_items")
_GRAM = "gram.npz"
_PLACES_AT_ONCE, _ITEMS_AT_ONCE = 1 << 17, 1_024


@dataclass(frozen=True, slots=True)
class SLITPlan:
    """How the table is learned.

    Attributes:
        l2: Ridge penalty.
        half_life: Steps into the past after which an item counts half.
        past: Most steps back that are read.
        future: How many of the coming items each place of a history is to predict.
        decay: What each step into the future multiplies an item's weight by.
        popularity_power: Scores of an item are divided by its number of interactions to this power.
        max_items: Most items the table is solved for, those with most interactions; the others score 0.
    """

    l2: float = 500.0
    half_life: float = 20.0
    past: int = 60
    future: int = 20
    decay: float = 0.9
    popularity_power: float = 0.5
    max_items: int = 8_000

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if not min(self.l2, self.half_life) > 0 or not 0 < self.decay <= 1:
            raise ConfigError(
                f"l2 is {self.l2}, half_life {self.half_life}, decay {self.decay}; l2 and half_life must be above 0, "
                "decay in (0, 1]."
            )
        if min(self.past, self.future, self.max_items) < 1:
            raise ConfigError(
                f"past is {self.past}, future {self.future}, max_items {self.max_items}; each must be at least 1."
            )


class SLITRetriever(ItemToItemRetriever):
    """Recency-weighted past items times a ridge regression onto the coming ones.

    Every place of every history is a row: what came before, weighted by age, is regressed on what came after, weighted
    by distance. Source: the transition model of Choi et al. 2021, arXiv 2103.16104, with several past items a row.

    Cold user: nothing is retrieved, all scores are 0. Cold item: it has no column and scores 0.
    """

    name = "slit"

    def __init__(
        self,
        item_ids: Sequence[ItemId],
        known: NDArray[np.int64],
        table: NDArray[np.float32],
        *,
        plan: SLITPlan,
        gram: sparse.csr_array | None = None,
    ) -> None:
        """Keep a fitted table, see ItemToItemRetriever; use `fit` to make it.

        Args:
            item_ids: All ids, in catalogue order.
            known: int64 [n_known], ascending catalogue positions of the items that `table` knows.
            table: float32 [n_known, n_known], row = item of the history, column = item to score.
            plan: How it was learned.
            gram: Past times past without the penalty, its upper triangle, float64 [n_known, n_known], for `update`;
                None where it is not kept.
        """
        super().__init__(item_ids, known, table, half_life=plan.half_life)
        self._dense = table
        self._plan = plan
        self._gram = gram

    @classmethod
    def fit(cls, interactions: Interactions, *, plan: SLITPlan | None = None) -> Self:
        """Learn from the order of what users did; strengths are not used."""
        plan = plan or SLITPlan()
        counts = np.bincount(interactions.items, minlength=len(interactions.item_ids))
        known = _most_met(counts, plan.max_items)
        gram, cross = _nothing(len(known))
        _add_products((gram, cross), interactions, _columns(known, len(counts)), plan, np.arange(len(interactions)))
        return cls._solved(interactions.item_ids, known, gram, cross, counts, plan)

    @classmethod
    def _solved(
        cls,
        item_ids: Sequence[ItemId],
        known: NDArray[np.int64],
        gram: NDArray[np.float64],
        cross: NDArray[np.float64],
        counts: NDArray[np.int64],
        plan: SLITPlan,
        start: NDArray[np.float64] | float = 0.0,
    ) -> Self:
        """From the products of past and future, which are overwritten; `cross` is what `start` leaves to be learned."""
        kept = sparse.csr_array(np.triu(gram)) if len(known) <= DEAR_ITEMS else None
        table = (start + _regression(gram, cross, l2=plan.l2)) / _divisors(counts, known, plan)
        # Row after row: products with sparse histories would copy the solver's order of columns every time.
        return cls(item_ids, known, np.ascontiguousarray(table, dtype=np.float32), plan=plan, gram=kept)

    @property
    def costs_a_fit(self) -> bool:
        """Whether an update is a fit, and a fit takes minutes."""
        return len(self._known) > DEAR_ITEMS

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both; `before` is what this one was fitted on.

        Where the products of past and past are kept (up to `DEAR_ITEMS` items), only places near new interactions are
        multiplied again, and one system is solved.

        Raises:
            DataError: When the three are not about the same items.
        """
        growth = grown(before, added, self._ids)
        counts, counts_before = (
            np.bincount(met.items, minlength=len(self._ids)) for met in (growth.after, growth.before)
        )
        known = _most_met(counts, self._plan.max_items)
        everything_before = np.array_equal(self._known, np.flatnonzero(counts_before))
        if self._gram is None or not everything_before or not np.isin(self._known, known).all():
            return self.fit(growth.after, plan=self._plan)
        gram, learned = self._kept_tables(known, counts_before)
        columns = _columns(known, len(counts))
        more, cross = _nothing(len(known))
        for met, sign in ((growth.before, -1.0), (growth.after, 1.0)):
            places = growth.places(met, reach=self._plan.future)
            _add_products((more, cross), met, columns, self._plan, places, sign=sign)
        # With G L = C for what was learned, G' (L' - L) = C' - G' L is the change of C less that of G times L.
        near = np.flatnonzero(more.any(axis=1))
        cross[near] -= more[np.ix_(near, near)] @ learned[near]
        gram += more
        return self._solved(self._ids, known, gram, cross, counts, self._plan, learned)

    def _kept_tables(
        self, known: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Past times past, and what was learned, among items `known` now; newly met ones have nothing yet."""
        assert self._gram is not None  # asked for by `update`
        places = np.searchsorted(known, self._known)
        kept = sparse.coo_array(self._gram)
        upper = sparse.coo_array((kept.data, tuple(places[each] for each in kept.coords)), shape=(len(known),) * 2)
        gram = upper.toarray(order="F")
        gram += np.triu(gram, 1).T
        learned = np.zeros(gram.shape)
        learned[np.ix_(places, places)] = self._dense * _divisors(counts, self._known, self._plan)
        return gram, learned

    def save(self, directory: Path) -> None:
        """Write the table and settings into `directory`."""
        save_settings(directory, self.name, self._ids, **asdict(self._plan))
        np.save(directory / "known.npy", self._known, allow_pickle=False)
        np.save(directory / "table.npy", self._dense, allow_pickle=False)
        if self._gram is not None:
            save_sparse(directory / _GRAM, self._gram)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote; the table is memory-mapped. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids, needed=_NEEDED)
        plan = SLITPlan(
            l2=float(settings["l2"]),
            half_life=float(settings["half_life"]),
            past=int(settings["past"]),
            future=int(settings["future"]),
            decay=float(settings["decay"]),
            popularity_power=float(settings["popularity_power"]),
            max_items=int(settings["max_items"]),
        )
        known = cast("NDArray[np.int64]", load_array(directory / "known.npy"))
        table = cast("NDArray[np.float32]", load_array(directory / "table.npy", mapped=True))
        # A directory from before updates has none.
        gram = load_sparse(directory / _GRAM) if (directory / _GRAM).is_file() else None
        return cls(item_ids, known, table, plan=plan, gram=gram)


def _most_met(counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Ascending positions of at most `limit` items; items met equally often are in or out together."""
    least = 1
    if int((counts > 0).sum()) > limit:
        least = int(np.sort(counts)[-limit - 1]) + 1
    return np.flatnonzero(counts >= least).astype(np.int64)


def _columns(known: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """Where each item stands among those known, -1 for the others."""
    columns = np.full(n_items, -1, dtype=np.int64)
    columns[known] = np.arange(len(known))
    return columns


def _divisors(counts: NDArray[np.int64], known: NDArray[np.int64], plan: SLITPlan) -> NDArray[np.float64]:
    """What each column of the regression is divided by, float64 [1, n_known]."""
    powers: NDArray[np.float64] = counts[known].astype(np.float64)[None, :] ** plan.popularity_power
    return powers


def _regression(gram: NDArray[np.float64], cross: NDArray[np.float64], *, l2: float) -> NDArray[np.float64]:
    """(gram + l2 I)^-1 cross; both are overwritten."""
    gram[np.diag_indices(len(gram))] += l2
    if not len(gram):
        return cross
    solved: NDArray[np.float64] = linalg.solve(gram, cross, assume_a="pos", overwrite_a=True, overwrite_b=True)
    return solved


def _nothing(n_known: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two empty tables [n_known, n_known], column after column: the solver would else copy both."""
    return np.zeros((n_known, n_known), order="F"), np.zeros((n_known, n_known), order="F")


def _add_products(
    totals: tuple[NDArray[np.float64], NDArray[np.float64]],
    interactions: Interactions,
    columns: NDArray[np.int64],
    plan: SLITPlan,
    rows: NDArray[np.int64],
    *,
    sign: float = 1.0,
) -> None:
    """Add past times past and past times future, summed over `rows` of interactions and times `sign`, to `totals`.

    An interaction is a place in a history: its past are the items before it, its future it and those after it, both
    weighted by distance.
    """
    before = [(step + 1, 0.5 ** (step / plan.half_life)) for step in range(plan.past)]
    after = [(-step, plan.decay**step) for step in range(plan.future)]
    for start in range(0, len(rows), _PLACES_AT_ONCE):
        places = rows[start : start + _PLACES_AT_ONCE]
        past, future = (_shifted(interactions, columns, places, steps) for steps in (before, after))
        _add_product(totals[0], past, sign * past)
        _add_product(totals[1], past, sign * future)


def _shifted(
    interactions: Interactions,
    columns: NDArray[np.int64],
    places: NDArray[np.int64],
    steps: Sequence[tuple[int, float]],
) -> sparse.csr_array:
    """Row n holds, for each (step, weight), the item `step` places before interaction `places[n]` of the same user."""
    rows, items, weights = [], [], []
    for step, weight in steps:
        other = places - step
        inside = (other >= 0) & (other < len(interactions))
        inside[inside] = interactions.users[other[inside]] == interactions.users[places[inside]]
        inside[inside] = columns[interactions.items[other[inside]]] >= 0
        rows.append(np.flatnonzero(inside))
        items.append(columns[interactions.items[other[inside]]])
        weights.append(np.full(len(items[-1]), weight, dtype=np.float32))
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(items)))
    return sparse.csr_array(entries, shape=(len(places), int((columns >= 0).sum())))


def _add_product(total: NDArray[np.float64], left: sparse.csr_array, right: sparse.csr_array) -> None:
    """`left` transposed times `right`, some rows at a time: as a sparse table, all of it would be larger than dense."""
    transposed = sparse.csr_array(left.T)
    for start in range(0, len(total), _ITEMS_AT_ONCE):
        rows = slice(start, start + _ITEMS_AT_ONCE)
        total[rows] += matmul(transposed[rows], right).toarray(order="F")
