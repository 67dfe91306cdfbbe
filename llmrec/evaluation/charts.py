"""Which figures an evaluation has, and from which of its numbers each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from llmrec.evaluation import figures, findings
from llmrec.evaluation.figure_style import Theme
from llmrec.evaluation.figures import N_BANDS, Bar, Dots, Line
from llmrec.evaluation.panels import HEADLINE, N_TOLD_APART, Panel
from llmrec.evaluation.results import GroupEstimate, StageResult

_RECALL = "R"
PERCENTILES = ("p50", "p95", "p99")
_N_GROUPED_STAGES, _N_GROUPS = 3, 16
_N_POINTS = 101  # of a Lorenz curve
_UNKNOWN = float("nan")


@dataclass(frozen=True)
class Chart:
    """One figure of a report.

    Attributes:
        name: Stem of its files.
        title: What it is of.
        alt: What it shows, with numbers.
        reading: How to read it.
        draw: The figure in one theme.
        words: What a page in another language says for words that the figure is drawn with.
    """

    name: str
    title: str
    alt: str
    reading: str
    draw: Callable[[Theme], Figure]
    words: Mapping[str, str] = field(default_factory=dict)


def charts_of(panel: Panel, popularity: NDArray[np.float64], *, slate_size: int, candidates: str) -> tuple[Chart, ...]:
    """Every figure that the panel has numbers for.

    Args:
        panel: Of stages.
        popularity: float64 [n_items], interactions that each item had.
        slate_size: How many candidates a language model gets to order.
        candidates: The stage they come from; where it is missing, the one that has most answers among them.
    """
    made = [
        _ablation(panel),
        _curves(panel, HEADLINE.partition("@")[0], "How near the top?"),
        _curves(panel, _RECALL, "How much is found at all?"),
        _ceiling(panel, slate_size, candidates),
        _groups(panel),
        _lorenz(panel, popularity),
        _latency(panel),
        _reliability(panel),
    ]
    return tuple(chart for chart in made if chart is not None)


def headline_bars(panel: Panel) -> tuple[Bar, ...]:
    """NDCG@10 of every stage that has it, highest first."""
    tied = panel.as_good_as_best(HEADLINE)
    found = [(stage.name, panel.estimate(stage.name, HEADLINE)) for stage in panel.stages]
    known = [(name, estimate) for name, estimate in found if np.isfinite(estimate.mean)]
    return tuple(
        Bar(name, estimate.mean, *estimate.ci95, leads=number == 0 or name in tied)
        for number, (name, estimate) in enumerate(known)
    )


def _ablation(panel: Panel) -> Chart | None:
    bars = headline_bars(panel)
    if not bars:
        return None
    return Chart(
        "stages",
        f"Which stage is best? {HEADLINE}",
        findings.of_bars(HEADLINE, bars),
        "Each bar is the mean over users, with its 95 % interval. Coloured: the best, and every stage for which no"
        " difference from it is shown when both are compared user by user.",
        lambda theme: figures.draw_bars(bars, theme, x_label=f"{HEADLINE}, 95 % interval"),
    )


def _curves(panel: Panel, family: str, question: str) -> Chart | None:
    lines = [line for line in (_line(panel, stage, family) for stage in panel.stages) if len(line.x)]
    if not lines:
        return None
    others = " Grey: the other stages, as in the table." if any(line.slot is None for line in lines) else ""
    return Chart(
        {"R": "recall_at_k"}.get(family, f"{family.lower()}_at_k"),
        f"{question} {family}@k",
        findings.of_curves(family, lines),
        f"Higher is better. Bands are 95 % intervals, of the first {min(N_BANDS, len(lines))} by {HEADLINE}.{others}",
        lambda theme: figures.draw_curves(lines, theme, y_label=f"{family}@k"),
    )


def _ceiling(panel: Panel, slate_size: int, candidates: str) -> Chart | None:
    lines = [line for line in (_line(panel, stage, _RECALL) for stage in panel.stages) if len(line.x)]
    if not lines:
        return None
    named = [line for line in lines if line.name == candidates + panel.suffix]
    line = (named or sorted(lines, key=lambda line: -float(np.interp(slate_size, line.x, line.y))))[0]
    return Chart(
        "recall_ceiling",
        f"What can a ranker still reach? Candidates of {line.name}",
        findings.of_ceiling(line, slate_size),
        "A model that orders the candidates left of the dashed line can find only what is among them.",
        lambda theme: figures.draw_ceiling(line, theme, slate_size=slate_size, y_label="R@k"),
    )


def _lorenz(panel: Panel, popularity: NDArray[np.float64]) -> Chart | None:
    shown = [stage for stage in panel.stages if stage.name in panel.slots and stage.exposure.sum() > 0]
    if not shown:
        return None
    lines = [_lorenz_line(stage.name, panel.slots[stage.name], stage.exposure) for stage in shown]
    data = _lorenz_line("data", None, popularity) if popularity.sum() > 0 else None
    return Chart(
        "exposure",
        "Who gets shown? First 10 of every user",
        findings.of_lorenz(lines, data),
        "The further a line hangs below the dotted diagonal, the fewer items share the attention. Grey: how users"
        " themselves spread over the catalogue." + (" Only the best stages are drawn." if _has_others(panel) else ""),
        lambda theme: figures.draw_lorenz(lines, data, theme),
    )


def _latency(panel: Panel) -> Chart | None:
    marks = [mark for mark in PERCENTILES if any(mark in stage.seconds for stage in panel.stages)]
    found = {
        stage.name: 1000 * np.array([stage.seconds.get(mark, _UNKNOWN) for mark in marks]) for stage in panel.stages
    }
    timed = {name: values for name, values in found.items() if len(values) and (values > 0).all()}
    if not timed:
        return None
    names, milliseconds = tuple(timed), tuple(timed.values())
    return Chart(
        "latency",
        "How long does one user wait?",
        findings.of_latency(names, milliseconds, marks),
        "Scoring the whole catalogue for one user alone. p95: 95 of 100 users wait no longer.",
        lambda theme: figures.draw_latency(names, milliseconds, theme, marks=marks),
    )


def _groups(panel: Panel) -> Chart | None:
    stages = [stage for stage in panel.stages if stage.name in panel.slots and _headlines(stage)][:_N_GROUPED_STAGES]
    sizes = {(each.column, each.group): each.n_users for stage in stages for each in _headlines(stage).values()}
    # Many labels make no figure; the largest groups stand for them, in their own order.
    kept = set(sorted(sizes, key=lambda key: -sizes[key])[:_N_GROUPS])
    keys = [key for key in sizes if key in kept]
    if not keys:
        return None
    dots = tuple(_dots(stage, panel.slots[stage.name], keys) for stage in stages)
    names = [f"{column}: {group}" for column, group in keys]
    left_out = f" The {len(keys)} largest of {len(sizes)} groups." if len(keys) < len(sizes) else ""
    return Chart(
        "groups",
        f"Are all served alike? {HEADLINE} by group",
        findings.of_groups(HEADLINE, names, dots),
        f"Mean and 95 % interval within each group, for the best {len(stages)} of the stages.{left_out}",
        lambda theme: figures.draw_groups(keys, dots, theme, x_label=HEADLINE),
    )


def _reliability(panel: Panel) -> Chart | None:
    stages = [stage for stage in panel.stages if any(part.n for part in stage.reliability)][:N_TOLD_APART]
    if not stages:
        return None
    free = iter(sorted(set(range(N_TOLD_APART)) - {panel.slots.get(stage.name) for stage in stages}))
    lines = [
        _reliability_line(stage, panel.slots[stage.name] if stage.name in panel.slots else next(free))
        for stage in stages
    ]
    return Chart(
        "reliability",
        "Do probabilities mean what they say?",
        findings.of_reliability([(stage.name, stage.reliability) for stage in stages]),
        "Below the dotted diagonal the model is surer than it is right. Whiskers are 95 % intervals."
        " Only users with an answer among the candidates count: for the others no choice is right.",
        lambda theme: figures.draw_reliability(lines, theme),
    )


def _reliability_line(stage: StageResult, slot: int) -> Line:
    known = [part for part in stage.reliability if part.n]
    sure, right = (np.array([getattr(part, mean) for part in known]) for mean in ("confidence", "accuracy"))
    low, high = _wilson(right, np.array([part.n for part in known], dtype=np.float64))
    return Line(stage.name, slot, sure, right, low, high)


def _wilson(shares: NDArray[np.float64], n: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % score interval of a share of n. Source: Wilson 1927."""
    z2 = 1.959963984540054**2
    centre, half = shares + z2 / (2 * n), np.sqrt(z2 * (shares * (1 - shares) / n + z2 / (4 * n**2)))
    return (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)


