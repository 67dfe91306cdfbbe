"""The figures of a report, each from plain values, in one theme or the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from matplotlib.typing import LineStyleType
from numpy.typing import NDArray

from llmrec.evaluation.figure_style import DASHES, FONT_POINTS, MARKERS, Theme, figure_label, new_axes

Values = NDArray[np.float64]

N_BANDS = 3  # more intervals over each other hide the lines
_BAND_OPACITY = 0.16
_SMALL = FONT_POINTS - 1
_DOTTED: LineStyleType = (0, (1, 2))
_ROW_INCHES, _FRAME_INCHES, _LEGEND_ROW_INCHES = 0.3, 0.85, 0.2
_MAX_LEGEND_CHARS_OF_THREE = 12
_LEAST = 1e-9  # an axis needs a length even where all values are 0


@dataclass(frozen=True)
class Line:
    """One named line.

    Attributes:
        slot: Its colour, marker and dashes, from 0; None when it is shown but not told apart.
        low: Lower ends of the 95 % intervals, like `high`; nan where there is none.
    """

    name: str
    slot: int | None
    x: Values
    y: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Bar:
    """One named value with its interval (nan: none). `leads` marks the best and what is not shown to differ from it."""

    name: str
    value: float
    low: float
    high: float
    leads: bool


@dataclass(frozen=True)
class Dots:
    """One stage's value in every group (nan: none), with intervals."""

    name: str
    slot: int
    values: Values
    low: Values
    high: Values


def draw_curves(lines: Sequence[Line], theme: Theme, *, y_label: str) -> Figure:
    """A metric by the length of the list, bands for the intervals of the first slots."""
    figure, axes = _with_legend_room(lines, theme, x_label="length of the list, k", y_label=y_label)
    for line in lines:
        look = _look(line.slot, theme)
        if line.slot is not None and line.slot < N_BANDS:
            _band(axes, line, look.colour)
        # The best lie on top, what is not told apart beneath all.
        height = 2 if line.slot is None else 10 - line.slot
        axes.plot(
            line.x, line.y, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=4.5, zorder=height
        )
    _lengths_on_x(axes, np.unique(np.concatenate([line.x for line in lines])))
    axes.set_ylim(bottom=0)
    _legend(figure, lines, theme)
    return figure


def draw_bars(bars: Sequence[Bar], theme: Theme, *, x_label: str) -> Figure:
    """Stages beneath each other, in the order given, each with its interval and its number."""
    figure, axes = new_axes(theme, height_inches=_rows_height(len(bars)), x_label=x_label)
    rows = np.arange(len(bars), dtype=np.float64)[::-1]
    values, low, high = (np.array([getattr(bar, part) for bar in bars]) for part in ("value", "low", "high"))
    axes.barh(rows, values, height=0.62, color=[theme.series[0] if bar.leads else theme.rest for bar in bars])
    axes.errorbar(values, rows, xerr=_arms(values, low, high), fmt="none", color=theme.ink, elinewidth=1.1, capsize=2)
    for row, value, end in zip(rows, values, np.fmax(values, high), strict=True):
        _write(axes, f"{value:.4f}", (end, row), (4, 0), theme, va="center")
    _named_rows(axes, rows, [figure_label(bar.name) for bar in bars], theme)
    # Room for the number that stands behind the longest interval.
    axes.set_xlim(0, 1.22 * max(float(np.nanmax(np.fmax(values, high))), _LEAST))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def draw_lorenz(lines: Sequence[Line], data: Line | None, theme: Theme) -> Figure:
    """Share of what was shown by share of the catalogue, least shown first; `data` is the same of what users met."""
    x_label, y_label = "share of the catalogue, least shown first", "share of what was shown"
    figure, axes = _with_legend_room(lines, theme, x_label=x_label, y_label=y_label)
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=1, linestyle=_DOTTED)
    _write(axes, "even", (0.5, 0.5), (-5, 4), theme, ha="right")
    if data is not None:
        axes.fill_between(data.x, data.y, color=theme.rest, alpha=_BAND_OPACITY)
        axes.plot(data.x, data.y, color=theme.rest, linewidth=1.2)
    for line in lines:
        look = _look(line.slot, theme)
        axes.plot(line.x, line.y, color=look.colour, linestyle=look.dashes, linewidth=1.8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1))
    _legend(figure, lines, theme, has_markers=False)
    return figure


