"""Scripted conversations read from plain files: what the user says, and what must or should be true after it.

    using films                       the catalogue of the dialogues that follow
    == seen items stay away           a dialogue and its name
    > a western                       the user says this
    ! cards 1                         this must hold
    - act request                     this should hold

`#1` is the first card of the reply before. Every word an expectation may begin with is in `expectations.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    steps: list[Step] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        if mark in {"==", "using"} and name:
            yield Script(name, catalogue, path.name, tuple(steps))
            name, steps = "", []
        if mark == "using":
            catalogue = rest.strip()
        elif mark == "==":
            name = rest.strip()
        elif mark == ">":
            steps.append(Step(rest, ()))
        elif mark in {"!", "-"}:
            expected = Expectation(rest.strip(), mark == "!", number)
            steps[-1] = Step(steps[-1].says, (*steps[-1].expectations, expected))
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"{path.name}:{number}: {line!r} begins with none of ==, using, >, !, - and #")
    if name:
        yield Script(name, catalogue, path.name, tuple(steps))
