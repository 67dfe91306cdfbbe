"""Rows of a table, from a file or from memory, as text or typed values and never guessed at."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from llmrec.data.delimited import OnFault, read_delimited
from llmrec.data.json_lines import read_json_lines
from llmrec.data.table_files import MAX_BYTES, bare_suffix, check_file, open_bytes, open_text, read_lines
from llmrec.errors import DataError

Row = dict[str, object]
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".pq")
_BATCH_ROWS = 10_000
_PEEKED_ROWS = 1000


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that hands over Arrow data: a pyarrow Table, a pandas or polars DataFrame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A PyCapsule with the stream."""
        ...


TableSource = str | Path | Mapping[str, Sequence[object]] | Iterable[Mapping[str, object]] | ArrowStream


@dataclass(frozen=True, slots=True)
class Table:
    """An open table.

    Attributes:
        columns: Its column names; for rows given one by one, those of the first rows.
        rows: Number of the row as a person counts (a CSV's header is line 1, other rows count from 1) and its values.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Row]]


def read_rows(
    source: TableSource,
    *,
    on_fault: OnFault | None = None,
    encoding: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[tuple[int, Row]]:
    """Rows of `source` with their numbers; see `open_table`."""
    with open_table(source, on_fault=on_fault, encoding=encoding, max_bytes=max_bytes) as table:
        yield from table.rows


@contextmanager
def open_table(
    source: TableSource,
    *,
    on_fault: OnFault | None = None,
    encoding: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Table]:
    """Open a table for reading once, in a stream.

    Args:
        source: A CSV, TSV, JSONL or Parquet file (each also `.gz`), rows as mappings, a mapping of columns, or a
            data frame. Values of CSV stay the strings they are; missing values of frames are None.
        on_fault: Told row number, reason and raw text of each row that cannot be read; without it such a row raises.
        encoding: Of a text file; None for UTF-8.
        max_bytes: Largest size of a compressed file once unpacked.

    Raises:
        DataError: The source as a whole cannot be read; also while its rows are read.
    """
    tell = on_fault or _raise_fault
    if isinstance(source, (str, Path)):
        with _open_file(Path(source), tell, encoding, max_bytes) as table:
            yield table
    else:
        table = _open_memory(source)
        yield Table(table.columns, _sound_rows(table.rows, tell))


def source_name(source: TableSource, default: str) -> str:
    """How a report calls the source: a file's name, or `default` for what is in memory."""
    return Path(source).name if isinstance(source, (str, Path)) else default


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, or pandas' NA and NaT."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and value != value


def _raise_fault(number: int, reason: str, raw: str) -> None:
    raise DataError(f"row {number} cannot be read: {reason} ({raw[:80]!r}).")


@contextmanager
def _open_file(path: Path, tell: OnFault, encoding: str | None, max_bytes: int) -> Iterator[Table]:
    suffix = bare_suffix(path)
    if suffix not in SUFFIXES:
        check_file(path)
        raise DataError(
            f"{path} is not a table by its name: {suffix or 'no suffix'} is none of {', '.join(SUFFIXES)}.",
            hint="Rename or convert it; .gz may follow.",
        )
    if suffix in {".parquet", ".pq"}:
        with _open_parquet(path, max_bytes) as table:
            yield Table(table.columns, _sound_rows(table.rows, tell))
        return
    with open_text(path, encoding=encoding, max_bytes=max_bytes) as text:
        lines = read_lines(text, path)
        if suffix in {".jsonl", ".ndjson"}:
            yield _peeked(_sound_rows(read_json_lines(lines, on_fault=tell), tell))
        else:
            delimiter = "\t" if suffix == ".tsv" else None
            yield Table(*read_delimited(lines, name=str(path), delimiter=delimiter, on_fault=tell))


