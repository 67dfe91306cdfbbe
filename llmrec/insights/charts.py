"""From values to charts with their words: the title asks, the alternative text answers with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages
from llmrec.evaluation.charts import Chart
from llmrec.explanation.telling import telling_in
from llmrec.insights import figures, health, taste
from llmrec.insights.figures import Marks, Values
from llmrec.insights.plane import Plane
from llmrec.insights.subject import Person
from llmrec.insights.words import drawn, labels, words_in
from llmrec.types import ItemId

_MAX_POINTS = 2000  # of the map's background
_MAX_NAMED = 6
_MAX_CANDIDATES = 60
_MAX_WEIGHTS = 14


def taste_chart(name: str, bars: taste.Bars, words: Messages) -> Chart | None:
    """Values of one fact among the user's items, beside their share in the catalogue."""
    if not any(bars.counts):
        return None
    told = (f"{label} {count} ({share:.0%})" for label, count, share in _rows(bars))
    return Chart(
        name,
        words.say("taste", field=bars.field.capitalize()),
        words.say("taste_alt", field=bars.field, told=_listed(told, words)),
        words.say("taste_reading"),
        lambda theme: figures.draw_bars(
            bars.labels, bars.shares, [f"{count}" if count else "" for count in bars.counts], theme,
            x_label=drawn("liked_share"), usual=bars.usual, last_tick=1.0,
        ),
        labels(words),
    )  # fmt: skip


def mood_chart(field: str, moods: Mapping[str, float], words: Messages) -> Chart | None:
    """What the user's items read like, the likest values and the unlikest one."""
    if len(moods) < 2:
        return None
    rows = list(moods.items())
    shown = rows if len(rows) <= taste.MAX_BARS else [*rows[: taste.MAX_BARS - 1], rows[-1]]
    told = (f"{value} {lift:+.1f}" for value, lift in shown)
    return Chart(
        "mood",
        words.say("mood"),
        words.say("mood_alt", field=field, told=_listed(told, words)),
        words.say("mood_reading", field=field),
        lambda theme: figures.draw_bars(
            [value for value, _ in shown], [lift for _, lift in shown], [f"{lift:+.1f}" for _, lift in shown], theme,
            x_label=drawn("deviations"),
        ),
        labels(words),
    )  # fmt: skip


def split_chart(field: str, shares: Sequence[tuple[str, float]], words: Messages) -> Chart | None:
    """How the user's taste divides into kinds, as shares of a whole."""
    if len(shares) < 2:
        return None
    told = (f"{label} {share:.0%}" for label, share in shares[: figures.N_SLICES])
    rest = {"n": len(shares) - figures.N_SLICES, "share": figures.rest_of(shares)}
    others = words_in(DEFAULT_LANGUAGE).say("split_others", **rest)
    return Chart(
        "split",
        words.say("split"),
        words.say("split_alt", field=field, told=_listed(told, words)),
        words.say("split_reading"),
        lambda theme: figures.draw_pie(shares, theme, others=others),
        {others: words.say("split_others", **rest)} if labels(words) else {},
    )


def map_chart(plane: Plane, catalogue: Catalogue, person: Person, words: Messages) -> Chart:
    """The catalogue in two dimensions, with the user's items and what was found for them."""
    n_items = len(catalogue)
    thinned = np.unique(np.linspace(0, n_items - 1, min(n_items, _MAX_POINTS)).astype(int))
    # Candidates are drawn before what is shown, and that before what the user said, so that nothing is hidden.
    candidates = [i for i in person.candidates[:_MAX_CANDIDATES] if i not in person.shown]
    kinds = (("found", 3, candidates), ("shown", 2, person.shown), ("disliked", 1, person.disliked),
             ("liked", 0, person.liked))  # fmt: skip
    marks = [Marks("", None, plane.points[thinned])]
    for kind, slot, item_ids in kinds:
        if item_ids:
            named = tuple(catalogue[i].title for i in item_ids if i in catalogue)[:_MAX_NAMED] if slot in {0, 2} else ()
            marks.append(Marks(drawn(kind), slot, plane.points[catalogue.positions(item_ids)], named))
    told = _listed((words.say(f"map_{kind}", n=len(item_ids)) for kind, _, item_ids in kinds if item_ids), words)
    return Chart(
        "map",
        words.say("map"),
        words.say("map_alt", n=n_items, marks=told or words.say("map_nothing")),
        words.say("map_reading", share=plane.explained),
        lambda theme: figures.draw_map(marks, theme, x_label=drawn("first_axis"), y_label=drawn("second_axis")),
        labels(words),
    )


def heat_chart(
    table: Values, rows: Sequence[str], columns: Sequence[str], words: Messages, *, is_measured: bool
) -> Chart | None:
    """What each of the user's items does for each recommended one."""
    if not table.size or not np.isfinite(table).any():
        return None
    row, column = (int(place) for place in np.unravel_index(int(np.nanargmax(table)), table.shape))
    key = "heat_measured" if is_measured else "heat_alike"
    largest = {"largest": table[row, column], "row": rows[row], "column": columns[column]}
    return Chart(
        "heat",
        words.say(key),
        words.say("heat_alt", rows=len(rows), columns=len(columns), **largest),
        words.say(f"{key}_reading"),
        lambda theme: figures.draw_heat(table, rows, columns, theme),
    )


