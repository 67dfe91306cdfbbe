"""Opening table files safely: suffix, compression, size, encoding; every fault of a whole file is one sentence."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from llmrec.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 4 << 30
MAX_LINE_CHARS = 8 << 20
_SAMPLE_BYTES = 8192


class _Bytes(io.RawIOBase):
    """A readable stream out of one function."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)


def bare_suffix(path: Path) -> str:
    """The suffix that tells the format, lower case, `.gz` not counted: `.csv` for `items.csv.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def check_file(path: Path) -> None:
    """Raise DataError unless `path` is a file with something in it."""
    if path.is_dir():
        raise DataError(f"{path} is a directory; a table file is needed.")
    if not path.exists():
        raise DataError(f"there is no file {path}.", hint="Check the path.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty.")


@contextmanager
def open_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked when its name ends in `.gz`. Raises DataError, also while reading."""
    check_file(path)
    try:
        raw = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}.") from error
    with raw:
        if path.suffix.lower() != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield _capped(unpacked, path, max_bytes)


@contextmanager
def open_text(path: Path, *, encoding: str | None = None, max_bytes: int = MAX_BYTES) -> Iterator[TextIO]:
    """The file's text with line ends as they are, without a byte order mark.

    Args:
        path: The file; `.gz` is unpacked.
        encoding: None for UTF-8, or UTF-16 where the file begins with its mark.
        max_bytes: Largest size after unpacking.

    Raises:
        DataError: The file is missing, empty, a directory, binary or damaged.
    """
    with open_bytes(path, max_bytes=max_bytes) as stream:
        head = stream.read(_SAMPLE_BYTES)
        if not head:
            raise DataError(f"{path} is empty.")
        known = _encoding(head, encoding, path)
        if not known.startswith("utf-16"):
            _check_not_binary(head, path)
        # The sample has to be read again, and an unpacked stream cannot seek.
        text = io.TextIOWrapper(_rewound(head, stream), encoding=known, newline="")
        try:
            yield text
        finally:
            text.detach()


def read_lines(text: TextIO, path: Path) -> Iterator[str]:
    """Lines with their ends, each cut at `MAX_LINE_CHARS`. Raises DataError that names the byte it cannot decode."""
    read = text.readline
    try:
        while line := read(MAX_LINE_CHARS):
            if len(line) == MAX_LINE_CHARS and line[-1] not in "\r\n":
                _skip_line(text)
            yield line
    except UnicodeDecodeError as error:
        place = _first_bad_byte(path, error.encoding)
        raise DataError(
            f"{path} is not {error.encoding.upper()}: byte {place:,} cannot be decoded.",
            hint="Save it as UTF-8.",
        ) from error


def _skip_line(text: TextIO) -> None:
    while (rest := text.readline(MAX_LINE_CHARS)) and rest[-1] not in "\r\n":
        pass


def _capped(stream: gzip.GzipFile, path: Path, max_bytes: int) -> io.BufferedReader:
    left = max_bytes

    def read(size: int) -> bytes:
        nonlocal left
        try:
            data = stream.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path} is not a whole gzip file ({error}).", hint="Copy or fetch it again.") from error
        left -= len(data)
        if left < 0:
            raise DataError(
                f"{path} unpacks to more than {max_bytes:,} bytes.", hint="Raise max_bytes if that is right."
            )
        return data

    return io.BufferedReader(_Bytes(read), 1 << 16)


def _rewound(head: bytes, stream: BinaryIO) -> io.BufferedReader:
    rest = head

    def read(size: int) -> bytes:
        nonlocal rest
        data, rest = rest[:size], rest[size:]
        return data or stream.read(size)

    return io.BufferedReader(_Bytes(read), 1 << 16)


def _encoding(head: bytes, asked: str | None, path: Path) -> str:
    if asked is None:
        return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        name = codecs.lookup(asked).name
    except LookupError as error:
        raise DataError(f"{path}: there is no encoding {asked!r}.", hint="Try utf-8 or latin-1.") from error
    return "utf-8-sig" if name == "utf-8" else name


def _check_not_binary(head: bytes, path: Path) -> None:
    nuls = head.count(0)
    # One stray NUL far down is a fault of its row; in the first line, or many, it is another kind of file.
    if nuls and (0 in head.split(b"\n", 1)[0] or nuls * 10 > len(head) or not _is_utf8(head)):
        raise DataError(f"{path} is a binary file, not a table of text.", hint="Export it as CSV, JSONL or Parquet.")


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _first_bad_byte(path: Path, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with open_bytes(path) as stream:
        while True:
            chunk = stream.read(1 << 16)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return done - pending + error.start
            done += len(chunk)
            if not chunk:
                return done
