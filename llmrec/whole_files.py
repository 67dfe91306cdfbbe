"""Files and directories that are there whole or not at all, also when the disk is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from llmrec.errors import ArtifactError

_TOO_LITTLE = 1 << 20  # bytes; some libraries do not say why they could not write


@contextmanager
def whole_or_absent(place: Path, *, hint: str = "Make room and run the command again.") -> Iterator[None]:
    """Within, `place` is written; if that fails it is removed. Raises ArtifactError that says why, and `hint`."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        _remove(place)
        raise ArtifactError(_sentence(place, error), hint=hint) from error


def write_whole(path: Path, text: str) -> None:
    """Replace the file by `text` in one step. Raises ArtifactError, and then the old one is untouched."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ArtifactError(_sentence(path, error)) from error


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _sentence(place: Path, error: BaseException) -> str:
    return f"{place} cannot be written: {_reason(error, place.parent)}; what was there before is untouched."


def _reason(error: BaseException, directory: Path) -> str:
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if is_full or shutil.disk_usage(directory).free < _TOO_LITTLE:
        return "the disk is full"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
