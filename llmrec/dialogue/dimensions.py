"""The words with which people ask for more or less of something that a catalogue may measure, whatever its domain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.words import fold, singular
from llmrec.dialogue.years import year_field


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that can be more or less.

    Attributes:
        fields: Words of the names of number fields that measure it; best first.
        more: Phrases that ask for more of it.
        less: Phrases that ask for less.
        much: Words for having much of it: "too ..." and "less ..." ask for less.
        little: Words for having little.
        is_mood: Whether its words also speak of moods: "something lighter" is no weight where none is recorded.
    """

    fields: tuple[str, ...]
    more: tuple[str, ...]
    less: tuple[str, ...]
    much: tuple[str, ...]
    little: tuple[str, ...]
    is_mood: bool = False


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
    Dimension(("weight",), ("heavier",), ("lighter",), ("heavy",), ("light",), is_mood=True),
    Dimension(
        ("rating", "star", "score"),
        ("better rated", "higher rated", "better reviewed"),
        ("lower rated",),
        ("highly rated",),
        ("poorly rated", "badly rated"),
    ),
    Dimension(
        ("size", "width", "capacity"),
        ("bigger", "larger"),
        ("smaller",),
        ("big", "large", "bulky"),
        ("small", "tiny"),
        is_mood=True,
    ),
)


def field_of(dimension: Dimension, catalogue: Catalogue) -> str:
    """The number field of `catalogue` that measures `dimension`; empty when none does."""
    years = year_field(catalogue)
    if dimension is YEAR and years:
        return years.name
    names = [field.name for field in catalogue.fields.values() if field.kind == "number"]
    by_word = {singular(fold(word)): name for name in reversed(names) for word in re.split(r"[\W_]+", name) if word}
    return next((by_word[word] for word in dimension.fields if word in by_word), "")


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
