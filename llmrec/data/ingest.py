"""Tables in, catalogue and interactions out, with an account of every row."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmrec.data.catalogue import Catalogue, FieldKind
from llmrec.data.cells import (
    WHITE_SPACE,
    CellError,
    read_flag,
    read_id,
    read_moment,
    read_strength,
    read_text,
    shows_something,
)
from llmrec.data.columns import first_of, resolve_columns
from llmrec.data.facts import fact_columns
from llmrec.data.interactions import Interactions
from llmrec.data.reports import IngestReport, Progress, Tally
from llmrec.data.tables import Row, Table, TableSource, is_missing, open_table, source_name
from llmrec.data.titles import split_year, uninvert
from llmrec.errors import DataError
from llmrec.types import FactValue, Item, ItemId, UserId

UNINVERTED = "title un-inverted"
_ITEM_COLUMNS = frozenset({"item_id", "title", "description", "url", "image_url", "available"})
_STRENGTH_COLUMNS = ("rating", "weight", "value")
_MOMENT_COLUMNS = ("timestamp", "at")


@dataclass(frozen=True, slots=True)
class IngestedItems:
    """The catalogue that was read, and the account of its rows."""

    catalogue: Catalogue
    report: IngestReport


@dataclass(frozen=True, slots=True)
class IngestedInteractions:
    """The interactions that were read, and the account of their rows."""

    interactions: Interactions
    report: IngestReport


@dataclass(frozen=True, slots=True)
class _Draft:
    """An accepted item before the kinds of its facts are known."""

    item_id: ItemId
    title: str
    description: str
    url: str
    image_url: str
    available: bool
    raw_facts: Mapping[str, object]
    repairs: set[str]


def ingest_items(
    source: TableSource,
    *,
    columns: Mapping[str, str] | None = None,
    joins: Catalogue | None = None,
    name: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> IngestedItems:
    """Read items: `item_id` and `title`, and whatever else is known of them as facts.

    Args:
        source: A file or a table in memory; see `open_table`.
        columns: The table's own names by ours: `{"item_id": "sku"}`; a fact can be renamed in the same way.
        joins: The catalogue that the items will join; facts that it has keep their kinds.
        name: What the report calls a table in memory.
        encoding: Of a text file; None for UTF-8.
        progress: Told the number of rows read so far.

    Raises:
        DataError: The source cannot be read, lacks a column or has no rows.
    """
    called = source_name(source, name or "items")
    tally = Tally(called, progress)
    drafts: dict[ItemId, _Draft] = {}
    with open_table(source, on_fault=tally.reject, encoding=encoding) as table:
        ours = resolve_columns(table.columns, required=("item_id", "title"), columns=columns, source=called)
        for number, row in table.rows:
            try:
                draft = _draft({ours.get(column, column): value for column, value in row.items()})
                if draft.item_id in drafts:
                    raise CellError(f"item_id {draft.item_id!r} stands in an earlier row; the first one counts")
            except CellError as error:
                tally.reject(number, str(error), _raw(row))
            else:
                drafts[draft.item_id] = draft
    kinds = {field.name: field.kind for field in joins.fields.values()} if joins is not None else {}
    items = _items(tuple(drafts.values()), kinds, add_year="year" not in ours.values())
    for draft in drafts.values():
        tally.accept(draft.repairs)
    report = tally.report()
    if report.read == 0:
        raise DataError(f"{report.source} has columns but no rows.", hint="A catalogue needs at least one item.")
    return IngestedItems(Catalogue(items), report)


def ingest_interactions(
    source: TableSource,
    catalogue: Catalogue,
    *,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> IngestedInteractions:
    """Read interactions: `user_id` and `item_id`, `rating` (or `weight`, `value`) and `timestamp` (or `at`) if there.

    Args:
        source: A file or a table in memory; see `open_table`.
        catalogue: The items they may be of; rows of other items are rejected.
        columns: The table's own names by ours: `{"user_id": "customer"}`.
        name: What the report calls a table in memory.
        encoding: Of a text file; None for UTF-8.
        progress: Told the number of rows read so far.

    Raises:
        DataError: The source cannot be read or lacks a column.
    """
    called = source_name(source, name or "interactions")
    tally = Tally(called, progress)
    gathered = _Gathered(catalogue)
    with open_table(source, on_fault=tally.reject, encoding=encoding) as table:
        names = _names(table, columns, called)
        for number, row in table.rows:
            try:
                squeezed = gathered.add(
                    row.get(names.user),
                    row.get(names.item),
                    read_strength(row.get(names.strength)) if names.strength else 1.0,
                    read_moment(row.get(names.moment)) if names.moment else np.nan,
                )
            except CellError as error:
                tally.reject(number, str(error), _raw(row))
            else:
                tally.accept((WHITE_SPACE,) if squeezed else ())
    return IngestedInteractions(gathered.interactions(), tally.report())


@dataclass(frozen=True, slots=True)
class _Names:
    """The table's own names of the columns that make an interaction; None where it has none."""

    user: str
    item: str
    strength: str | None
    moment: str | None


