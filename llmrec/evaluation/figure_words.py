"""Fixed words of a figure said in another language: as text of the page, in the reader's own fonts.

Figures are drawn in English with letters as paths. Most servers lack a font with other scripts, browsers do not; so the
words that are the program's own become text, never what comes from data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.text import Text

_SCALE = re.compile(r"\s*scale\(([\d.]+) [-\d.]+\)")
_FONT_UNITS = 100  # matplotlib draws letters at this size and scales them
_ANCHORS: Mapping[str, tuple[str, float]] = {"left": ("start", 0.0), "center": ("middle", 0.5), "right": ("end", 1.0)}


@dataclass(frozen=True, slots=True)
class Placed:
    """A word in a figure.

    Attributes:
        said: The word in the other language.
        anchor: Which part of it stays where it was: `start`, `middle` or `end`.
        at: How far along the drawn word that part is, in points.
    """

    said: str
    anchor: str
    at: float


def mark(figure: Figure, words: Mapping[str, str]) -> Mapping[str, Placed]:
    """Gives each text of `figure` that is one of `words` an id, and says what stands there instead, by id."""
    if not words:
        return {}
    figure.draw_without_rendering()  # until then axes have no texts
    placed: dict[str, Placed] = {}
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text.get_text() in words:
            extent = text.get_window_extent()
            drawn = extent.height if text.get_rotation() else extent.width
            anchor, share = _ANCHORS[text.get_horizontalalignment()]
            word_id = f"word-{len(placed)}"
            text.set_gid(word_id)
            placed[word_id] = Placed(words[text.get_text()], anchor, share * drawn * 72 / figure.dpi)
    return placed


def reword(root: ElementTree.Element, placed: Mapping[str, Placed]) -> None:
    """Puts text in the place of the letters drawn under each id; the shapes of letters stay, for others use them."""
    for group in list(root.iter()):
        word = placed.get(group.attrib.get("id", ""))
        if word is None or not len(group):
            continue
        letters = group[0]
        transform = letters.attrib.get("transform", "")
        size = _SCALE.search(transform)
        if size is None:
            continue
        for child in [child for child in letters if not child.tag.endswith("defs")]:
            letters.remove(child)
        text = ElementTree.SubElement(group, letters.tag.replace("}g", "}text"))
        text.text = word.said
        style = f"{letters.attrib.get('style', '')}; font-size: {_FONT_UNITS * float(size[1]):g}px"
        place = {"transform": _SCALE.sub("", transform), "x": f"{word.at:g}", "text-anchor": word.anchor}
        text.attrib.update({**place, "style": style})