def draw_ceiling(line: Line, theme: Theme, *, slate_size: int, y_label: str) -> Figure:
    """How much of what users did next is among the first k candidates, and where the language model's slate ends."""
    figure, axes = new_axes(theme, x_label="candidates kept, k", y_label=y_label)
    look = _look(line.slot or 0, theme)
    _band(axes, line, look.colour)
    axes.plot(line.x, line.y, color=look.colour, marker=look.marker, markersize=4.5, linewidth=1.8)
    axes.axvline(slate_size, color=theme.ink, linewidth=1.1, linestyle=(0, (4, 2)))
    for k, value in zip(line.x, line.y, strict=True):
        _write(axes, f"{value:.3f}", (k, value), (-6, 7), theme, ha="right" if k > line.x[0] else "left")
    _write(axes, f"slate of {slate_size}", (slate_size, 0), (5, 6), theme)
    _lengths_on_x(axes, line.x)
    axes.margins(x=0.08)
    axes.set_ylim(0, 1.15 * max(float(np.nanmax(np.fmax(line.y, line.high))), _LEAST))
    return figure


def draw_latency(names: Sequence[str], milliseconds: Sequence[Values], theme: Theme, *, marks: Sequence[str]) -> Figure:
    """Percentiles of one user's waiting time, stage beneath stage, on a scale of powers of ten.

    Args:
        names: Of the stages.
        milliseconds: For each stage one value for each of `marks`, positive; nan where it is not known.
        theme: Colours.
        marks: What the values are, lowest first: `p50`, `p95`.
    """
    height = _rows_height(len(names)) + _LEGEND_ROW_INCHES
    figure, axes = new_axes(theme, height_inches=height, x_label="milliseconds for one user, powers of ten")
    rows, table, colour = np.arange(len(names), dtype=np.float64)[::-1], np.array(milliseconds), theme.series[0]
    axes.hlines(rows, np.nanmin(table, axis=1), np.nanmax(table, axis=1), color=theme.rest, linewidth=1.6)
    handles = []
    for number, mark in enumerate(marks):
        # One colour, for colours stand for stages in the other figures; the shape says which percentile.
        handle = Line2D([], [], color=colour, linestyle="none", marker=MARKERS[number], markersize=6, label=mark)
        handle.set_markerfacecolor(theme.surface if number else colour)
        axes.plot(
            table[:, number], rows, linestyle="none", marker=MARKERS[number], markersize=6, color=colour,
            markerfacecolor=handle.get_markerfacecolor(),
        )  # fmt: skip
        handles.append(handle)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xlim(10 ** np.floor(np.log10(0.7 * np.nanmin(table))), 10 ** np.ceil(np.log10(1.4 * np.nanmax(table))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _named_rows(axes, rows, [figure_label(name) for name in names], theme)
    _legend_of(figure, handles, list(marks), theme)
    return figure


def draw_groups(groups: Sequence[tuple[str, str]], stages: Sequence[Dots], theme: Theme, *, x_label: str) -> Figure:
    """A metric within each group of users, named by column and group; stages stand beneath each other in its row."""
    rows_of_legend = _legend_rows([stage.name for stage in stages])
    height = _FRAME_INCHES + max(2, len(groups)) * (0.32 + 0.1 * len(stages)) + _LEGEND_ROW_INCHES * rows_of_legend
    figure, axes = new_axes(theme, height_inches=height, x_label=x_label)
    rows = np.arange(len(groups), dtype=np.float64)[::-1]
    shifts = np.linspace(0.24, -0.24, len(stages)) if len(stages) > 1 else np.zeros(1)
    for stage, shift in zip(stages, shifts, strict=True):
        look, arms = _look(stage.slot, theme), _arms(stage.values, stage.low, stage.high)
        axes.errorbar(
            stage.values, rows + shift, xerr=arms, fmt=look.marker, color=look.colour, markersize=5, elinewidth=1.1
        )
    axes.set_xlim(left=0)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    axes.hlines(rows[:-1] - 0.5, 0, axes.get_xlim()[1], color=theme.grid, linewidth=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _named_rows(axes, rows, ["\n".join(map(figure_label, group)) for group in groups], theme)
    _legend_of(figure, [_handle(stage.slot, theme, is_line=False) for stage in stages], [s.name for s in stages], theme)
    return figure


def draw_reliability(lines: Sequence[Line], theme: Theme) -> Figure:
    """How often it was right by how sure it said it was; on the diagonal both agree."""
    figure, axes = _with_legend_room(lines, theme, x_label="probability it gave", y_label="how often it was right")
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=1, linestyle=_DOTTED)
    for line in lines:
        look, arms = _look(line.slot, theme), _arms(line.y, line.low, line.high)
        axes.errorbar(
            line.x, line.y, yerr=arms, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=5,
            elinewidth=1,
        )  # fmt: skip
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    _legend(figure, lines, theme)
    return figure


@dataclass(frozen=True)
class _Look:
    colour: str
    dashes: LineStyleType
    marker: str


def _look(slot: int | None, theme: Theme) -> _Look:
    return _Look(theme.rest, "-", "") if slot is None else _Look(theme.series[slot], DASHES[slot], MARKERS[slot])


def _band(axes: Axes, line: Line, colour: str) -> None:
    axes.fill_between(line.x, line.low, line.high, color=colour, alpha=_BAND_OPACITY, linewidth=0)


def _arms(values: Values, low: Values, high: Values) -> Values:
    """Lengths of the two arms of error bars, 0 where there is no interval; [2, n]."""
    return np.nan_to_num(np.stack([values - low, high - values])).clip(min=0)


def _write(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[int, int], theme: Theme, *, ha: str = "left",
    va: str = "baseline",
) -> None:  # fmt: skip
    """Small text of our own beside a point, with a rim that keeps it apart from lines."""
    written = axes.annotate(
        text, at, xytext=shift, textcoords="offset points", ha=ha, va=va, color=theme.ink, fontsize=_SMALL
    )
    written.set_path_effects([withStroke(linewidth=2.5, foreground=theme.surface)])


def _lengths_on_x(axes: Axes, lengths: Values) -> None:
    """Lengths of a list on a scale where 1, 10 and 50 are all told apart."""
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(lengths, [f"{length:g}" for length in lengths])


def _named_rows(axes: Axes, rows: Values, labels: Sequence[str], theme: Theme) -> None:
    axes.set_yticks(rows, labels, parse_math=False)
    axes.tick_params(axis="y", length=0, labelcolor=theme.ink)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def _rows_height(n_rows: int) -> float:
    return _FRAME_INCHES + _ROW_INCHES * max(n_rows, 2)


def _legend_columns(names: Sequence[str]) -> int:
    return 3 if max(map(len, names), default=0) <= _MAX_LEGEND_CHARS_OF_THREE else 2


def _legend_rows(names: Sequence[str]) -> int:
    return -(-len(names) // _legend_columns(names))


def _with_legend_room(lines: Sequence[Line], theme: Theme, *, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    rows = _legend_rows([line.name for line in lines if line.slot is not None])
    return new_axes(theme, height_inches=3.1 + _LEGEND_ROW_INCHES * rows, x_label=x_label, y_label=y_label)


def _legend(figure: Figure, lines: Sequence[Line], theme: Theme, *, has_markers: bool = True) -> None:
    told = [line for line in lines if line.slot is not None]
    handles = [_handle(line.slot, theme, has_marker=has_markers) for line in told]
    _legend_of(figure, handles, [line.name for line in told], theme)


def _handle(slot: int | None, theme: Theme, *, is_line: bool = True, has_marker: bool = True) -> Line2D:
    look = _look(slot, theme)
    marker = look.marker if has_marker else ""
    return Line2D([], [], color=look.colour, linestyle=look.dashes if is_line else "none", marker=marker, markersize=5)


def _legend_of(figure: Figure, handles: Sequence[Line2D], names: Sequence[str], theme: Theme) -> None:
    legend = figure.legend(
        handles, [figure_label(name) for name in names], loc="outside lower center", ncols=_legend_columns(names),
        frameon=False, fontsize=_SMALL, labelcolor=theme.ink, handlelength=2.4,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may hold "$"
