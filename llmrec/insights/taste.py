"""What a set of items has in common, beside the whole catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.types import Item

MAX_BARS = 8
_N_BINS = 6
_YEARS = (1000, 2100)
_DECADE = 10
_MAX_KINDS = 60  # a fact with more values names things rather than sorting them


@dataclass(frozen=True)
class Bars:
    """How often values of one fact occur among a user's items, and in the catalogue.

    Attributes:
        counts: Items of the user with the value; an item may have several.
        shares: Of the user's items that have the fact, in [0, 1]; they may sum to more than 1.
        usual: The same share of the catalogue.
    """

    field: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    usual: tuple[float, ...]


def kind_fields(catalogue: Catalogue) -> tuple[FactField, ...]:
    """Facts that sort items into few kinds, the one with the most even use first; at most three."""
    sorting = [f for f in catalogue.fields.values() if f.kind in {"list", "text"} and 1 < len(f.values) <= _MAX_KINDS]
    recurring = [field for field in sorting if len(field.values) < field.n_items]
    return tuple(sorted(recurring, key=lambda f: (f.kind != "list", len(f.values) / f.n_items))[:3])


def number_fields(catalogue: Catalogue) -> tuple[FactField, ...]:
    """Facts that are numbers of more than one value; at most three."""
    return tuple(f for f in catalogue.fields.values() if f.kind == "number" and f.low < f.high)[:3]


def kinds_of(items: Sequence[Item], catalogue: Catalogue, field: str) -> Bars:
    """The most frequent values of `field` among `items`, most frequent first."""
    own = Counter(value for item in items for value in values_of(item, field))
    all_items = Counter(value for item in catalogue.values() for value in values_of(item, field))
    return _bars(field, [value for value, _ in own.most_common(MAX_BARS)], own, all_items, items, catalogue)


def numbers_of(items: Sequence[Item], catalogue: Catalogue, field: FactField) -> Bars:
    """How `items` spread over decades of `field` where it holds years, else over six equal parts of its range."""
    edges = _edges(field)
    labels = _labels(field, edges)

    def label_of(item: Item) -> Iterable[str]:
        value = item.facts.get(field.name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield labels[int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(labels) - 1))]

    own = Counter(label for item in items for label in label_of(item))
    all_items = Counter(label for item in catalogue.values() for label in label_of(item))
    known = [label for label in labels if all_items[label]]
    return _bars(field.name, known, own, all_items, items, catalogue)


def split_of(items: Sequence[Item], field: str) -> tuple[tuple[str, float], ...]:
    """Shares that sum to 1: each item is divided evenly among its values of `field`; the largest first."""
    shares: Counter[str] = Counter()
    for item in items:
        values = values_of(item, field)
        for value in values:
            shares[value] += 1 / len(values)  # type: ignore[assignment]  # a Counter may count in parts
    total = sum(shares.values())
    return tuple((value, share / total) for value, share in shares.most_common()) if total else ()


def values_of(item: Item, field: str) -> tuple[str, ...]:
    """The values that `item` has of `field`, one or several; empty where it has none."""
    value = item.facts.get(field)
    return value if isinstance(value, tuple) else (str(value),) if value not in {None, ""} else ()


def _bars(
    field: str,
    labels: Sequence[str],
    own: Counter[str],
    all_items: Counter[str],
    items: Sequence[Item],
    catalogue: Catalogue,
) -> Bars:
    n_own = max(1, sum(field in item.facts for item in items))
    n_all = max(1, catalogue.fields[field].n_items)
    return Bars(
        field,
        tuple(labels),
        tuple(own[label] for label in labels),
        tuple(own[label] / n_own for label in labels),
        tuple(all_items[label] / n_all for label in labels),
    )


def _edges(field: FactField) -> list[float]:
    if _holds_years(field):
        first, last = int(field.low) // _DECADE * _DECADE, int(field.high) // _DECADE * _DECADE
        return [float(year) for year in range(first, last + 1, _DECADE)]
    return [float(edge) for edge in np.linspace(field.low, field.high, _N_BINS + 1)[:-1]]


def _labels(field: FactField, edges: Sequence[float]) -> list[str]:
    if _holds_years(field):
        return [f"{int(edge)}s" for edge in edges]
    ends = [*edges[1:], field.high]
    return [f"{low:.3g} to {high:.3g}" for low, high in zip(edges, ends, strict=True)]


def _holds_years(field: FactField) -> bool:
    return field.low >= _YEARS[0] and field.high <= _YEARS[1]
