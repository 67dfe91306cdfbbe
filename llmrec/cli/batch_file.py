"""A JSON Lines file of one line for each user that grows line by line, and the record beside it of how it was made."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from llmrec.errors import ConfigError, DataError
from llmrec.evaluation.targets import require_place

Record = Mapping[str, object]
"""How a file is made, flat and as JSON values: what is equal in two runs lets one go on with the other's file."""

_SUFFIXES = (".jsonl", ".ndjson")
_ANOTHER = "Name another --out, or delete this one to begin anew."


@dataclass(frozen=True, slots=True)
class BatchFile:
    """The file and its record, `NAME.run.json` beside it."""

    path: Path

    @property
    def record_path(self) -> Path:
        """Where the record is kept."""
        return self.path.with_name(f"{self.path.name}.run.json")

    def require_writable(self) -> None:
        """Raise ConfigError, before any work, where the file cannot be written or is somebody else's."""
        if self.path.is_dir():
            raise ConfigError(f"--out {self.path} is a directory; name a file.")
        if self.path.suffix.lower() not in _SUFFIXES:
            raise ConfigError(f"--out {self.path} will be JSON Lines; give it a name that ends in .jsonl.")
        require_place(self.path.parent, "recommendations")
        if self._has_lines and not self.record_path.is_file():
            raise ConfigError(
                f"{self.path} is there already and has no {self.record_path.name} to say how it was made.",
                hint=_ANOTHER,
            )
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise ConfigError(f"{self.path} may not be written.", hint="Name another --out.")

    def resume(self, record: Record, users: Sequence[str]) -> int:
        """How many of `users` are done; what was cut off is dropped, and `record` is kept beside the file.

        Raises:
            ConfigError: The file was made otherwise than `record` says, or for other users.
        """
        record = json.loads(json.dumps(record))
        if self._has_lines:
            self._require_same(record)
            done = self._done()
            _require_beginning(done, users, self.path)
            return len(done)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.record_path.with_name(f"{self.record_path.name}.partial")
        partial.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        partial.replace(self.record_path)
        return 0

    @contextmanager
    def appending(self) -> Iterator[BatchWriter]:
        """Writes lines at the end; each is there, whole, when the call returns. Raises DataError."""
        # Without a buffer nothing of a line can be left for the moment when the file is closed.
        try:
            file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror or error}.") from error
        with file:
            yield BatchWriter(file, self.path)

    @property
    def _has_lines(self) -> bool:
        return self.path.is_file() and self.path.stat().st_size > 0

    def _require_same(self, record: Record) -> None:
        try:
            before = json.loads(self.record_path.read_bytes())
            keys = [*record, *(key for key in before if key not in record)]
            other = next((key for key in keys if before.get(key) != record.get(key)), None)
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise ConfigError(f"{self.record_path} cannot be read as a record of a run.", hint=_ANOTHER) from error
        if other is not None:
            was, now = (json.dumps(values.get(other), ensure_ascii=False) for values in (before, record))
            raise ConfigError(f"{self.path} was made with {other} {was}, and this run has {now}.", hint=_ANOTHER)

    def _done(self) -> Sequence[str]:
        """The users of the whole lines; a last line without its end goes."""
        done: list[str] = []
        with self.path.open("rb+") as file:
            end = 0
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    file.truncate(end)
                    break
                done.append(self._user_of(line, number))
                end += len(line)
        return done

    def _user_of(self, line: bytes, number: int) -> str:
        try:
            return str(json.loads(line)["user_id"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(f"line {number} of {self.path} is no recommendation.", hint=_ANOTHER) from error


@dataclass(frozen=True, slots=True)
class BatchWriter:
    """Adds lines to an open file."""

    file: FileIO
    path: Path

    def add(self, values: Mapping[str, object]) -> None:
        """One line, whole or not at all. Raises DataError when there is no room."""
        line = json.dumps(values, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        start = os.fstat(self.file.fileno()).st_size
        try:
            if self.file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.file.truncate(start)
            raise DataError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                hint="Make room and run the same command again: it goes on from there.",
            ) from error


def _require_beginning(done: Sequence[str], users: Sequence[str], path: Path) -> None:
    for number, user_id in enumerate(done, start=1):
        wanted = users[number - 1] if number <= len(users) else None
        if user_id != wanted:
            instead = f"user {wanted!r}" if wanted is not None else "anybody named"
            raise ConfigError(
                f"{path} was made for other users: its line {number} is of user {user_id!r}, not of {instead}.",
                hint=_ANOTHER,
            )
