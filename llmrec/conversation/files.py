"""The files of a conversation data set: rows to predict, and the catalogue they are predicted from; gz or plain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from llmrec.data.catalogue import Catalogue
from llmrec.data.json_lines import read_json_lines
from llmrec.data.table_files import open_text, read_lines
from llmrec.data.titles import split_year
from llmrec.errors import DataError
from llmrec.types import FactValue, Item, ItemId

_NAME, _DESCRIPTION = "name", "plot"
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Row:
    """One turn of a conversation at which something was recommended.

    Attributes:
        dialogue: Which conversation; rows of one are drawn, and held out, together.
        context: What was said before, oldest first; the last turn is the user's. A turn may be empty.
        gold: Names of what was recommended next.
        mentioned: Names that were spoken of before; None where the file does not tell, and the text has to.
    """

    dialogue: str
    context: tuple[str, ...]
    gold: tuple[str, ...]
    mentioned: tuple[str, ...] | None = None


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Objects of a JSON Lines file with their line number. Raises DataError that names the first faulty line."""

    def stop(number: int, reason: str, raw: str) -> NoReturn:
        raise DataError(f"line {number} of {path} cannot be read: {reason} ({raw[:_SHOWN_CHARS]!r}).")

    with open_text(path) as text:
        yield from read_json_lines(read_lines(text, path), on_fault=stop)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Rows `{"context": [str], "rec": [name], ...}`, one a line.

    `dialog_id` says which conversation a row is of; without it, a row whose context begins with that of the row before
    goes on with its conversation. `entity` names what was spoken of.

    Raises:
        DataError: The file cannot be read, a line is not such a row, or there is none.
    """
    rows: list[Row] = []
    for number, record in json_rows(path):
        context, gold = (_texts(record.get(name), f'"{name}"', number, path) for name in ("context", "rec"))
        if not gold:
            raise DataError(f'line {number} of {path} has an empty "rec"; name at least one item.')
        mentioned = record.get("entity")
        rows.append(
            Row(
                dialogue=_dialogue(record, context, rows, number),
                context=context,
                gold=tuple(dict.fromkeys(gold)),
                mentioned=None if mentioned is None else _texts(mentioned, '"entity"', number, path),
            )
        )
    if not rows:
        raise DataError(f"{path} holds no rows.")
    return tuple(rows)


def read_items(path: Path) -> Catalogue:
    """Items `{id: {"name": str, "plot": str, fact: str or [str], ...}}`, one JSON object.

    Raises:
        DataError: The file cannot be read, or an item has no name.
    """
    with open_text(path) as text:
        content = "".join(read_lines(text, path))
    try:
        records = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}).") from error
    if not isinstance(records, dict) or not records:
        raise DataError(f'{path} must hold one object with items by id, {{id: {{"name": ...}}}}.')
    return Catalogue(_item(item_id, record, path) for item_id, record in records.items())


def _dialogue(record: Mapping[str, object], context: Sequence[str], before: Sequence[Row], number: int) -> str:
    given = record.get("dialog_id")
    if given is not None:
        return str(given)
    goes_on = bool(before) and len(context) > len(before[-1].context) > 0
    if goes_on and tuple(context[: len(before[-1].context)]) == before[-1].context:
        return before[-1].dialogue
    return f"line {number}"


def _texts(value: object, what: str, number: int, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        shown = json.dumps(value, ensure_ascii=False)[:_SHOWN_CHARS]
        raise DataError(f"line {number} of {path} has {shown} as {what}; a list of texts is needed.")
    return tuple(value)


def _item(item_id: str, record: object, path: Path) -> Item:
    name = record.get(_NAME) if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(name, str) or not name.strip():
        raise DataError(f'item {item_id!r} of {path} has no "{_NAME}".')
    facts = {key: fact for key, value in record.items() if (fact := _fact(value)) and key not in {_NAME, _DESCRIPTION}}
    year = split_year(name)[1]
    description = record.get(_DESCRIPTION)
    return Item(
        ItemId(item_id),
        name,
        {**facts, "year": year} if year else facts,
        description if isinstance(description, str) else "",
    )


def _fact(value: object) -> FactValue | None:
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return value if isinstance(value, (str, int, float)) else None
