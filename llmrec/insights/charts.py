"""From values to charts with their words: the title asks, the alternative text answers with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.charts import Chart
from llmrec.insights import figures, health, taste
from llmrec.insights.figures import Marks, Values
from llmrec.insights.plane import Plane
from llmrec.insights.subject import Person
from llmrec.types import ItemId

_MAX_POINTS = 2000  # of the map's background
_MAX_NAMED = 6
_MAX_CANDIDATES = 60
_MAX_WEIGHTS = 14


def taste_chart(name: str, bars: taste.Bars) -> Chart | None:
    """Values of one fact among the user's items, beside their share in the catalogue."""
    if not any(bars.counts):
        return None
    told = _listed(f"{label} {count} ({share:.0%})" for label, count, share in _rows(bars))
    return Chart(
        name,
        f"{bars.field.capitalize()} of what you like",
        f"Bars of {bars.field} among the items you like: {told}.",
        "Each bar is the share of the items you like; the line is the share in the whole catalogue."
        " An item may have several values.",
        lambda theme: figures.draw_bars(
            bars.labels, bars.shares, [f"{count}" if count else "" for count in bars.counts], theme,
            x_label="share of the items you like", usual=bars.usual, last_tick=1.0,
        ),
    )  # fmt: skip


def mood_chart(field: str, moods: Mapping[str, float]) -> Chart | None:
    """What the user's items read like, the likest values and the unlikest one."""
    if len(moods) < 2:
        return None
    rows = list(moods.items())
    shown = rows if len(rows) <= taste.MAX_BARS else [*rows[: taste.MAX_BARS - 1], rows[-1]]
    return Chart(
        "mood",
        "What your items read like",
        f"Likeness of your items' texts to {field}: {_listed(f'{value} {lift:+.1f}' for value, lift in shown)}.",
        f"Inferred from texts alone, whatever your items are filed under: nearness to the average item of each value of"
        f" {field}, in standard deviations above a usual item.",
        lambda theme: figures.draw_bars(
            [value for value, _ in shown], [lift for _, lift in shown], [f"{lift:+.1f}" for _, lift in shown], theme,
            x_label="standard deviations above a usual item",
        ),
    )  # fmt: skip


def split_chart(field: str, shares: Sequence[tuple[str, float]]) -> Chart | None:
    """How the user's taste divides into kinds, as shares of a whole."""
    if len(shares) < 2:
        return None
    told = _listed(f"{label} {share:.0%}" for label, share in shares[: figures.N_SLICES])
    return Chart(
        "split",
        "How your taste divides",
        f"Pie of {field}: {told}.",
        "All items you like make the whole; an item with several values is divided evenly among them.",
        lambda theme: figures.draw_pie(shares, theme),
    )


def map_chart(plane: Plane, catalogue: Catalogue, person: Person) -> Chart:
    """The catalogue in two dimensions, with the user's items and what was found for them."""
    n_items = len(catalogue)
    thinned = np.unique(np.linspace(0, n_items - 1, min(n_items, _MAX_POINTS)).astype(int))
    # Candidates are drawn before what is shown, and that before what the user said, so that nothing is hidden.
    candidates = [i for i in person.candidates[:_MAX_CANDIDATES] if i not in person.shown]
    kinds = (("found today", 3, candidates), ("shown", 2, person.shown), ("not for you", 1, person.disliked),
             ("you like", 0, person.liked))  # fmt: skip
    marks = [Marks("", None, plane.points[thinned])]
    for label, slot, item_ids in kinds:
        if item_ids:
            named = tuple(catalogue[i].title for i in item_ids if i in catalogue)[:_MAX_NAMED] if slot in {0, 2} else ()
            marks.append(Marks(label, slot, plane.points[catalogue.positions(item_ids)], named))
    counts = _listed(f"{len(item_ids)} {label}" for label, _, item_ids in kinds if item_ids)
    return Chart(
        "map",
        "Where it lies in the catalogue",
        f"A map of {n_items:,} items by their texts, with {counts or 'nothing of yours yet'}.",
        f"Near means: their texts say alike things. Two axes keep {plane.explained:.0%} of the differences,"
        " so distances are a hint, not a measure.",
        lambda theme: figures.draw_map(marks, theme),
    )


