"""Figures are told apart by everyone, take any name, and leave the rest of the program as it was."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from llmrec.evaluation.figure_style import DARK, DASHES, LIGHT, MARKERS, Theme, figure_label, save_png, svg_markup
from llmrec.evaluation.figures import Bar, Line, draw_bars, draw_curves
from llmrec.evaluation.panels import N_TOLD_APART

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
NOTHING = np.full(3, np.nan)


def line(name: str, slot: int | None = 0) -> Line:
    x = np.array([1.0, 10.0, 50.0])
    return Line(name, slot, x, x / 50, NOTHING, NOTHING)


def luminance(colour: str) -> float:
    """Of `#rrggbb`, in [0, 1]. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """Linear colour as seen through `matrix`, each part in [0, 1]."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.clip(np.array(matrix) @ linear, 0, 1) ** (1 / 2.2)


@THEMES
def test_lines_and_text_stand_out_from_what_is_behind(theme: Theme) -> None:
    for colour in (*theme.series, theme.rest):
        assert contrast(colour, theme.surface) >= 3, colour
    for colour in (theme.ink, theme.muted):
        assert contrast(colour, theme.surface) >= 4.5, colour


@THEMES
@pytest.mark.parametrize(
    "matrix",
    [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ],
    ids=["protan", "deutan"],
)  # Source: Machado, Oliveira & Fernandes 2009, severity 1.
def test_the_first_colours_differ_without_red_or_green(theme: Theme, matrix: list[list[float]]) -> None:
    for a, b in combinations(theme.series[:3], 2):
        assert np.linalg.norm(seen(a, matrix) - seen(b, matrix)) > 0.2, (a, b)


def test_shapes_say_what_colours_do() -> None:
    assert len(LIGHT.series) == len(DARK.series) == len(set(MARKERS)) == len(DASHES) == N_TOLD_APART


@THEMES
def test_every_colour_has_one_role(theme: Theme) -> None:
    colours = list(theme.variables().values())
    assert len(colours) == len(set(colours))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ease", "ease"),
        ("two\nlines", "two lines"),
        ("日本", "\ufffd\ufffd"),
        ("a" * 30, "a" * 23 + "…"),
        ("_hidden", "_hidden"),
    ],
)
def test_a_label_holds_what_the_font_can_show(name: str, shown: str) -> None:
    assert figure_label(name) == shown


@pytest.mark.parametrize("name", ["$x_$", "_hidden", "日本語", "<b>", "", r"$\frac{$"])
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    curves, bars = [line(name), line("other", 1)], [Bar(name, 0.5, np.nan, np.nan, leads=True)]
    for figure in (draw_curves(curves, LIGHT, y_label="R@k"), draw_bars(bars, LIGHT, x_label="R@10")):
        save_png(figure, tmp_path / "drawn.png", theme=LIGHT, alt=name)
        assert (tmp_path / "drawn.png").stat().st_size > 1000
    assert len(draw_curves(curves, LIGHT, y_label="R@k").legends[0].get_texts()) == 2


def test_markup_holds_no_text_of_data_but_the_alt_text() -> None:
    figure = draw_curves([line("secret")], LIGHT, y_label="R@k")
    markup = svg_markup(figure, drawn_in=LIGHT, name="f", alt='5 < 6 & "so on"')
    root = ElementTree.fromstring(markup)
    assert root.attrib["aria-label"] == '5 < 6 & "so on"'
    assert "secret" not in markup
    assert "http" not in markup
    assert {element.tag for element in root.iter()} <= {"svg", "g", "defs", "path", "use", "clipPath", "rect"}


def test_drawing_leaves_global_state_alone() -> None:
    code = (
        "import sys, matplotlib, numpy as np\n"
        "before = matplotlib.rcParams.copy()\n"
        "from llmrec.evaluation import figures, figure_style as style\n"
        "one = np.ones(1)\n"
        "line = figures.Line('a', 0, one, one, one, one)\n"
        "figure = figures.draw_curves([line], style.LIGHT, y_label='y')\n"
        "style.svg_markup(figure, drawn_in=style.LIGHT, name='f', alt='')\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_help_needs_no_plotting() -> None:
    code = "import sys; from llmrec.cli import main, evaluate; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
