"""How alike items are in what is known of them: texts as vectors, facts with values, facts with amounts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.item_to_item import matmul
from llmrec.retrieval.scoring import ScoreTable, seed_table
from llmrec.types import FactValue, Histories, Vectors

_TEXT_HALF_LIVES = (1.0, 5.0, 20.0)
_FACT_HALF_LIFE = 5.0
_MAX_DISTANCE = 3.0  # standard deviations; beyond, far is far
_MIN_ITEMS = 2  # a value that one item has says nothing about another
_MAX_FIELDS = 6  # those that most items have
_ROUNDING = 1e-6  # of a cosine
_MAX_LIFTED = 30_000  # items; beyond, comparing all pairs takes minutes


@dataclass(frozen=True)
class ContentSignals:
    """Signals of likeness between the user's newest items and every other one.

    Attributes:
        texts: float32 [n_items, dim], unit rows, zeros where an item has no text; dim 0 without an encoder.
        values: By field (genres, author), which value each item has, float32 [n_items, n_values], rows of unit length.
        amounts: float32 [n_items, n_amounts], standardised (a year, a price); nan where unknown.
    """

    texts: Vectors
    values: Mapping[str, sparse.csr_array]
    amounts: NDArray[np.float32]

    @classmethod
    def fit(cls, catalogue: Catalogue, vectors: Vectors | None) -> Self:
        """Signals of `catalogue`; `vectors` are the encoded items, float32 [n_items, dim], nan where there is none."""
        texts = np.zeros((len(catalogue), 0), dtype=np.float32) if vectors is None else np.nan_to_num(vectors)
        return cls(texts, _values(catalogue), _amounts(catalogue))

    def signals(self, histories: Histories) -> Mapping[str, ScoreTable]:
        """Named tables float32 [n_users, n_items]; only those that the catalogue has something for."""
        tables: dict[str, ScoreTable] = {}
        n_items = len(self.amounts)
        if self.texts.shape[1]:
            # All at once, for reading all texts takes longer than multiplying them.
            means = [_shares(histories, n_items, half_life) @ self.texts for half_life in _TEXT_HALF_LIVES]
            alike = np.asarray(np.concatenate(means) @ self.texts.T, dtype=np.float32)
            names = (f"text@{half_life:g}" for half_life in _TEXT_HALF_LIVES)
            tables |= zip(names, alike.reshape(len(means), len(histories), n_items), strict=True)
        shares = _shares(histories, n_items, _FACT_HALF_LIFE)
        for field, values in self.values.items():
            profile = matmul(shares, values).toarray()
            tables[f"same:{field}"] = np.asarray(values @ profile.T, dtype=np.float32).T
        if self.amounts.shape[1]:
            tables["amounts"] = -self._distances(shares)
        return tables

    def _distances(self, shares: sparse.csr_array) -> ScoreTable:
        """Mean distance of every item to the weighted mean of each user's items; an unknown one is at the mean."""
        total = np.zeros((int(shares.shape[0]), len(self.amounts)), dtype=np.float32)
        for column in self.amounts.T:
            known = ~np.isnan(column)
            weight = np.asarray(shares @ known.astype(np.float32))
            mean = np.asarray(shares @ np.nan_to_num(column)) / np.maximum(weight, 1e-9)
            distance = np.minimum(np.abs(column[None, :] - mean[:, None]), _MAX_DISTANCE)
            total += np.where(known[None, :] & (weight > 0)[:, None], distance, np.float32(1.0))
        return total / np.float32(self.amounts.shape[1])


def nearest_items(texts: Vectors, sources: NDArray[np.bool_], *, n: int) -> sparse.csr_array:
    """Each item's `n` nearest among `sources` by cosine, their weights summing to 1, float32 [n_items, n_items].

    Column = item, row = its neighbour: scores [n_users, n_items] times it give every item its neighbours' mean score.
    An item is no neighbour of itself; one without a text has none, and in very large catalogues no item has any.
    """
    candidates = np.flatnonzero(sources & (np.abs(texts).sum(axis=1) > 0))
    n_items, n = len(texts), min(n, len(candidates) - 1)
    if n < 1 or n_items > _MAX_LIFTED:
        return sparse.csr_array(sparse.coo_array((n_items, n_items), dtype=np.float32))
    rows, columns, weights = [], [], []
    for start in range(0, n_items, 1024):
        block = texts[start : start + 1024]
        cosines = block @ texts[candidates].T
        cosines[candidates[None, :] == np.arange(start, start + len(block))[:, None]] = 0.0
        here, nearest = np.nonzero(_nearest(cosines, n))
        # The square makes near ones count more.
        closeness = cosines[here, nearest] ** 2
        weights.append(closeness / np.bincount(here, weights=closeness, minlength=len(block))[here])
        rows.append(candidates[nearest])
        columns.append(start + here)
    data = np.concatenate(weights).astype(np.float32)
    places = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((data, places), shape=(n_items, n_items))


