"""How every figure of a report looks, in light and dark, and how it becomes a PNG file or markup of a page.

Colours are those of Okabe & Ito (2008), told apart by all common kinds of colour vision; a marker and a dash pattern
say the same again, for print in grey. Nothing here touches matplotlib's global state: no pyplot, no settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.typing import LineStyleType

from llmrec.evaluation.figure_words import mark, reword

# A phone shows about 345 points: text of a figure this wide keeps its size there.
WIDTH_INCHES = 4.8
FONT_POINTS = 10.5
_DPI = 200
_MAX_LABEL_CHARS = 24
_UNKNOWN_GLYPH = "\ufffd"
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_REFERENCE = re.compile(r"#([\w.-]+)")


@dataclass(frozen=True)
class Theme:
    """Colours by their role, as `#rrggbb`.

    Attributes:
        name: `light` or `dark`; part of a file's name.
        surface: Behind everything.
        ink: Text, and what is to be seen first.
        muted: Text and lines of second order.
        grid: Lines behind the data.
        rest: Data that is shown but not told apart.
        series: Data that is told apart, in the order of use.
    """

    name: str
    surface: str
    ink: str
    muted: str
    grid: str
    rest: str
    series: tuple[str, ...]

    def variables(self) -> Mapping[str, str]:
        """Each colour under the name of the page's CSS variable that stands for it."""
        roles = {
            "surface": self.surface,
            "ink": self.ink,
            "muted": self.muted,
            "grid": self.grid,
            "rest": self.rest,
        }
        return {**roles, **{f"series-{number}": colour for number, colour in enumerate(self.series, start=1)}}


# Yellow and sky blue of the eight are left out; orange and purple are darkened on white, the others lightened on dark,
# for a line needs a contrast of 3 to 1 with what is behind it (WCAG 1.4.11).
LIGHT = Theme(
    name="light",
    surface="#ffffff",
    ink="#1b1f24",
    muted="#57606a",
    grid="#d8dee4",
    rest="#8c959f",
    series=("#0072b2", "#d55e00", "#009e73", "#bf6493", "#b87f00"),
)
DARK = Theme(
    name="dark",
    surface="#12161c",
    ink="#eceff3",
    muted="#a5b0bc",
    grid="#333c47",
    rest="#6e7883",
    series=("#3d9bd6", "#e8732c", "#1fb58a", "#d98fb8", "#e69f00"),
)
N_SERIES = len(LIGHT.series)
MARKERS = ("o", "s", "^", "D", "v")
DASHES: tuple[LineStyleType, ...] = ("-", "-", "-", (0, (5, 2)), (0, (1.5, 1.5)))


def new_axes(theme: Theme, *, height_inches: float = 3.3, x_label: str, y_label: str = "") -> tuple[Figure, Axes]:
    """An empty figure as wide as all others, and its one pair of axes with a quiet frame."""
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.muted)
    axes.tick_params(colors=theme.muted, labelcolor=theme.muted, labelsize=FONT_POINTS - 1, length=3)
    axes.grid(color=theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label, color=theme.muted, fontsize=FONT_POINTS, parse_math=False)
    axes.set_ylabel(y_label, color=theme.muted, fontsize=FONT_POINTS, parse_math=False)
    return figure, axes


def figure_label(name: str) -> str:
    """`name` as a figure can show it: on one line, cut when long, with a sign for what the font lacks."""
    known = _known_characters()
    line = "".join(char if ord(char) in known else _UNKNOWN_GLYPH for char in " ".join(name.split()))
    return line if len(line) <= _MAX_LABEL_CHARS else line[: _MAX_LABEL_CHARS - 1] + "…"


def save_png(figure: Figure, path: Path, *, theme: Theme, alt: str) -> None:
    """Write `figure` on the theme's surface, `alt` in the file's description."""
    figure.savefig(path, dpi=_DPI, facecolor=theme.surface, metadata={"Description": alt, "Software": None})


def svg_markup(
    figure: Figure, *, drawn_in: Theme, name: str, alt: str, words: Mapping[str, str] = MappingProxyType({})
) -> str:
    """`figure` as an `<svg>` element for a page: transparent, its colours the page's CSS variables.

    Letters are drawn as paths, so nothing from the data is text in it; ids start with `name`, so that several figures
    share a page; there is no address in it. `words` says what a page in another language has for words of the figure;
    those are text.
    """
    placed = mark(figure, words)
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # Made two lines above: nobody else's XML is read here. Comments, which repeat every text, are not kept.
    root = ElementTree.fromstring(buffer.getvalue())
    reword(root, placed)
    _rename_ids(root, name)
    _use_variables(root, drawn_in)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib.update({"class": "chart", "role": "img", "aria-label": alt, "focusable": "false"})
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Number ids, which matplotlib draws at random, and drop namespaces, styles and metadata."""
    for parent in list(root.iter()):
        for child in [child for child in parent if _bare(child.tag) in {"metadata", "style"}]:
            parent.remove(child)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    numbered = {old: f"{name}-{number}" for number, old in enumerate(dict.fromkeys(ids))}
    for element in root.iter():
        element.tag = _bare(element.tag)
        element.attrib = {_bare(key): _renamed(value, numbered) for key, value in element.attrib.items()}
        if "id" in element.attrib:
            element.attrib["id"] = numbered[element.attrib["id"]]


def _renamed(value: str, numbered: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: "#" + numbered.get(match[1], match[1]), value)


def _use_variables(root: ElementTree.Element, theme: Theme) -> None:
    names = {colour: f"var(--{variable})" for variable, colour in theme.variables().items()}
    for element in root.iter():
        if "style" in element.attrib:
            style = element.attrib["style"]
            element.attrib["style"] = _HEX.sub(lambda match: names.get(match[0].lower(), match[0]), style)


def _bare(name: str) -> str:
    return name.rpartition("}")[2]


@lru_cache(maxsize=1)
def _known_characters() -> frozenset[int]:
    """Code points of the font that figures are set in."""
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
