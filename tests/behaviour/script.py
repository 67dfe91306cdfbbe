"""Scripted conversations read from plain files: what the user says, and what must or should be true after it.

    using films                       the catalogue of the dialogues that follow
    == seen items stay away           a dialogue and its name
    > a western                       the user says this
    ! cards 1                         this must hold
    - act request                     this should hold

`#1` is the first card of the reply before. Every word an expectation may begin with is in `expectations.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DIRECTORY = Path(__file__).parent / "dialogues"


@dataclass(frozen=True, slots=True)
class Expectation:
    text: str
    must: bool
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    says: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    catalogue: str
    file: str
    steps: tuple[Step, ...]


def scripts() -> list[Script]:
    """Every dialogue of every file, files in the order of their names."""
    return [script for path in sorted(DIRECTORY.glob("*.txt")) for script in read(path)]


def read(path: Path) -> Iterator[Script]:
    """The dialogues of one file."""
    catalogue, name = "", ""
    lines: list[tuple[int, str, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
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
            expected = Expectation(rest, mark == "!", number)
            steps[-1] = replace(steps[-1], expectations=(*steps[-1].expectations, expected))
        elif mark and not mark.startswith("#"):
            raise ValueError(f"{file}:{number}: {mark!r} is none of ==, using, >, !, - and #")
    return steps
