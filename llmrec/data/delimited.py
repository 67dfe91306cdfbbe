"""CSV and TSV records, read strictly: a broken record is one faulty row, never the loss of those after it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from llmrec.data.table_files import MAX_LINE_CHARS
from llmrec.errors import DataError

OnFault = Callable[[int, str, str], None]
MAX_FIELD_CHARS = 1 << 20
_DELIMITERS = (",", ";", "\t")


class RecordError(ValueError):
    """A record breaks the rules of CSV; the message is the reason."""


def read_delimited(
    lines: Iterator[str], *, name: str, delimiter: str | None, on_fault: OnFault
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, object]]]]:
    """Column names, and rows with the number of the line they begin in (the header's is 1).

    Args:
        lines: Lines of the file with their ends.
        name: The file, for messages.
        delimiter: None to choose comma, semicolon or tab by the header line.
        on_fault: Told line number, reason and text of each row that cannot be read.

    Raises:
        DataError: There is no header, or it names a column twice.
    """
    number, first = _first_line(lines)
    known = delimiter or _sniff(first)
    records = split_records(chain([first], lines), known, first_number=number, on_fault=on_fault)
    header_number, header = next(records, (0 if first else number, []))
    if header_number != number:
        raise DataError(f"{name} has a header line that cannot be read.", hint="Check its quotes.")
    columns = _check_header([column.strip() for column in header], name)
    return columns, _rows(records, columns, on_fault)


def split_records(
    lines: Iterator[str], delimiter: str, *, first_number: int = 1, on_fault: OnFault
) -> Iterator[tuple[int, list[str]]]:
    """Fields of each record and the number of its first line; blank lines are no records.

    A quote counts only where a field begins. A quote that is never closed costs its own line and no other.
    """
    queue: deque[str] = deque()
    number = first_number - 1
    while line := (queue.popleft() if queue else next(lines, "")):
        number += 1
        try:
            if '"' in line:
                fields, n_lines = _quoted_record(line, queue, lines, delimiter)
            else:
                fields, n_lines = line.rstrip("\r\n").split(delimiter), 1
            if len(line) > MAX_FIELD_CHARS or n_lines > 1:
                _check_lengths(fields)
        except RecordError as error:
            on_fault(number, str(error), line)
            continue
        if "\0" in line:
            on_fault(number, "it holds a NUL character", line)
        elif fields != [""]:
            yield number, fields
        number += n_lines - 1


def parse_record(text: str, delimiter: str) -> list[str] | None:
    """Fields of one record without its line end; None when a quote is still open. Raises RecordError."""
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            quoted = _quoted_field(text, at)
            if quoted is None:
                return None
            value, at = quoted
            if at < len(text) and text[at] != delimiter:
                raise RecordError("text follows a closing quote")
        else:
            stop = text.find(delimiter, at)
            stop = len(text) if stop < 0 else stop
            value, at = text[at:stop], stop
        fields.append(value)
        if at >= len(text):
            return fields
        at += 1


def _quoted_field(text: str, at: int) -> tuple[str, int] | None:
    pieces: list[str] = []
    at += 1
    while (close := text.find('"', at)) >= 0:
        pieces.append(text[at:close])
        if not text.startswith('"', close + 1):
            return "".join(pieces), close + 1
        pieces.append('"')
        at = close + 2
    return None


def _quoted_record(line: str, queue: deque[str], lines: Iterator[str], delimiter: str) -> tuple[list[str], int]:
    """Fields and number of lines; on a fault all lines but the first go back to `queue`, to be read as records."""
    taken = [line]
    n_chars = len(line)
    try:
        fields = parse_record(line.rstrip("\r\n"), delimiter)
        while fields is None:
            following = queue.popleft() if queue else next(lines, "")
            if not following or n_chars > MAX_LINE_CHARS:
                taken.append(following)
                raise RecordError("a quote is opened and never closed")
            taken.append(following)
            n_chars += len(following)
            # Inside quotes an even number of them leaves the field open, so there is nothing to parse yet.
            if following.count('"') % 2:
                fields = parse_record("".join(taken).rstrip("\r\n"), delimiter)
    except RecordError:
        queue.extendleft(text for text in reversed(taken[1:]) if text)
        raise
    if any("\0" in text for text in taken[1:]):
        raise RecordError("it holds a NUL character")
    return fields, len(taken)


def _check_lengths(fields: Sequence[str]) -> None:
    if any(len(field) > MAX_FIELD_CHARS for field in fields):
        raise RecordError(f"a field is longer than {MAX_FIELD_CHARS:,} characters")


def _rows(
    records: Iterator[tuple[int, list[str]]], columns: tuple[str, ...], on_fault: OnFault
) -> Iterator[tuple[int, dict[str, object]]]:
    n_columns = len(columns)
    for number, fields in records:
        if len(fields) == n_columns:
            yield number, dict(zip(columns, fields, strict=True))
        else:
            on_fault(number, f"it has {len(fields)} fields where the header has {n_columns}", ",".join(fields))


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            return number, line
    return 1, ""


def _sniff(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _check_header(columns: list[str], name: str) -> tuple[str, ...]:
    if not any(any(c.isalpha() for c in column) for column in columns):
        raise DataError(f"{name} has no header line.", hint="Name the columns in the first line.")
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise DataError(f"{name} names the column {repeated[0]!r} twice.", hint="Rename or remove one of them.")
    return tuple(columns)
