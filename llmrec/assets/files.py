"""Files of an asset and the record beside them: what each should be, and whether it still is."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from llmrec.assets.progress import Advance
from llmrec.errors import AssetError

RECORD_NAME = "asset.json"
MAX_UNPINNED_BYTES = 1 << 30
_CHUNK = 1 << 20
_SAFE_NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")


class SourceFailed(AssetError):  # noqa: N818 - says what happened; the store tries the next source
    """One source could not serve what is wanted."""


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, n: int, /) -> bytes:
        """At most `n` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class AssetFile:
    """One file an asset consists of.

    Attributes:
        name: Path below the asset's directory, with forward slashes.
        sha256: The accepted hashes; empty when nobody has seen the bytes, then the first ones seen are kept to.
        size: In bytes; 0 when unknown or when it differs between the accepted forms.
        required: False for a file the asset is usable without.
    """

    name: str
    sha256: tuple[str, ...] = ()
    size: int = 0
    required: bool = True

    def __post_init__(self) -> None:
        if not _SAFE_NAME.fullmatch(self.name) or ".." in self.name.split("/"):
            raise AssetError(f"{self.name!r} is no path inside an asset.")

    @property
    def max_bytes(self) -> int:
        """More than this is never written, whatever a source sends."""
        return self.size or MAX_UNPINNED_BYTES


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What a file was when it was last hashed; an equal stamp (size, time, inode) lets the hashing be skipped."""

    sha256: str
    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Hash and measure the file at `path`."""
        before = path.stat()
        return cls(sha256_of(path), before.st_size, before.st_mtime_ns, before.st_ino)

    def has_stamp_of(self, path: Path) -> bool:
        """Whether the file looks untouched since it was hashed."""
        now = path.stat()
        return (self.size, self.mtime_ns, self.inode) == (now.st_size, now.st_mtime_ns, now.st_ino)


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """What `asset.json` says of a directory.

    Attributes:
        source: Where the bytes came from, in words.
        first_seen: Time of the first fetch, ISO 8601 in UTC.
        files: By name.
    """

    name: str
    source: str
    first_seen: str
    files: Mapping[str, FileRecord]

    def write(self, directory: Path) -> None:
        """Store it beside the files; a reader never sees half of it."""
        temporary = directory / f"{RECORD_NAME}.{os.getpid()}.partial"
        temporary.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(directory / RECORD_NAME)

    @classmethod
    def read(cls, directory: Path) -> AssetRecord | None:
        """The record in `directory`; None when it is missing or unreadable, which a new fetch repairs."""
        try:
            raw = json.loads((directory / RECORD_NAME).read_text(encoding="utf-8"))
            files = {str(name): FileRecord(**entry) for name, entry in raw.pop("files").items()}
            return cls(**raw, files=files)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_stream(source: Readable, target: Path, *, max_bytes: int, advance: Advance) -> int:
    """Write `source` to `target` and return its length. Raises SourceFailed beyond `max_bytes`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    n_written = 0
    with target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            n_written += len(chunk)
            if n_written > max_bytes:
                raise SourceFailed(f"{target.name} is larger than the {max_bytes:,} bytes it may have")
            sink.write(chunk)
            advance(len(chunk))
    return n_written


def record_files(directory: Path, files: tuple[AssetFile, ...]) -> dict[str, FileRecord]:
    """Hash what is there of `files`. Raises SourceFailed when one is missing or is not what was pinned."""
    records = {}
    for file in files:
        path = directory / file.name
        if not path.is_file():
            if file.required:
                raise SourceFailed(f"{file.name} is missing")
            continue
        # The size is looked at first: a half-downloaded file is not worth hashing.
        if file.size and path.stat().st_size != file.size:
            raise SourceFailed(f"{file.name} has {path.stat().st_size:,} bytes instead of {file.size:,}")
        records[file.name] = FileRecord.of(path)
        if file.sha256 and records[file.name].sha256 not in file.sha256:
            raise SourceFailed(f"{file.name} has sha256 {records[file.name].sha256} instead of {file.sha256[0]}")
    return records


def recheck(directory: Path, record: AssetRecord, *, thorough: bool) -> tuple[AssetRecord, tuple[str, ...]]:
    """The record with fresh stamps, and what is wrong (no sentence when all is well).

    Args:
        directory: Where the files are.
        record: What they should be.
        thorough: Hash every file; otherwise only those whose stamp has changed.
    """
    fresh, faults = {}, []
    for name, known in record.files.items():
        path = directory / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != known.size:
            faults.append(f"{name} has {path.stat().st_size:,} bytes instead of {known.size:,}")
        elif not thorough and known.has_stamp_of(path):
            fresh[name] = known
        elif (found := FileRecord.of(path)).sha256 == known.sha256:
            fresh[name] = found
        else:
            faults.append(f"{name} has other bytes than were recorded")
    return (record if faults else replace(record, files=fresh)), tuple(faults)