def _nearest(cosines: NDArray[np.float32], n: int) -> NDArray[np.bool_]:
    """The `n` largest of each row, bool like `cosines`; what points away is never near.

    What is tied with the last of them stays too, so that the order of the items decides nothing; where that would be
    more than `n` again (a text that many items share), all that is tied goes.
    """
    last = np.partition(cosines, -n, axis=1)[:, -n, None]
    near = (cosines >= last - _ROUNDING) & (cosines > _ROUNDING)
    crowded = near.sum(axis=1) > 2 * n
    near[crowded] &= cosines[crowded] > last[crowded] + _ROUNDING
    return near


def _shares(histories: Histories, n_items: int, half_life: float) -> sparse.csr_array:
    seeds = seed_table(histories, n_items, half_life=half_life)
    sums = np.maximum(np.asarray(seeds.sum(axis=1)), 1e-9)
    return sparse.csr_array(sparse.diags_array((1.0 / sums).astype(np.float32)) @ seeds)


def _values(catalogue: Catalogue) -> Mapping[str, sparse.csr_array]:
    """By field, those first that most items have; without fields in which no two items are alike."""
    rows: dict[str, dict[int, tuple[str, ...]]] = {}
    for row, item in enumerate(catalogue.values()):
        for field, value in item.facts.items():
            if isinstance(value, tuple):
                rows.setdefault(field, {})[row] = tuple(dict.fromkeys(value))
            elif isinstance(value, str | bool):
                rows.setdefault(field, {})[row] = (str(value),)
    shared = {field: each for field, each in rows.items() if _any_shared(each)}
    fields = sorted(shared, key=lambda field: (-len(shared[field]), field))[:_MAX_FIELDS]
    return {field: _one_hot(shared[field], len(catalogue)) for field in fields}


def _any_shared(values: Mapping[int, tuple[str, ...]]) -> bool:
    counts = Counter(value for each in values.values() for value in each)
    return max(counts.values(), default=0) >= _MIN_ITEMS


def _one_hot(values: Mapping[int, tuple[str, ...]], n_items: int) -> sparse.csr_array:
    """Which value each item has, weighted by rarity (idf), rows of unit length."""
    numbers: dict[str, int] = {}
    pairs = [(row, numbers.setdefault(value, len(numbers))) for row, each in values.items() for value in each]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    counts = np.bincount(columns, minlength=len(numbers))
    weights = np.where(counts >= _MIN_ITEMS, np.log1p(n_items / np.maximum(counts, 1)), 0.0)
    table = sparse.csr_array((weights[columns], (rows, columns)), shape=(n_items, len(numbers)))
    lengths = np.sqrt(np.asarray(table.power(2).sum(axis=1)))
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(lengths, 1e-9)) @ table).astype(np.float32)


def _amounts(catalogue: Catalogue) -> NDArray[np.float32]:
    """Facts that are numbers and differ, standardised, float32 [n_items, n_amounts]; nan where unknown."""
    known: dict[str, dict[int, float]] = {}
    for row, item in enumerate(catalogue.values()):
        for field, value in item.facts.items():
            if (amount := _amount(value)) is not None:
                known.setdefault(field, {})[row] = amount
    columns = np.full((len(catalogue), len(known)), np.nan)
    for column, amounts in enumerate(known.values()):
        columns[list(amounts), column] = list(amounts.values())
    if not known:
        return columns.astype(np.float32)
    spread = np.nanstd(columns, axis=0)
    standard: NDArray[np.float64] = (columns - np.nanmean(columns, axis=0)) / np.maximum(spread, 1e-9)
    return standard[:, spread > 0].astype(np.float32)


def _amount(value: FactValue) -> float | None:
    # bool is an int for Python, and a yes or no is no amount.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
