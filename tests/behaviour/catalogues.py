"""Small catalogues written by hand, as tables with a line of column names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.types import FactValue, Item, ItemId

DIRECTORY = Path(__file__).parent / "catalogues"
_LISTS = {"genres", "cast"}
_FLAGS: Mapping[str, bool] = {"yes": True, "no": False}


def catalogue(name: str) -> Catalogue:
    """The items of `NAME.txt`; an empty cell is a fact that is not recorded."""
    head, *rows = (DIRECTORY / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    columns = [column.strip() for column in head.removeprefix("#").split("|")]
    return Catalogue(
        [_item(dict(zip(columns, (cell.strip() for cell in row.split("|")), strict=True))) for row in rows]
    )


def _item(cells: dict[str, str]) -> Item:
    item_id, title, description = (cells.pop(name) for name in ("id", "title", "description"))
    facts = {name: _fact(name, cell) for name, cell in cells.items() if cell}
    return Item(ItemId(item_id), title, facts, description)


def _fact(name: str, cell: str) -> FactValue:
    if name in _LISTS:
        return tuple(part.strip() for part in cell.split(","))
    if cell in _FLAGS:
        return _FLAGS[cell]
    number = cell.replace(".", "", 1)
    return (float(cell) if "." in cell else int(cell)) if number.isdigit() else cell
