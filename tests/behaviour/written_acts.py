"""The acts that annotated human dialogues do not have, on the written dialogues: what lines do, and what is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from finetune.act_folds import Heard, f1, f1_interval
from llmrec.dialogue.act_model import HEARD
from llmrec.evaluation.dialogue_scripts import Script, read_scripts
from llmrec.types import ACT_KINDS, ActKind
from tests.behaviour.catalogues import DIALOGUES, turns

ACTS = Path(__file__).parent / "acts.txt"
OTHERS: tuple[ActKind, ...] = tuple(kind for kind in ACT_KINDS if kind not in HEARD)
WRITTEN_FOR_IT = ("others.txt", "others_held_back.txt")
_MAY = "? "
_N_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Score:
    """F1 of one act with its 95 % interval over dialogues, and how many lines do it, are read so, and both."""

    f1: float
    interval: tuple[float, float]
    n_lines: int
    n_read: int
    n_right: int


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line of a dialogue, which of the acts it was read as, and which it does; what may be is in neither."""

    script: Script
    says: str
    read: frozenset[ActKind]
    does: frozenset[ActKind]


def annotations() -> Mapping[str, tuple[frozenset[ActKind], frozenset[ActKind]]]:
    """By line the acts it does, and those it may be read as."""
    does: dict[str, set[ActKind]] = {}
    may: dict[str, set[ActKind]] = {}
    into, kind = does, OTHERS[0]
    for line in ACTS.read_text(encoding="utf-8").splitlines():
        mark, _, name = line.partition("== ")
        if name and not mark:
            into = may if name.startswith(_MAY) else does
            kind = next(act for act in OTHERS if act == name.removeprefix(_MAY))
        elif line and not line.startswith("#"):
            into.setdefault(line, set()).add(kind)
    return {line: (frozenset(does.get(line, ())), frozenset(may.get(line, ()))) for line in {*does, *may}}


def read_lines() -> list[ReadLine]:
    """Every line of the dialogues, as it was read."""
    return list(chain.from_iterable(map(_read, read_scripts(DIALOGUES))))


def scores(lines: Sequence[ReadLine]) -> Mapping[ActKind, Score]:
    """How well each act is read in `lines`."""
    read, does = (
        np.array([[act in acts for act in OTHERS] for acts in column], dtype=np.bool_)
        for column in ([line.read for line in lines], [line.does for line in lines])
    )
    scripts = {id(line.script): n for n, line in enumerate(lines)}
    _, numbers = np.unique([scripts[id(line.script)] for line in lines], return_inverse=True)
    intervals = f1_interval(Heard(read, does, numbers), n_draws=_N_DRAWS, seed=0)
    counts = zip(does.sum(axis=0), read.sum(axis=0), (does & read).sum(axis=0), strict=True)
    return {
        act: Score(float(value), (float(low), float(high)), *map(int, count))
        for act, value, (low, high), count in zip(OTHERS, f1(read, does), intervals[:-1], counts, strict=True)
    }


def table(lines: Sequence[ReadLine]) -> str:
    """The scores as lines of text, and the wrong readings."""
    rows = [f"{'act':<11} {'F1':>6}  95 % interval    lines  read  right"]
    for act, score in scores(lines).items():
        low, high = score.interval
        counts = f"{score.n_lines:5}  {score.n_read:4}  {score.n_right:5}"
        rows.append(f"{act:<11} {score.f1:6.3f}  {low:.3f} to {high:.3f}  {counts}")
    return "\n".join(rows)


def wrong(lines: Sequence[ReadLine]) -> Iterator[str]:
    """Each line that was read otherwise than it should be."""
    for line in lines:
        if line.read != line.does:
            read, does = (" ".join(sorted(acts)) or "none" for acts in (line.read, line.does))
            yield f"{line.script.file} > {line.says} | read {read}, is {does}"


def _read(script: Script) -> Iterator[ReadLine]:
    known = annotations()
    for step, played in turns(script):
        does, may = known.get(step.says, (frozenset(), frozenset()))
        read = {act.kind for act in played.understanding.acts if act.kind in OTHERS}
        yield ReadLine(script, step.says, frozenset(read) - may, does)
