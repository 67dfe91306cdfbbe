"""What a figure shows, in a sentence with numbers, for whoever does not see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmrec.evaluation.figures import Bar, Dots, Line, Values
from llmrec.evaluation.results import ReliabilityBin
from llmrec.evaluation.wording import counted, interval_text, listed, quantity_text


def of_curves(family: str, lines: Sequence[Line]) -> str:
    """Who leads at the shortest, a middle and the longest list."""
    lengths = np.unique(np.concatenate([line.x for line in lines]))
    marks = dict.fromkeys([lengths[0], lengths[len(lengths) // 2], lengths[-1]])
    leaders = [_leader_at(family, lines, float(k)) for k in marks]
    return f"{family}@k of {counted(len(lines), 'stage')} for lists of {_span(lengths)}. " + " ".join(leaders)


def of_bars(metric: str, bars: Sequence[Bar]) -> str:
    """Every stage's value, highest first, and from which the best is not shown to differ."""
    values = ", ".join(f"{bar.name} {bar.value:.4f}" for bar in bars)
    best = bars[0]
    if len(bars) == 1:
        return f"{metric}: {best.name} {interval_text(best.value, best.low, best.high)}."
    tied = [bar.name for bar in bars[1:] if bar.leads]
    said = (
        f"no difference from {best.name} is shown for {listed(tied)}" if tied else f"all others are below {best.name}"
    )
    return f"{metric}, highest first: {values}. By paired 95 % intervals {said}."


def of_lorenz(lines: Sequence[Line], data: Line | None) -> str:
    """Which share of what is shown goes to the tenth of the catalogue that is shown most."""
    said = ", ".join(f"{line.name} {_top_tenth(line):.0%}" for line in sorted(lines, key=_top_tenth, reverse=True))
    met = f" In the data the most popular tenth has {_top_tenth(data):.0%} of all interactions." if data else ""
    return f"Share of what is shown that goes to the most shown tenth of the catalogue: {said}.{met}"


def of_ceiling(line: Line, slate_size: int) -> str:
    """What the slate holds, what a longer one would hold, and so what no order of it can exceed."""
    held = np.flatnonzero(line.x <= slate_size)
    at = int(held[-1]) if len(held) else 0
    longest = f" and {line.y[-1]:.1%} among {line.x[-1]:g}" if line.x[-1] > line.x[at] else ""
    return (
        f"Of what users did next, {line.name} has {line.y[at]:.1%} among its first {line.x[at]:g} candidates{longest}."
        f" Whatever orders the first {line.x[at]:g}, its recall stays at or below {line.y[at]:.3f}."
    )


def of_latency(names: Sequence[str], milliseconds: Sequence[Values], marks: Sequence[str]) -> str:
    """The quickest and the slowest stage."""
    order = sorted(range(len(names)), key=lambda row: float(milliseconds[row][0]))
    said = [
        f"{word} is {names[row]} with "
        + ", ".join(f"{mark} {quantity_text(value)} ms" for mark, value in zip(marks, milliseconds[row], strict=True))
        for word, row in dict(zip(("quickest", "slowest"), dict.fromkeys([order[0], order[-1]]), strict=False)).items()
    ]
    return f"Waiting time of one user over {counted(len(names), 'stage')}: {'; '.join(said)}."


def of_groups(metric: str, groups: Sequence[str], stages: Sequence[Dots]) -> str:
    """For each stage, the group it serves best and the one it serves worst."""
    said = []
    for stage in [stage for stage in stages if np.isfinite(stage.values).any()]:
        high, low = int(np.nanargmax(stage.values)), int(np.nanargmin(stage.values))
        said.append(
            f"{stage.name} is highest for {groups[high]} ({stage.values[high]:.4f})"
            f" and lowest for {groups[low]} ({stage.values[low]:.4f})"
        )
    return f"{metric} within {counted(len(groups), 'group')} of users: {'; '.join(said)}."


def of_reliability(curves: Sequence[tuple[str, Sequence[ReliabilityBin]]]) -> str:
    """How sure each stage was on average, and how often right."""
    said = []
    for name, bins in curves:
        known = [part for part in bins if part.n]
        n = sum(part.n for part in known)
        sure, right = (sum(part.n * getattr(part, mean) for part in known) / n for mean in ("confidence", "accuracy"))
        leaning = "too sure" if sure > right else "not sure enough" if sure < right else "as sure as it is right"
        said.append(
            f"{name} gave its first choice {sure:.0%} on average and was right {right:.0%} of {n} times: {leaning}"
        )
    return f"Probabilities against what happened. {'; '.join(said)}."


def of_panel(metric: str, bars: Sequence[Bar]) -> str:
    """The main result in a sentence."""
    if not bars:
        return f"No stage has a known {metric}."
    best, tied = bars[0], [bar.name for bar in bars[1:] if bar.leads]
    head = f"{best.name} reaches {metric} {interval_text(best.value, best.low, best.high)}"
    if len(bars) == 1:
        return f"{head}."
    rest = f" No difference from it is shown for {listed(tied)}." if tied else " All others are shown to be lower."
    return f"{head}, the highest of {counted(len(bars), 'stage')}.{rest}"


def _leader_at(family: str, lines: Sequence[Line], k: float) -> str:
    found = [(float(line.y[place]), line, place) for line in lines for place in np.flatnonzero(line.x == k)]
    value, line, place = max(found, key=lambda each: each[0])
    number = interval_text(value, float(line.low[place]), float(line.high[place]))
    return f"At {k:g}, {line.name} is highest with {number}." if len(found) > 1 else f"At {k:g} it is {number}."


def _top_tenth(line: Line) -> float:
    return 1 - float(np.interp(0.9, line.x, line.y))


def _span(lengths: Values) -> str:
    return f"{lengths[0]:g} to {lengths[-1]:g}" if len(lengths) > 1 else f"{lengths[0]:g}"