def _names(table: Table, columns: Mapping[str, str] | None, called: str) -> _Names:
    # An empty list has no columns to ask for, and no interactions is a sound answer.
    required = ("user_id", "item_id") if table.columns else ()
    asked = dict(columns or {})
    if asked.get("item_id") not in table.columns and "item_id" in table.columns:
        # The other name is the items' own: a shop may call it `sku` there and `item_id` here.
        asked.pop("item_id", None)
    ours = resolve_columns(table.columns, required=required, columns=asked, source=called)
    theirs = {own: column for column, own in ours.items()}
    strength, moment = first_of(_STRENGTH_COLUMNS, tuple(theirs)), first_of(_MOMENT_COLUMNS, tuple(theirs))
    return _Names(
        user=theirs.get("user_id", "user_id"),
        item=theirs.get("item_id", "item_id"),
        strength=theirs[strength] if strength else None,
        moment=theirs[moment] if moment else None,
    )


class _Gathered:
    """Columns of interactions as they grow."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._positions: Mapping[str, int] = {item_id: n for n, item_id in enumerate(catalogue.ids)}
        self._numbers: dict[str, int] = {}
        self._users, self._items = array("i"), array("i")
        self._values, self._at = array("f"), array("d")

    def add(self, user: object, item: object, value: float, at: float) -> bool:
        """Take one row; True when an id had white space around it. Raises CellError."""
        user_id, item_id = read_id(user), read_id(item)
        if not user_id or not item_id:
            raise CellError("user_id is empty" if not user_id else "item_id is empty")
        position = self._positions.get(item_id)
        if position is None:
            raise CellError(f"item_id {item_id[:80]!r} is not in the catalogue")
        self._users.append(self._numbers.setdefault(user_id, len(self._numbers)))
        self._items.append(position)
        self._values.append(value)
        self._at.append(at)
        return (user_id != user and isinstance(user, str)) or (item_id != item and isinstance(item, str))

    def interactions(self) -> Interactions:
        return Interactions.from_columns(
            tuple(UserId(user_id) for user_id in self._numbers),
            self._catalogue,
            users=np.asarray(self._users, dtype=np.int32),
            items=np.asarray(self._items, dtype=np.int32),
            values=np.asarray(self._values, dtype=np.float32),
            at=np.asarray(self._at, dtype=np.float64),
        )


def _draft(row: Row) -> _Draft:
    repairs: set[str] = set()
    raw_id = row.get("item_id")
    item_id = read_id(raw_id)
    if not item_id:
        raise CellError("item_id is empty")
    if isinstance(raw_id, str) and raw_id != item_id:
        repairs.add(WHITE_SPACE)
    available = row.get("available")
    return _Draft(
        ItemId(item_id),
        _title(row.get("title"), repairs),
        read_text(row.get("description"), repairs),
        read_text(row.get("url"), repairs, one_line=True),
        read_text(row.get("image_url"), repairs, one_line=True),
        True if is_missing(available) or available == "" else read_flag(available),
        {name: value for name, value in row.items() if name and name not in _ITEM_COLUMNS},
        repairs,
    )


def _title(value: object, repairs: set[str]) -> str:
    title = read_text(value, repairs, one_line=True)
    if not title and (is_missing(value) or not str(value).strip()):
        raise CellError("title is empty")
    if not shows_something(title):
        raise CellError("title has only invisible characters")
    turned = uninvert(title)
    if turned != title:
        repairs.add(UNINVERTED)
    return turned


def _items(drafts: Sequence[_Draft], kinds: Mapping[str, FieldKind], *, add_year: bool) -> list[Item]:
    facts = fact_columns([draft.raw_facts for draft in drafts], [draft.repairs for draft in drafts], kinds)
    return [
        Item(
            id=draft.item_id,
            title=draft.title,
            facts=_with_year(known, draft.title) if add_year else known,
            description=draft.description,
            url=draft.url,
            image_url=draft.image_url,
            available=draft.available,
        )
        for draft, known in zip(drafts, facts, strict=True)
    ]


def _with_year(facts: dict[str, FactValue], title: str) -> dict[str, FactValue]:
    _, year = split_year(title)
    return facts if year is None else {"year": year, **facts}


def _raw(row: Row) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(["" if is_missing(value) else value for value in row.values()])
    return line.getvalue()
