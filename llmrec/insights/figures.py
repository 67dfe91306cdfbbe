"""The figures of the insights, each from plain values, in one theme or the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from llmrec.evaluation.figure_style import FONT_POINTS, MARKERS, WIDTH_INCHES, Theme, figure_label, new_axes
from llmrec.insights.health import Rate
from llmrec.insights.words import drawn

Values = NDArray[np.float64]
N_SLICES = 5  # of a pie that can be told apart; the rest is one slice
_SMALL = FONT_POINTS - 1.5
_ROW_INCHES, _FRAME_INCHES = 0.34, 0.95
_CELL_INCHES = 0.36
_MAX_PERIOD_NAMES = 9
_SIZES: Mapping[int | None, int] = {None: 5, 3: 16}  # of marks on the map; there are many candidates


@dataclass(frozen=True)
class Marks:
    """Items of one kind on the map.

    Attributes:
        slot: Colour and marker, from 0; None for the background.
        names: Of the items, written beside them; empty for none.
    """

    label: str
    slot: int | None
    points: Values
    names: tuple[str, ...] = ()


def draw_bars(
    labels: Sequence[str],
    values: Sequence[float],
    written: Sequence[str],
    theme: Theme,
    *,
    x_label: str,
    usual: Sequence[float] | None = None,
    last_tick: float = float("inf"),
) -> Figure:
    """Rows beneath each other in the order given, the number behind each; `usual` is marked with a line."""
    height = _FRAME_INCHES + _ROW_INCHES * max(2, len(labels)) + (0.25 if usual is not None else 0)
    figure, axes = new_axes(theme, height_inches=height, x_label=x_label)
    rows = np.arange(len(labels), dtype=np.float64)[::-1]
    colours = [theme.series[0] if value >= 0 else theme.series[1] for value in values]
    axes.barh(rows, values, height=0.62, color=colours)
    for row, value, text in zip(rows, values, written, strict=True):
        # A number stands outside its bar, on whichever side that ends.
        outside = (5, "left") if value >= 0 else (-5, "right")
        axes.annotate(
            text, (value, row), xytext=(outside[0], 0), textcoords="offset points", va="center", ha=outside[1],
            color=theme.ink, fontsize=_SMALL,
        )  # fmt: skip
    if usual is not None:
        axes.vlines(usual, rows - 0.4, rows + 0.4, color=theme.ink, linewidth=1.8)
        _legend(figure, [Line2D([], [], color=theme.ink, linewidth=1.8)], [drawn("catalogue")], theme)
    _named_rows(axes, rows, labels, theme)
    reach = [*values, *(usual if usual is not None else ()), 1e-9]
    # Room for the number outside the longest bar on either side.
    lowest, room = min(0.0, *reach), 0.19 * (max(reach) - min(0.0, *reach))
    axes.set_xlim(lowest - room if lowest < 0 else 0.0, max(reach) + 1.2 * room)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    left, right = axes.get_xlim()
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, last_tick)])
    return figure


def rest_of(shares: Sequence[tuple[str, float]]) -> float:
    """What is left of the whole beside the slices that can be told apart."""
    return 1 - sum(share for _, share in shares[:N_SLICES])


def draw_pie(shares: Sequence[tuple[str, float]], theme: Theme, *, others: str) -> Figure:
    """Shares of a whole; beyond five slices, the rest is one, called `others` where it stands for several."""
    shown = list(shares[:N_SLICES])
    rest = rest_of(shares)
    if len(shares) > N_SLICES:
        shown.append((shares[-1][0] if len(shares) == N_SLICES + 1 else "", rest))
    colours = [theme.series[number] for number in range(min(N_SLICES, len(shown)))] + [theme.rest]
    figure = Figure(figsize=(WIDTH_INCHES, 3.2), layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    wedges = axes.pie(
        [share for _, share in shown], colors=colours[: len(shown)], startangle=90, counterclock=False,
        wedgeprops={"linewidth": 1.5, "edgecolor": theme.surface},
    )[0]  # fmt: skip
    for wedge, (name, share) in zip(wedges, shown, strict=True):
        angle = np.deg2rad((wedge.theta1 + wedge.theta2) / 2)
        x, y = float(np.cos(angle)), float(np.sin(angle))
        told = f"{figure_label(name)} {share:.0%}" if name else others
        axes.text(
            1.12 * x, 1.12 * y, told, ha="left" if x >= 0 else "right", va="center",
            color=theme.ink, fontsize=_SMALL, parse_math=False,
        )  # fmt: skip
    axes.set_xlim(-2.1, 2.1)
    return figure


def draw_map(marks: Sequence[Marks], theme: Theme, *, x_label: str, y_label: str) -> Figure:
    """Items as points; what has a slot stands out from the background."""
    figure, axes = new_axes(theme, height_inches=4.4, x_label=x_label, y_label=y_label)
    axes.grid(visible=False)
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    reach = np.ptp(np.concatenate([kind.points for kind in marks]), axis=0)
    written: list[Values] = []
    for kind in marks:
        is_background = kind.slot is None
        colour = theme.rest if kind.slot is None else theme.series[kind.slot]
        axes.scatter(
            kind.points[:, 0], kind.points[:, 1], s=_SIZES.get(kind.slot, 44), color=colour, linewidths=0.6,
            alpha=0.35 if is_background else 1.0, edgecolors="none" if is_background else theme.surface,
            marker="o" if kind.slot is None else MARKERS[kind.slot], zorder=1 if kind.slot is None else 8 - kind.slot,
        )  # fmt: skip
        for name, point in zip(kind.names, kind.points, strict=False):
            if not _has_room(point, written, reach):
                continue
            written.append(point)
            axes.annotate(
                figure_label(name), (float(point[0]), float(point[1])), xytext=(5, 4), textcoords="offset points",
                color=theme.ink, fontsize=_SMALL - 1, parse_math=False, zorder=9,
            )  # fmt: skip
    shown = [kind for kind in marks if kind.slot is not None]
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[kind.slot or 0], color=theme.series[kind.slot or 0])
        for kind in shown
    ]
    _legend(figure, handles, [kind.label for kind in shown], theme)
    return figure


def _has_room(point: Values, written: Sequence[Values], reach: Values) -> bool:
    """Whether a name beside `point` would lie over none that is there; names reach over a third of the map."""
    return all((np.abs(point - other) > np.array([0.36, 0.035]) * reach).any() for other in written)


def draw_heat(table: Values, rows: Sequence[str], columns: Sequence[str], theme: Theme, *, decimals: int = 2) -> Figure:
    """A cell for each pair: the deeper the colour, the larger the number in it; another colour below 0."""
    height = 1.9 + _CELL_INCHES * len(rows)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    largest = float(np.nanmax(np.abs(table), initial=0)) or 1.0
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            colour = theme.series[0] if value >= 0 else theme.series[1]
            axes.add_patch(Rectangle((column, row), 1, 1, color=colour, alpha=0.6 * abs(value) / largest, linewidth=0))
        text = f"{value:.{decimals}f}" if np.isfinite(value) else "-"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=theme.ink, fontsize=_SMALL - 1)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    axes.set_xticks(np.arange(len(columns)) + 0.5, [figure_label(c) for c in columns], rotation=35, ha="left",
                    parse_math=False)  # fmt: skip
    axes.set_yticks(np.arange(len(rows)) + 0.5, [figure_label(r) for r in rows], parse_math=False)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=theme.ink, labelsize=_SMALL)
    axes.spines[:].set_visible(False)
    return figure


def draw_popularity(counts: Values, theme: Theme, *, x_label: str, y_label: str) -> Figure:
    """Interactions by place, both on a scale of powers of ten; a straight line down is a long tail."""
    figure, axes = new_axes(theme, x_label=x_label, y_label=y_label)
    ordered = np.sort(counts[counts > 0])[::-1]
    places = np.arange(1, len(ordered) + 1)
    # Equally spaced on the scale that is drawn: ten thousand points would only make the file large.
    kept = np.unique(np.geomspace(1, len(ordered), 200).astype(int)) - 1
    axes.plot(places[kept], ordered[kept], color=theme.series[0], linewidth=1.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    return figure


def draw_rates(rates: Sequence[Rate], theme: Theme, *, y_label: str) -> Figure:
    """The share of likes by period with its interval, and how many reactions it rests on."""
    figure, axes = new_axes(theme, height_inches=3.2, x_label="", y_label=y_label)
    at = np.arange(len(rates))
    values, low, high = (np.array([getattr(rate, part) for rate in rates]) for part in ("share", "low", "high"))
    arms = np.stack([values - low, high - values]).clip(min=0)
    axes.errorbar(at, values, yerr=arms, fmt="o-", color=theme.series[0], elinewidth=1.2, capsize=2.5, markersize=5)
    # As many names as can be read, the last period among them.
    named = range(len(rates) - 1, -1, -max(1, -(-len(rates) // _MAX_PERIOD_NAMES)))
    for place in named:
        axes.annotate(
            f"n={rates[place].n}", (place, 0), xytext=(0, 3), textcoords="offset points", ha="center",
            color=theme.muted, fontsize=_SMALL - 1.5,
        )  # fmt: skip
    axes.set_xticks(list(named), [rates[place].period for place in named], rotation=35, ha="right")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def usable(values: Mapping[str, float]) -> list[tuple[str, float]]:
    """Name and number, the largest size first, without what is no number."""
    known = [(name, value) for name, value in values.items() if np.isfinite(value)]
    return sorted(known, key=lambda row: -abs(row[1]))


def _named_rows(axes: Axes, rows: Values, labels: Sequence[str], theme: Theme) -> None:
    axes.set_yticks(rows, [figure_label(label) for label in labels], parse_math=False)
    axes.tick_params(axis="y", length=0, labelcolor=theme.ink)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(rows) - 0.4)


def _legend(figure: Figure, handles: Sequence[Line2D], names: Sequence[str], theme: Theme) -> None:
    legend = figure.legend(
        handles, [figure_label(name) for name in names], loc="outside lower center", ncols=2, frameon=False,
        fontsize=_SMALL, labelcolor=theme.ink,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
