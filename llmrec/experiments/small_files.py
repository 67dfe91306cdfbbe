"""Small text files that are the old one or the new one at any moment."""

from __future__ import annotations

import os
from pathlib import Path

from llmrec.errors import ArtifactError


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step. Raises ArtifactError, and then the old one is untouched."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}.") from error
