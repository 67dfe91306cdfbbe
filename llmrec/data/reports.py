"""What became of every row that was read: kept, repaired or rejected, and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmrec.errors import DataError

Progress = Callable[[int], None]
MAX_RAW_CHARS = 500
_PROGRESS_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that was rejected.

    Attributes:
        source: File name, or what the table was called.
        row: Its number as a person counts (a CSV's header is line 1, other rows count from 1).
        raw: The row's text, cut at 500 characters.
    """

    source: str
    row: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Counts of one table; `kept + repaired + rejected == read`.

    Attributes:
        kept: Rows taken as they were.
        repaired: Rows taken after at least one repair.
        repairs: How often each repair was made.
    """

    source: str
    read: int
    kept: int
    repaired: int
    rejected: int
    problems: tuple[RowProblem, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)


class Tally:
    """Counts rows while a table is read; `report` closes the account."""

    def __init__(self, source: str, progress: Progress | None = None) -> None:
        """Count for `source`; `progress` is told the number of rows read, every ten thousand and at the end."""
        self._source, self._progress = source, progress
        self._read = self._repaired = 0
        self._problems: list[RowProblem] = []
        self._repairs: Counter[str] = Counter()

    def accept(self, repairs: Iterable[str] = ()) -> None:
        """One row was taken, after these repairs."""
        if repairs:
            self._repaired += 1
            self._repairs.update(repairs)
        self._count()

    def reject(self, row: int, reason: str, raw: str) -> None:
        """One row was not taken."""
        self._problems.append(RowProblem(self._source, row, reason, raw.rstrip("\r\n")[:MAX_RAW_CHARS]))
        self._count()

    def report(self) -> IngestReport:
        """The account so far."""
        if self._progress:
            self._progress(self._read)
        n_rejected = len(self._problems)
        kept = self._read - self._repaired - n_rejected
        return IngestReport(
            source=self._source,
            read=self._read,
            kept=kept,
            repaired=self._repaired,
            rejected=n_rejected,
            problems=tuple(self._problems),
            repairs=dict(self._repairs.most_common()),
        )

    def _count(self) -> None:
        self._read += 1
        if self._progress and self._read % _PROGRESS_EVERY == 0:
            self._progress(self._read)


def write_rejects(path: Path, problems: Sequence[RowProblem]) -> None:
    """Write rejected rows as CSV `file,row,reason,raw`; no cell can start a formula in a spreadsheet.

    Raises:
        DataError: `path` cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file", "row", "reason", "raw"))
            for problem in problems:
                texts = (problem.source, str(problem.row), problem.reason, problem.raw)
                writer.writerow([_inert(text) for text in texts])
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