def voices_chart(voices: Mapping[ItemId, Mapping[str, float]], words: Messages) -> Chart | None:
    """How much each voice had to say about the last reply."""
    names = list(dict.fromkeys(name for parts in voices.values() for name in parts))
    sizes = {name: float(np.mean([abs(parts.get(name, 0.0)) for parts in voices.values()])) for name in names}
    if not any(sizes.values()):
        return None
    english, spoken = telling_in(DEFAULT_LANGUAGE), telling_in(words.language)
    rows = figures.usable(sizes)
    told = (f"{spoken.voice(name)} {size:.2g}" for name, size in rows)
    return Chart(
        "voices",
        words.say("voices"),
        words.say("voices_alt", told=_listed(told, words)),
        words.say("voices_reading"),
        lambda theme: figures.draw_bars(
            [english.voice(name) for name, _ in rows], [size for _, size in rows], [f"{size:.2g}" for _, size in rows],
            theme, x_label=drawn("part_size"),
        ),
        {**labels(words), **{english.voice(name): spoken.voice(name) for name in names if labels(words)}},
    )  # fmt: skip


def weights_chart(weights: Mapping[str, float], words: Messages) -> Chart | None:
    """What the inputs of the learned fusion weigh."""
    rows = figures.usable(weights)[:_MAX_WEIGHTS]
    if not any(weight for _, weight in rows):
        return None
    return Chart(
        "weights",
        words.say("weights"),
        words.say("weights_alt", told=_listed((f"{name} {weight:.2f}" for name, weight in rows[:6]), words)),
        words.say("weights_reading", shown=len(rows), n=len(weights)),
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [weight for _, weight in rows], [f"{weight:.2f}" for _, weight in rows],
            theme, x_label=drawn("weight"),
        ),
        labels(words),
    )  # fmt: skip


def popularity_chart(counts: NDArray[np.int64], words: Messages) -> Chart:
    """How interactions spread over items."""
    ordered = np.sort(counts)[::-1]
    n_top = max(1, len(ordered) // 10)
    share = float(ordered[:n_top].sum() / max(1, ordered.sum()))
    return Chart(
        "popularity",
        words.say("popularity"),
        words.say("popularity_alt", most=int(ordered[0]), share=share),
        words.say("popularity_reading"),
        lambda theme: figures.draw_popularity(
            counts.astype(np.float64), theme, x_label=drawn("place"), y_label=drawn("interactions")
        ),
        labels(words),
    )


def met_chart(counts: NDArray[np.int64], words: Messages) -> Chart:
    """How many items are known by how many interactions."""
    rows = health.met_by(counts)
    told = (f"{words.say(f'drawn:met_{low}')} {n:,}" for low, n in rows)
    return Chart(
        "known",
        words.say("known"),
        words.say("known_alt", told=_listed(told, words)),
        words.say("known_reading", n=rows[0][1], n_items=max(1, len(counts))),
        lambda theme: figures.draw_bars(
            [drawn(f"met_{low}") for low, _ in rows], [float(n) for _, n in rows], [f"{n:,}" for _, n in rows], theme,
            x_label=drawn("items"),
        ),
        labels(words),
    )  # fmt: skip


def filled_chart(catalogue: Catalogue, words: Messages) -> Chart:
    """Which facts items have."""
    described, facts = health.described(catalogue), health.filled(catalogue)
    told = (f"{name} {share:.0%}" for name, share in ((words.say("drawn:description"), described), *facts))
    rows = [(drawn("description"), described), *facts]
    return Chart(
        "filled",
        words.say("filled"),
        words.say("filled_alt", told=_listed(told, words)),
        words.say("filled_reading", n=round((1 - described) * len(catalogue)), n_items=len(catalogue)),
        lambda theme: figures.draw_bars(
            [name for name, _ in rows], [share for _, share in rows], [f"{share:.0%}" for _, share in rows], theme,
            x_label=drawn("items_share"), last_tick=1.0,
        ),
        labels(words),
    )  # fmt: skip


def rates_chart(rates: Sequence[health.Rate], words: Messages) -> Chart | None:
    """How users' reactions go."""
    if not rates:
        return None
    last = rates[-1]
    return Chart(
        "reactions",
        words.say("rates"),
        words.say("rates_alt", share=last.share, n=last.n, period=last.period, low=last.low, high=last.high),
        words.say("rates_reading"),
        lambda theme: figures.draw_rates(rates, theme, y_label=drawn("likes_share")),
        labels(words),
    )


def _rows(bars: taste.Bars) -> list[tuple[str, int, float]]:
    return [row for row in zip(bars.labels, bars.counts, bars.shares, strict=True) if row[1]]


def _listed(parts: Iterable[str], words: Messages) -> str:
    return words.say("comma").join(parts)
