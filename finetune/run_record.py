"""What a run began with, so that checkpoints of one are never gone on with in another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from llmrec.errors import ConfigError


def require_same_run(noted: Path, run: Mapping[str, object], *, options: str) -> None:
    """Write down what a run begins with, or compare it with what is written.

    Args:
        noted: The file, in the directory of the run's checkpoints.
        run: Hashes and configuration as JSON values.
        options: Which options choose another place, for the hint.

    Raises:
        ConfigError: The checkpoints are of another run; names what changed.
    """
    if not noted.is_file():
        noted.parent.mkdir(parents=True, exist_ok=True)
        noted.write_text(json.dumps(run, indent=1), encoding="utf-8")
    before = json.loads(noted.read_text(encoding="utf-8"))
    changed = [key for key, value in run.items() if before.get(key) != value]
    if changed:
        raise ConfigError(
            f"the checkpoints in {noted.parent} are of another run: {', '.join(changed)} changed.",
            hint=f"Resume with what it began with, or choose another {options}.",
        )