@contextmanager
def _open_parquet(path: Path, max_bytes: int) -> Iterator[Table]:
    with open_bytes(path, max_bytes=max_bytes) as stream, _seekable(path, stream) as file:
        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not a readable Parquet file.", hint="Write it again.") from error
        groups = (parquet.metadata.row_group(i) for i in range(parquet.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > max_bytes:
            raise DataError(
                f"{path} unpacks to more than {max_bytes:,} bytes.", hint="Raise max_bytes if that is right."
            )
        columns = _arrow_columns(parquet.schema_arrow, str(path))
        yield Table(columns, _arrow_rows(parquet.iter_batches(_BATCH_ROWS), str(path)))


@contextmanager
def _seekable(path: Path, stream: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix.lower() != ".gz":
        yield stream
        return
    with tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(stream, unpacked)
        unpacked.seek(0)
        yield unpacked


def _open_memory(source: Mapping[str, Sequence[object]] | Iterable[Mapping[str, object]] | ArrowStream) -> Table:
    if isinstance(source, Mapping):
        return _from_columns(source)
    if isinstance(source, ArrowStream):
        return _from_arrow(source)
    to_dict: Callable[[], Mapping[str, Mapping[object, object]]] | None = getattr(source, "to_dict", None)
    if to_dict is not None:
        return _from_frame(to_dict)
    if isinstance(source, Iterable):
        return _peeked(_numbered(source))
    raise DataError(f"a {type(source).__name__} is not a table.", hint="Give a file, a list of dicts or a data frame.")


def _from_arrow(source: ArrowStream) -> Table:
    try:
        reader = pa.RecordBatchReader.from_stream(source)
    except (pa.ArrowException, ValueError, TypeError) as error:
        # A pandas column that mixes kinds (7 and "007") has no Arrow type; its own export keeps both as they are.
        to_dict = getattr(source, "to_dict", None)
        if to_dict is None or not isinstance(error, (pa.ArrowInvalid, pa.ArrowTypeError)):
            raise DataError(f"the data frame cannot be read: {error}.") from error
        return _from_frame(to_dict)
    return Table(_arrow_columns(reader.schema, "the table"), _arrow_rows(reader, "the table"))


def _from_frame(to_dict: Callable[[], Mapping[str, Mapping[object, object]]]) -> Table:
    return _from_columns({str(name): tuple(column.values()) for name, column in to_dict().items()})


def _from_columns(columns: Mapping[str, Sequence[object]]) -> Table:
    names = tuple(str(name) for name in columns)
    single = next((name for name, column in columns.items() if isinstance(column, str)), None)
    if single is not None:
        raise DataError(f"the column {single!r} is one text, not a list of values.", hint="Put a single row in a list.")
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise DataError(f"the columns have different lengths ({sizes}).")
    values = zip(*columns.values(), strict=True)
    return Table(names, ((n, dict(zip(names, row, strict=True))) for n, row in enumerate(values, start=1)))


def _numbered(rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[int, Row]]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number} is a {type(row).__name__}, not a mapping of column names to values.")
        yield number, dict(row)


def _peeked(rows: Iterator[tuple[int, Row]]) -> Table:
    first = list(islice(rows, _PEEKED_ROWS))
    columns = dict.fromkeys(str(name) for _, row in first for name in row)
    return Table(tuple(columns), chain(first, rows))


def _arrow_columns(schema: pa.Schema, name: str) -> tuple[str, ...]:
    columns: list[str] = [str(column) for column in schema.names]
    repeated = next((column for column in columns if columns.count(column) > 1), None)
    if repeated is not None:
        raise DataError(f"{name} names the column {repeated!r} twice.", hint="Rename or remove one of them.")
    # pandas adds the index of a frame under such a name; nobody wrote it as a column.
    return tuple(column for column in columns if not column.startswith("__index_level_"))


def _arrow_rows(batches: Iterable[pa.RecordBatch], name: str) -> Iterator[tuple[int, Row]]:
    number = 0
    try:
        for batch in batches:
            names = [str(column) for column in batch.schema.names]
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, dict(zip(names, values, strict=True))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name} is damaged after row {number}: {error}.", hint="Write it again.") from error
    except (OverflowError, ValueError, LookupError) as error:
        # Times beyond year 9999 or of a zone that does not exist have no value in Python.
        raise DataError(f"{name} holds a value that cannot be read after row {number}: {error}.") from error


def _sound_rows(rows: Iterator[tuple[int, Row]], tell: OnFault) -> Iterator[tuple[int, Row]]:
    for number, row in rows:
        texts = (text for pair in row.items() for text in pair if type(text) is str)
        reason = next((fault for text in texts if (fault := _text_fault(text))), "")
        if reason:
            tell(number, reason, repr(row))
        else:
            yield number, row


def _text_fault(text: str) -> str:
    if "\0" in text:
        return "it holds a NUL character"
    # Half of a surrogate pair is no character and cannot be written to any file.
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "it holds half of a character (a lone surrogate)"
    return ""
