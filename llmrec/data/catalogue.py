"""The items that can be recommended, in a fixed order, and what is known of their facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmrec.errors import DataError, UnknownItemError
from llmrec.types import FactValue, Item, ItemId

FieldKind = Literal["number", "text", "list", "flag"]


@dataclass(frozen=True, slots=True)
class FactField:
    """What the catalogue knows of one fact.

    Attributes:
        kind: `number` compares, `text` and `flag` equal, `list` contains.
        n_items: How many items have it.
        values: Distinct values as displayed, most frequent first (`text`, `list`); empty for numbers and flags.
        low: Smallest number; nan for other kinds.
        high: Largest number; nan for other kinds.
    """

    name: str
    kind: FieldKind
    n_items: int
    values: tuple[str, ...] = ()
    low: float = float("nan")
    high: float = float("nan")


class Catalogue(Mapping[ItemId, Item]):
    """Items by id, in the order they were given; positions index every vector and mask."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Keep `items` in order. Raises DataError when an id stands twice."""
        rows = tuple(items)
        self._items = {item.id: item for item in rows}
        if len(self._items) != len(rows):
            raise DataError(
                f"the catalogue holds {len(rows) - len(self._items)} repeated item ids; ids must be unique."
            )
        self.ids: tuple[ItemId, ...] = tuple(self._items)
        self._positions = {item_id: position for position, item_id in enumerate(self.ids)}

    def __getitem__(self, item_id: ItemId) -> Item:
        """The item with this id. Raises KeyError."""
        return self._items[item_id]

    def __iter__(self) -> Iterator[ItemId]:
        """Ids in catalogue order."""
        return iter(self.ids)

    def __len__(self) -> int:
        """Number of items."""
        return len(self.ids)

    def position(self, item_id: ItemId) -> int:
        """Place of the item in vectors and masks, from 0. Raises UnknownItemError."""
        try:
            return self._positions[item_id]
        except KeyError:
            raise UnknownItemError(f"no item has the id {item_id!r}.", hint="Look it up by title.") from None

    def positions(self, item_ids: Iterable[ItemId]) -> NDArray[np.int64]:
        """Places of those of `item_ids` that are in the catalogue, in their order; int64 [n_known]."""
        known = self._positions
        return np.fromiter((known[i] for i in item_ids if i in known), dtype=np.int64)

    @cached_property
    def fields(self) -> Mapping[str, FactField]:
        """Facts that constraints may name, by name, most widely filled first."""
        values: dict[str, list[FactValue]] = {}
        for item in self.values():
            for name, value in item.facts.items():
                values.setdefault(name, []).append(value)
        described = [_describe(name, column) for name, column in values.items()]
        return {field.name: field for field in sorted(described, key=lambda f: -f.n_items)}

    @cached_property
    def content_hash(self) -> str:
        """sha256 over all items in order; changes when any text or fact changes."""
        digest = hashlib.sha256()
        for item in self.values():
            digest.update(json.dumps(asdict(item), sort_keys=True, ensure_ascii=False).encode())
        return digest.hexdigest()


def _describe(name: str, column: Sequence[FactValue]) -> FactField:
    kind = _kind(column[0])
    if kind == "number":
        numbers = [float(value) for value in column if isinstance(value, (int, float))]
        return FactField(name, kind, len(column), low=min(numbers), high=max(numbers))
    if kind == "flag":
        return FactField(name, kind, len(column))
    counts: dict[str, int] = {}
    for value in column:
        for word in value if isinstance(value, tuple) else (str(value),):
            counts[word] = counts.get(word, 0) + 1
    return FactField(name, kind, len(column), values=tuple(sorted(counts, key=lambda word: (-counts[word], word))))


def _kind(value: FactValue) -> FieldKind:
    # bool is an int for Python, so it has to be asked first.
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, tuple) else "text"