def _line(panel: Panel, stage: StageResult, family: str) -> Line:
    found = {k: panel.estimate(stage.name, f"{family}@{k}") for k in panel.cutoffs(family)}
    known = {k: estimate for k, estimate in found.items() if np.isfinite(estimate.mean)}
    x, y = np.array(list(known), dtype=np.float64), np.array([estimate.mean for estimate in known.values()])
    low, high = (np.array([estimate.ci95[end] for estimate in known.values()]) for end in (0, 1))
    return Line(stage.name, panel.slots.get(stage.name), x, y, low, high)


def _lorenz_line(name: str, slot: int | None, counts: NDArray[np.float64]) -> Line:
    """Cumulative share by share of the items, least first. Source: Lorenz 1905."""
    total = np.concatenate([[0.0], np.cumsum(np.sort(counts))]) / counts.sum()
    x = np.linspace(0, 1, _N_POINTS)
    nothing = np.full(_N_POINTS, _UNKNOWN)
    return Line(name, slot, x, np.interp(x, np.linspace(0, 1, len(total)), total), nothing, nothing)


def _headlines(stage: StageResult) -> Mapping[tuple[str, str], GroupEstimate]:
    return {
        (each.column, each.group): each
        for each in stage.groups
        if each.metric == HEADLINE and np.isfinite(each.estimate.mean)
    }


def _dots(stage: StageResult, slot: int, keys: Sequence[tuple[str, str]]) -> Dots:
    found = _headlines(stage)
    known = [found[key].estimate if key in found else None for key in keys]
    values = np.array([each.mean if each else _UNKNOWN for each in known])
    low, high = (np.array([each.ci95[end] if each else _UNKNOWN for each in known]) for end in (0, 1))
    return Dots(stage.name, slot, values, low, high)


def _has_others(panel: Panel) -> bool:
    return len(panel.stages) > len(panel.slots)
