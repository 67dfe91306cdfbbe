"""Typed facts out of raw columns; a column's kind is decided over all its values, never row by row."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

import numpy as np

from llmrec.data.catalogue import FieldKind
from llmrec.data.cells import parse_number, read_text
from llmrec.data.tables import is_missing
from llmrec.types import FactValue

_LEADING_ZERO = re.compile(r"[+-]?0\d")
_LIST_NAMES = frozenset({"genre", "genres", "tag", "tags", "category", "categories"})
_MAX_LITERAL_CHARS = 20_000
_MAX_NUMBER = 1e300  # an integer of JSON or Parquet may be longer than any float


def fact_columns(
    rows: Sequence[Mapping[str, object]], repairs: Sequence[set[str]], known: Mapping[str, FieldKind]
) -> list[dict[str, FactValue]]:
    """Facts of each row; an empty value is an absent fact.

    Args:
        rows: Raw values by fact name.
        repairs: One set for each row, told what had to be done to its texts.
        known: Kinds that are settled already, by the catalogue which the rows will join.
    """
    facts: list[dict[str, FactValue]] = [{} for _ in rows]
    for name in dict.fromkeys(name for row in rows for name in row):
        _fill_column(name, rows, repairs, facts, known.get(name))
    return facts


def _fill_column(
    name: str,
    rows: Sequence[Mapping[str, object]],
    repairs: Sequence[set[str]],
    facts: Sequence[dict[str, FactValue]],
    known: FieldKind | None,
) -> None:
    filled = {n: _cell(row[name], repairs[n]) for n, row in enumerate(rows) if not is_missing(row.get(name))}
    filled = {n: cell for n, cell in filled.items() if cell not in {"", ()}}
    by_comma = name.casefold() in _LIST_NAMES and _mostly_by_comma(filled.values())
    kind: FieldKind = known or ("list" if by_comma else column_kind(list(filled.values())))
    for n, cell in filled.items():
        if not _suits(cell, kind):
            repairs[n].add(f"{name} left out: it is no {kind}")
            continue
        value = _fact(cell, kind, by_comma=by_comma)
        if value != ():
            facts[n][name] = value


Cell = str | bool | int | float | tuple[str, ...]


def column_kind(cells: Sequence[Cell]) -> FieldKind:
    """The one kind that fits every value of a column."""
    if cells and all(_is_number(cell) for cell in cells):
        return "number"
    if cells and all(str(cell).lower() in {"true", "false"} for cell in cells):
        return "flag"
    if any(isinstance(cell, tuple) or (isinstance(cell, str) and "|" in cell) for cell in cells):
        return "list"
    return "text"


def _cell(value: object, repairs: set[str]) -> Cell:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return _words(value, repairs)
    text = read_text(value, repairs)
    literal = _literal_list(text)
    return text if literal is None else _words(literal, repairs)


def _words(values: Iterable[object], repairs: set[str]) -> tuple[str, ...]:
    words = (read_text(value, repairs) for value in values)
    return tuple(dict.fromkeys(word for word in words if word))


def _literal_list(text: str) -> list[object] | None:
    """The list that `text` writes in JSON or Python, or None."""
    if not (text.startswith("[") and text.endswith("]")) or len(text) > _MAX_LITERAL_CHARS:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list) and not any(isinstance(part, (list, dict, tuple, set)) for part in value):
            return value
    return None


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return parse_number(cell) is not None and not _LEADING_ZERO.match(cell)
    return isinstance(cell, (int, float)) and not isinstance(cell, bool) and abs(cell) <= _MAX_NUMBER


def _suits(cell: Cell, kind: FieldKind) -> bool:
    if kind == "number":
        return _is_number(cell)
    return kind != "flag" or str(cell).lower() in {"true", "false"}


def _mostly_by_comma(cells: Iterable[Cell]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    return any("," in text for text in texts) and 2 * sum("," in text or "|" in text for text in texts) > len(texts)


def _fact(cell: Cell, kind: FieldKind, *, by_comma: bool) -> FactValue:
    if kind == "number":
        number = parse_number(str(cell))
        return cell if number is None else number
    if kind == "flag":
        return str(cell).lower() == "true"
    if kind == "list":
        return cell if _is_words(cell) else _split(str(cell), by_comma=by_comma)
    return str(cell)


def _is_words(cell: Cell) -> TypeGuard[tuple[str, ...]]:
    return isinstance(cell, tuple)


def _split(text: str, *, by_comma: bool) -> tuple[str, ...]:
    words = (word.strip() for word in re.split(r"[|,]" if by_comma else r"\|", text))
    return tuple(dict.fromkeys(word for word in words if word))
