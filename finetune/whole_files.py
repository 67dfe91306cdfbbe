"""Files and directories of a training that are there whole or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from llmrec import whole_files


def whole_or_absent(place: Path) -> AbstractContextManager[None]:
    """Within, `place` is written; if that fails it is removed. Raises ArtifactError that says why."""
    return whole_files.whole_or_absent(place, hint="Make room and go on with --resume.")
