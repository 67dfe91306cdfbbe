"""Where results and reports may go: a new or empty directory, or one of an earlier run; never among other files."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from llmrec.bundle import is_bundle
from llmrec.errors import ConfigError
from llmrec.evaluation.results import METRICS_FILE, PER_USER_FILE, REPORT_FILE, RESULT_FILE

# Of each the record that tells whose it is stands first.
_RESULT, _REPORT = (RESULT_FILE, PER_USER_FILE), (METRICS_FILE, REPORT_FILE)
_OF_A_RECORD = {"protocol", "split_sha256", "stages"}


def require_result_directory(directory: Path) -> None:
    """Raise ConfigError, before anything is computed, when `Evaluation.save` may not or cannot write there."""
    _require(directory, "result", _RESULT)


def require_report_directory(directory: Path) -> None:
    """Raise ConfigError, before anything is computed, when `write_report` may not or cannot write there."""
    _require(directory, "report", _REPORT)


def require_place(directory: Path, what: str) -> None:
    """Raise ConfigError when no file can be made in `directory`, be it there or not; `what` names the kind of file."""
    existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ConfigError(f"no {what} can be written to {directory}: {existing} is a file; name a directory.")
    try:
        with TemporaryDirectory(dir=existing):  # rights alone do not tell of file systems that are full or read-only
            pass
    except OSError as error:
        raise ConfigError(
            f"no {what} can be written to {directory}: {error.strerror or error} in {existing}; name another directory."
        ) from error


def _require(directory: Path, what: str, names: tuple[str, str]) -> None:
    require_place(directory, what)
    if not directory.exists() or not any(directory.iterdir()):
        return
    if is_bundle(directory):
        raise ConfigError(f"{directory} is a recommender directory; name another one for the {what}.")
    if not _is_of_a_run(directory, names):
        raise ConfigError(
            f"{directory} holds other files; name for the {what} a directory that is new, empty or of an earlier run."
        )


def _is_of_a_run(directory: Path, names: tuple[str, str]) -> bool:
    """Whether a result or a report lies there, and what has the names of this one is of a run, too."""
    own, *_ = names
    if any((directory / name).exists() for name in names):
        return _is_record(directory / own)
    return any(_is_record(directory / record) for record, _ in (_RESULT, _REPORT))


def _is_record(path: Path) -> bool:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.keys() >= _OF_A_RECORD
