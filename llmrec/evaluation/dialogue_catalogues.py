"""Small catalogues written by hand: a table with bars under a line of column names; `genres[]` holds several values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.types import FactValue, Item, ItemId

_FLAGS: Mapping[str, bool] = {"yes": True, "no": False}
_SEVERAL = "[]"


def read_catalogue(path: Path) -> Catalogue:
    """The items of the table `path`; an empty cell is a fact that is not recorded. Raises DataError."""
    try:
        head, *rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"the catalogue {path} cannot be read: {error}.") from error
    columns = [column.strip() for column in head.removeprefix("#").split("|")]
    if not {"id", "title", "description"} <= set(columns):
        raise DataError(f"the catalogue {path} needs the columns id, title and description in its first line.")
    return Catalogue([_item(path, columns, row) for row in rows if row.strip()])


def _item(path: Path, columns: list[str], row: str) -> Item:
    values = [cell.strip() for cell in row.split("|")]
    if len(values) != len(columns):
        raise DataError(f"{path}: a row has {len(values)} cells, not {len(columns)}: {row[:60]!r}.")
    cells = dict(zip(columns, values, strict=True))
    item_id, title, description = (cells.pop(name) for name in ("id", "title", "description"))
    facts = {name.removesuffix(_SEVERAL): _fact(name, cell) for name, cell in cells.items() if cell}
    return Item(ItemId(item_id), title, facts, description)


def _fact(name: str, cell: str) -> FactValue:
    if name.endswith(_SEVERAL):
        return tuple(part.strip() for part in cell.split(","))
    if cell in _FLAGS:
        return _FLAGS[cell]
    number = cell.replace(".", "", 1)
    return (float(cell) if "." in cell else int(cell)) if number.isdigit() else cell
