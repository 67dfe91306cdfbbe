"""The words with which people ask for more or less of something that a catalogue may measure, whatever its domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that can be more or less.

    Attributes:
        fields: Words of the names of number fields that measure it; best first.
        more: Phrases that ask for more of it.
        less: Phrases that ask for less.
        much: Words for having much of it: "too ..." and "less ..." ask for less.
        little: Words for having little.
    """

    fields: tuple[str, ...]
    more: tuple[str, ...]
    less: tuple[str, ...]
    much: tuple[str, ...]
    little: tuple[str, ...]


YEAR = Dimension(
    ("year",),
    ("newer", "more recent", "more modern", "more current", "later"),
    ("older", "earlier", "more classic"),
    ("new", "recent", "modern"),
    ("old", "dated", "outdated", "old-fashioned"),
)
DIMENSIONS: tuple[Dimension, ...] = (
    YEAR,
    Dimension(
        ("price", "cost"),
        ("pricier", "more expensive", "dearer"),
        ("cheaper", "less expensive", "less pricey", "less costly", "more affordable", "lower priced"),
        ("expensive", "pricey", "dear", "costly", "much money"),
        ("cheap",),
    ),
    Dimension(
        ("runtime", "duration", "minute", "length", "page"),
        ("longer",),
        ("shorter", "quicker"),
        ("long", "lengthy"),
        ("short",),
    ),
    Dimension(("weight",), ("heavier",), ("lighter",), ("heavy",), ("light",)),
    Dimension(
        ("rating", "star", "score"),
        ("better rated", "higher rated", "better reviewed"),
        ("lower rated",),
        ("highly rated",),
        ("poorly rated", "badly rated"),
    ),
    Dimension(
        ("size", "width", "capacity"), ("bigger", "larger"), ("smaller",), ("big", "large", "bulky"), ("small", "tiny")
    ),
)

# What the opposite of an unwanted quality is called: "not" is no direction for an encoder, its opposite is one.
OPPOSITES: Mapping[str, str] = {
    "scary": "gentle", "frightening": "gentle", "creepy": "gentle", "violent": "gentle", "violence": "gentle",
    "gory": "gentle", "gore": "gentle", "bloody": "gentle", "blood": "gentle", "brutal": "gentle", "graphic": "gentle",
    "disturbing": "gentle", "dark": "light, hopeful", "grim": "light, hopeful", "bleak": "light, hopeful",
    "gloomy": "light, hopeful", "depressing": "cheerful, hopeful", "sad": "cheerful, hopeful", "heavy": "light",
    "serious": "light, funny", "slow": "gripping, fast", "boring": "gripping", "dull": "gripping",
    "silly": "serious, clever", "stupid": "serious, clever", "goofy": "serious", "childish": "grown-up",
    "complicated": "simple", "complex": "simple", "confusing": "simple, clear", "difficult": "easy", "hard": "easy",
    "loud": "quiet", "noisy": "quiet", "predictable": "surprising", "cheesy": "understated", "sappy": "understated",
    "sentimental": "understated", "weird": "down-to-earth", "strange": "down-to-earth", "long": "short",
    "short": "long", "big": "small", "large": "small", "bulky": "small", "small": "large", "tiny": "large",
    "mainstream": "little-known", "popular": "little-known", "obscure": "well-known", "fast": "calm, slow",
    "intense": "calm", "old": "new", "light": "serious", "expensive": "cheap", "funny": "serious", "romantic": "sober",
}  # fmt: skip

# Values that a quality speaks of when the catalogue has them.
IMPLIED: Mapping[str, tuple[str, ...]] = {
    "scary": ("horror", "恐怖"), "frightening": ("horror", "恐怖"), "creepy": ("horror", "恐怖"),
    "funny": ("comedy", "humour", "humor"),
    "violent": ("violence",), "gory": ("gore",), "bloody": ("gore",), "sad": ("tragedy",), "childish": ("children",),
}  # fmt: skip
