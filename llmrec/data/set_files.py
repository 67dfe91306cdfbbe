"""Finding and opening the files of a named data set: plain, gzipped or zipped, in the encoding they came in."""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from llmrec.data.delimited import split_records
from llmrec.data.table_files import MAX_BYTES, open_bytes
from llmrec.data.tables import Row
from llmrec.errors import DataError

_PACKINGS = ("", ".gz", ".zip")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class RawRows:
    """A data set as rows in our names, not yet checked."""

    items: Iterable[Row]
    interactions: Iterable[Row]


def find(directory: Path, file: str) -> Path:
    """The file in `directory`, as it is or packed. Raises DataError."""
    path = find_optional(directory, file)
    if path is None:
        raise DataError(f"{directory} has no file {file} (nor {file}.gz or {file}.zip).")
    return path


def find_optional(directory: Path, file: str) -> Path | None:
    """The file in `directory`, as it is or packed, or None."""
    paths = (directory / f"{file}{packing}" for packing in _PACKINGS)
    return next((path for path in paths if path.is_file()), None)


def first_layout(directory: Path, layouts: Mapping[str, Sequence[str]]) -> str:
    """The first layout whose files are all there. Raises DataError that names the missing file and every layout."""
    missing = {name: [f for f in files if find_optional(directory, f) is None] for name, files in layouts.items()}
    # The layout that lacks least is the one that was meant.
    best = min(missing, key=lambda name: len(missing[name]))
    if not missing[best]:
        return best
    known = "; ".join(f"{name}: {', '.join(files)}" for name, files in layouts.items())
    raise DataError(
        f"{directory} has no file {missing[best][0]}.", hint=f"Known layouts: {known} (each may be packed)."
    )


def read_text_file(path: Path) -> str:
    """The whole text: UTF-8, or Latin-1 for the older sets. Raises DataError."""
    with _opened(path) as stream:
        data = stream.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def records(path: Path, delimiter: str, n_fields: int | None, *, skip: int = 0) -> Iterator[list[str]]:
    """Fields of each line after the first `skip`, read as they are asked for; quotes count only between commas.

    Raises:
        DataError: A line has not `n_fields` fields; None takes any number.
    """
    lines = _lines(path)
    split = _by_comma(lines, path) if delimiter == "," else _by_text(lines, delimiter)
    for number, fields in split:
        if number <= skip:
            continue
        if n_fields is not None and len(fields) != n_fields:
            raise DataError(f"line {number} of {path} has {len(fields)} fields; {n_fields} are expected.")
        yield fields


def _by_comma(lines: Iterator[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    def stop(number: int, reason: str, raw: str) -> None:
        raise DataError(f"line {number} of {path} cannot be read: {reason} ({raw[:80]!r}).")

    return split_records(lines, ",", on_fault=stop)


def _by_text(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n").split(delimiter)


def _lines(path: Path) -> Iterator[str]:
    """Lines with their ends, one at a time: the largest sets do not fit into memory as text."""
    encoding = _encoding(path)
    with _opened(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="\n") as text:
        yield from text


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with _opened(path) as stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked. Raises DataError, also while reading."""
    if path.suffix != ".zip":
        with open_bytes(path) as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path)) as stream:
            yield stream
    except zipfile.BadZipFile as error:
        raise _no_archive(path) from error


def _member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    member = next((info for info in archive.infolist() if Path(info.filename).name == path.stem), None)
    if member is None:
        raise _no_archive(path)
    if member.file_size > MAX_BYTES:
        raise DataError(f"{path} unpacks to more than {MAX_BYTES:,} bytes.")
    return member


def _no_archive(path: Path) -> DataError:
    return DataError(f"{path} is not a zip archive with {path.stem}.", hint="Fetch it again.")
