"""Finished trials of a search on disk: one JSON line each, beside the values of every user; a cut run loses none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmrec.errors import ArtifactError
from llmrec.evaluation.estimates import PerUser

TRIALS_FILE, VALUES_DIRECTORY = "trials.jsonl", "values"
_ANOTHER = "Name another directory."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial reached.

    Attributes:
        values: Of the metric, float64 [n_tested], users in the order of the tasks.
        seconds: Of fitting and scoring.
        commit: Of the code that measured it.
    """

    values: PerUser
    seconds: float
    commit: str

    @property
    def mean(self) -> float:
        """Over users."""
        return float(self.values.mean())


class TrialLog:
    """Outcomes by key in a directory; what is added once is found by whoever opens the directory later."""

    def __init__(self, directory: Path) -> None:
        """Open or make `directory`. Raises ArtifactError when it cannot be, or holds something else."""
        self.directory = directory
        self._file = directory / TRIALS_FILE
        self._values = directory / VALUES_DIRECTORY
        if directory.is_dir() and any(directory.iterdir()) and not self._values.is_dir():
            raise ArtifactError(f"trials cannot be kept in {directory}: it holds other files.", hint=_ANOTHER)
        try:
            self._values.mkdir(parents=True, exist_ok=True)
            text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        except (OSError, ValueError) as error:
            raise ArtifactError(f"trials cannot be kept in {directory}: {error}.", hint=_ANOTHER) from error
        # A run that was killed may have left half a line; the next one must not be glued to it.
        self._is_cut = bool(text) and not text.endswith("\n")
        self._lines = dict(filter(None, map(_parsed, text.split("\n"))))

    def __len__(self) -> int:
        """How many trials are kept."""
        return len(self._lines)

    def find(self, key: str) -> Outcome | None:
        """The outcome kept under `key`; None when there is none, or when it is not whole."""
        line = self._lines.get(key)
        try:
            values = np.load(self._values / f"{key}.npy", allow_pickle=False) if line else None
        except (OSError, ValueError, EOFError):
            return None
        if line is None or values is None or values.ndim != 1 or values.dtype != np.float64:
            return None
        return Outcome(values, line.seconds, line.commit)

    def add(self, key: str, outcome: Outcome, about: Mapping[str, object]) -> None:
        """Keep `outcome`; its line also says what it is `about`. The line comes last: where it stands, all is there."""
        path = self._values / f"{key}.npy"
        with path.with_suffix(".tmp").open("wb") as file:
            np.save(file, outcome.values, allow_pickle=False)
        os.replace(path.with_suffix(".tmp"), path)
        line = {"key": key, **about, "mean": outcome.mean, "seconds": outcome.seconds, "commit": outcome.commit}
        with self._file.open("a", encoding="utf-8") as file:
            file.write("\n" * self._is_cut + json.dumps(line) + "\n")
        self._is_cut = False
        self._lines[key] = _Line(outcome.seconds, outcome.commit)


def key_of(about: Mapping[str, object]) -> str:
    """sha256 of what a trial is about, in 32 digits."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line says beside what its values and its key tell."""

    seconds: float
    commit: str


def _parsed(text: str) -> tuple[str, _Line] | None:
    try:
        line = json.loads(text)
        return str(line["key"]), _Line(float(line["seconds"]), str(line["commit"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