def heat_chart(table: Values, rows: Sequence[str], columns: Sequence[str], *, is_measured: bool) -> Chart | None:
    """What each of the user's items does for each recommended one."""
    if not table.size or not np.isfinite(table).any():
        return None
    row, column = (int(place) for place in np.unravel_index(int(np.nanargmax(table)), table.shape))
    what = "What your items add" if is_measured else "How alike your items are"
    reading = (
        "Measured: how far the score of the column falls when the row is taken out of what the retrievers know of you,"
        " in standard deviations of the slate. The language model is not asked for this."
        if is_measured
        else "Cosine of the two items' texts; likeness, not cause."
    )
    return Chart(
        "heat",
        f"{what}, for each recommendation",
        f"A table of {len(rows)} of your items and {len(columns)} recommendations; the largest number,"
        f" {table[row, column]:.2f}, is of {rows[row]} and {columns[column]}.",
        reading,
        lambda theme: figures.draw_heat(table, rows, columns, theme),
    )


def voices_chart(voices: Mapping[ItemId, Mapping[str, float]]) -> Chart | None:
    """How much each voice had to say about the last reply."""
    names = list(dict.fromkeys(name for parts in voices.values() for name in parts))
    sizes = {name: float(np.mean([abs(parts.get(name, 0.0)) for parts in voices.values()])) for name in names}
    if not any(sizes.values()):
        return None
    rows = figures.usable(sizes)
    return Chart(
        "voices",
        "Who decided the last answer",
        f"Mean size of each voice's part of the score: {_listed(f'{name} {size:.2g}' for name, size in rows)}.",
        "Mean size of what each voice added to the scores of the shown items, for or against.",
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [size for _, size in rows], [f"{size:.2g}" for _, size in rows], theme,
            x_label="mean size of its part of the score",
        ),
    )  # fmt: skip


def weights_chart(weights: Mapping[str, float]) -> Chart | None:
    """What the inputs of the learned fusion weigh."""
    rows = figures.usable(weights)[:_MAX_WEIGHTS]
    if not any(weight for _, weight in rows):
        return None
    return Chart(
        "weights",
        "What the retrievers listen to",
        f"Learned weights: {_listed(f'{name} {weight:.2f}' for name, weight in rows[:6])}.",
        f"The {len(rows)} largest of {len(weights)}, learned from held-out interactions; all inputs have one scale, so"
        " weights can be compared. Below 0, an input counts against an item.",
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [weight for _, weight in rows], [f"{weight:.2f}" for _, weight in rows],
            theme, x_label="weight",
        ),
    )  # fmt: skip


def popularity_chart(counts: NDArray[np.int64]) -> Chart:
    """How interactions spread over items."""
    ordered = np.sort(counts)[::-1]
    n_top = max(1, len(ordered) // 10)
    share = float(ordered[:n_top].sum() / max(1, ordered.sum()))
    return Chart(
        "popularity",
        "How attention is spread",
        f"Interactions by item: the most met has {int(ordered[0]):,}; the first tenth of the items has {share:.0%}"
        " of all interactions.",
        "Items by how often they were met, both axes in powers of ten.",
        lambda theme: figures.draw_popularity(counts.astype(np.float64), theme),
    )


def met_chart(counts: NDArray[np.int64]) -> Chart:
    """How many items are known by how many interactions."""
    rows = health.met_by(counts)
    n_items = max(1, len(counts))
    return Chart(
        "known",
        "How well items are known",
        f"Items by interactions: {_listed(f'{name} {n:,}' for name, n in rows)}.",
        f"{rows[0][1]:,} of {n_items:,} items were met by nobody: only their texts and facts can recommend them.",
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [float(n) for _, n in rows], [f"{n:,}" for _, n in rows], theme,
            x_label="items",
        ),
    )  # fmt: skip


def filled_chart(catalogue: Catalogue) -> Chart:
    """Which facts items have."""
    rows = health.filled(catalogue)
    missing = round((1 - rows[0][1]) * len(catalogue))
    return Chart(
        "filled",
        "What is known of items",
        f"Share of items that have each fact: {_listed(f'{name} {share:.0%}' for name, share in rows)}.",
        f"{missing:,} of {len(catalogue):,} items have no description. What is missing cannot be asked for.",
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [share for _, share in rows], [f"{share:.0%}" for _, share in rows], theme,
            x_label="share of the items", last_tick=1.0,
        ),
    )  # fmt: skip


def rates_chart(rates: Sequence[health.Rate]) -> Chart | None:
    """How users' reactions go."""
    if not rates:
        return None
    last = rates[-1]
    return Chart(
        "reactions",
        "How reactions go",
        f"Share of likes by period; last {last.share:.0%} of {last.n} in {last.period}, 95 % interval {last.low:.0%}"
        f" to {last.high:.0%}.",
        "Likes among likes and dislikes of all users together, with 95 % intervals.",
        lambda theme: figures.draw_rates(rates, theme),
    )


def _rows(bars: taste.Bars) -> list[tuple[str, int, float]]:
    return [row for row in zip(bars.labels, bars.counts, bars.shares, strict=True) if row[1]]


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
