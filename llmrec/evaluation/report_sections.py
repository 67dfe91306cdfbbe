"""What the page of a report says of each panel: a finding, tables of text, and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmrec.evaluation import findings, report_words
from llmrec.evaluation.charts import PERCENTILES, Chart, charts_of, headline_bars
from llmrec.evaluation.estimates import Estimate
from llmrec.evaluation.panels import HEADLINE, Panel, panels_of
from llmrec.evaluation.results import Evaluation, GroupEstimate
from llmrec.evaluation.wording import quantity_text

_COLUMNS = (
    HEADLINE, "NDCG@10|slate", "R@10", "R@20", "R@50", "R@100", "MRR@10", "AUC", "coverage@10", "gini@10", "novelty@10",
    "diversity@10", "popularity_bias@10", "ECE", "Brier", "NLL", "ECE|T", "order_flips",
)  # fmt: skip
_NOTHING, _UNKNOWN = "-", float("nan")


@dataclass(frozen=True)
class Cell:
    """One number as text.

    Attributes:
        mark: `best`, `tied` (no difference from the best is shown) or empty.
        note: What else there is to say of it.
    """

    value: str
    interval: str = ""
    mark: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """What stands beside a stage's name."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Stages as rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """Everything the page says of one panel."""

    title: str
    finding: str
    main: Table
    everything: Table
    gaps: Table
    seconds: Table
    charts: tuple[Chart, ...]


def sections_of(evaluation: Evaluation, *, slate_size: int, candidates: str) -> Iterator[Section]:
    """One section for each set of candidates that was ranked."""
    for number, panel in enumerate(panels_of(evaluation)):
        charts = charts_of(panel, evaluation.popularity, slate_size=slate_size, candidates=candidates)
        yield Section(
            title=report_words.candidates(panel.suffix),
            finding=findings.of_panel(HEADLINE, headline_bars(panel)),
            main=_metrics(panel, _COLUMNS),
            everything=_metrics(panel, panel.metrics),
            gaps=_gaps(panel),
            seconds=_seconds(panel),
            charts=tuple(replace(chart, name=f"{chart.name}{_ending(panel.suffix, number)}") for chart in charts),
        )


def _ending(suffix: str, number: int) -> str:
    """What tells a panel's files from another's; a suffix comes from data and may hold anything."""
    word = re.sub(r"[^a-z0-9]+", "-", suffix.lower()).strip("-")
    return f"-{number}-{word}".rstrip("-") if suffix else ""


def _metrics(panel: Panel, metrics: Sequence[str]) -> Table:
    names = [stage.name for stage in panel.stages]
    known = [metric for metric in metrics if any(np.isfinite(panel.estimate(name, metric).mean) for name in names)]
    return _table(names, {metric: _column(panel, metric, names) for metric in known})


def _column(panel: Panel, metric: str, names: Sequence[str]) -> list[Cell]:
    best, tied = panel.best(metric), panel.as_good_as_best(metric)
    return [
        _cell(panel.estimate(name, metric), mark="best" if name == best else "tied" if name in tied else "")
        for name in names
    ]


def _gaps(panel: Panel) -> Table:
    """Headline of the best served group minus that of the worst served one."""
    found = {
        stage.name: {gap.column: gap for gap in stage.gaps if gap.metric == HEADLINE and np.isfinite(gap.estimate.mean)}
        for stage in panel.stages
    }
    names = [name for name, gaps in found.items() if gaps]
    columns = dict.fromkeys(column for gaps in found.values() for column in gaps)
    return _table(names, {column: [_gap(found[name].get(column)) for name in names] for column in columns})


def _gap(gap: GroupEstimate | None) -> Cell:
    return replace(_cell(gap.estimate), note=gap.group) if gap else Cell(_NOTHING)


def _seconds(panel: Panel) -> Table:
    timed = [stage for stage in panel.stages if stage.seconds]
    columns = {"fitting, s": [_number(stage.seconds.get("fit")) for stage in timed]}
    columns |= {"users scored per s": [_number(stage.users_per_s) for stage in timed]}
    for mark in PERCENTILES:
        columns[f"one user, {mark}, ms"] = [_number(1000 * stage.seconds.get(mark, _UNKNOWN)) for stage in timed]
    return _table([stage.name for stage in timed], columns)


def _table(names: Sequence[str], columns: Mapping[str, Sequence[Cell]]) -> Table:
    cells = [tuple(column[row] for column in columns.values()) for row in range(len(names))]
    return Table(tuple(columns), tuple(map(Row, names, cells)))


def _cell(estimate: Estimate, *, mark: str = "") -> Cell:
    if not np.isfinite(estimate.mean):
        return Cell(_NOTHING)
    low, high = estimate.ci95
    interval = f"{low:.4f} to {high:.4f}" if np.isfinite([low, high]).all() else ""
    return Cell(f"{estimate.mean:.4f}", interval, mark)


def _number(value: float | None) -> Cell:
    return Cell(_NOTHING if value is None or not np.isfinite(value) else quantity_text(value))
