"""The loss curve and the validation orders of a run as one picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from llmrec.evaluation.figure_style import DASHES, LIGHT, MARKERS, new_axes, save_png

_SERIES = {"eval_lm": "LM alone", "eval_fused": "fused", "eval_retrieval": "retriever"}
Entry = Mapping[str, float]


def draw_curves(curve: Path, picture: Path) -> None:
    """Draw `curve`, a file of JSON lines, into `picture` (PNG)."""
    entries = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    figure, axes = new_axes(LIGHT, x_label="step", y_label="NDCG@10 on validation")
    for place, (key, name) in enumerate(_SERIES.items()):
        _line(axes, entries, key, name, place)
    losses = axes.twinx()
    losses.plot(*_columns(entries, "loss"), color=LIGHT.rest, linewidth=1, alpha=0.7, label="loss (right)")
    losses.set_ylabel("loss", color=LIGHT.muted)
    losses.tick_params(colors=LIGHT.muted)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8, labelcolor=LIGHT.ink)
    save_png(figure, picture, theme=LIGHT, alt="Loss and validation NDCG@10 over training steps.")


def _line(axes: Axes, entries: Sequence[Entry], key: str, name: str, place: int) -> None:
    axes.plot(
        *_columns(entries, key),
        color=LIGHT.series[place],
        marker=MARKERS[place],
        linestyle=DASHES[place],
        markersize=4,
        label=name,
    )


def _columns(entries: Sequence[Entry], key: str) -> tuple[list[float], list[float]]:
    known = [entry for entry in entries if key in entry]
    return [entry["step"] for entry in known], [entry[key] for entry in known]
