"""Scripted conversations read from plain files: what the user says, and what must or should be true after it.

    using films                       the catalogue of the dialogues that follow
    == seen items stay away           a dialogue and its name
    > a western                       the user says this
    ! cards 1                         this must hold
    - act request                     this should hold

`#1` is the first card of the reply before. Every word an expectation may begin with is in
`dialogue_expectations.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmrec.errors import DataError
from llmrec.evaluation.dialogue_expectations import CHECKS


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must or should be so after a turn; `line` is where the file says it, 0 for none."""

    text: str
    must: bool
    line: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What the user says, and what is expected of the reply."""

    says: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """One dialogue: its name, the name of the catalogue it is about, and the file it stands in."""

    name: str
    catalogue: str
    file: str
    steps: tuple[Step, ...]


def read_scripts(path: Path) -> list[Script]:
    """Every dialogue of the file `path`, or of the `.txt` files in the directory, in the order of their names.

    Raises:
        DataError: There is no such file, or a line of it is of no known kind.
    """
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} has no .txt file with dialogues.")
    return [script for file in files for script in _read(file)]


def _read(path: Path) -> Iterator[Script]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"the dialogues {path} cannot be read: {error}.") from error
    catalogue, name = "", ""
    lines: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        if mark not in {"==", "using"}:
            lines.append((number, mark, rest.strip()))
            continue
        if name:
            yield Script(name, catalogue, path.name, tuple(_steps(lines, path.name)))
        name, lines = (rest.strip() if mark == "==" else ""), []
        catalogue = rest.strip() if mark == "using" else catalogue
    yield Script(name, catalogue, path.name, tuple(_steps(lines, path.name)))


def _steps(lines: Sequence[tuple[int, str, str]], file: str) -> list[Step]:
    steps: list[Step] = []
    for number, mark, rest in lines:
        if mark == ">":
            steps.append(Step(rest, ()))
        elif mark in {"!", "-"}:
            if not steps or rest.split(" ")[0] not in CHECKS:
                raise DataError(f"{file}:{number}: {rest!r} is no expectation; each begins with {', '.join(CHECKS)}.")
            expected = Expectation(rest, mark == "!", number)
            steps[-1] = replace(steps[-1], expectations=(*steps[-1].expectations, expected))
        elif mark and not mark.startswith("#"):
            raise DataError(f"{file}:{number}: {mark!r} is none of ==, using, >, !, - and #.")
    return steps
