"""What the page offers to say next: critiques and reasons, in words that the conversation understands.

The words are the conversation's own (`llmrec.dialogue.dimensions`), or how the page says those in another language, and
the catalogue's facts; none is known here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.dimensions import DIMENSIONS, IMPLIED, YEAR, Dimension
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages
from llmrec.dialogue.words import fold, singular
from llmrec.dialogue.years import year_field
from llmrec.types import Item
from llmrec.ui.examples import kind_field

_MAX_CHIPS = 6
_MAX_KINDS = 2
_MAX_REASONS = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is not wanted: what the button says, and the message it stands for."""

    label: str
    message: str


class Critiques:
    """Critiques of one catalogue's items."""

    def __init__(self, catalogue: Catalogue, words: Messages) -> None:
        """Look up which dimensions `catalogue` measures; speak in `words`."""
        self._catalogue = catalogue
        self._words = words

    def chips(self, items: Sequence[Item]) -> tuple[str, ...]:
        """Messages that critique `items` together, at most six; none without items."""
        if not items:
            return ()
        measured = (said for dimension, name in self._measured for said in self._directions(dimension, name, items))
        kinds = [kind for kind, _ in Counter(kind for item in items for kind in self._kinds(item)).most_common()]
        # Several qualities speak of one value; the first of them is enough.
        first: dict[tuple[str, ...], str] = {}
        for quality, values in IMPLIED.items():
            first.setdefault(values, quality)
        known = [self._word(quality) for values, quality in first.items() if _any_of(values, kinds)]
        qualities = [self._words.say("less_quality", quality=word) for word in known if word]
        without = (self._words.say("no_value", value=kind) for kind in kinds[:_MAX_KINDS])
        said = filter(None, [*measured, *qualities[:_MAX_KINDS], *without])
        return tuple(dict.fromkeys(said))[:_MAX_CHIPS]

    def reasons(self, item: Item) -> tuple[Reason, ...]:
        """Why somebody may not want `item`, from its own facts."""
        found = [Reason(kind, self._words.say("no_value", value=kind)) for kind in self._kinds(item)]
        for dimension, name in self._measured:
            if name in item.facts:
                found += self._too(dimension.little[0], dimension.more[0], item)
                found += self._too(dimension.much[0], dimension.less[0], item)
        return tuple(found[:_MAX_REASONS])

    def _too(self, quality: str, other: str, item: Item) -> Iterator[Reason]:
        """That `item` has too much of a quality, where the page can say so, which asks for the `other`."""
        if word := self._word(quality):
            message = self._words.say("say_too", word=word, other=other, title=item.title)
            yield Reason(self._words.say("too", word=word), message)

    def _word(self, word: str) -> str:
        """One of the conversation's words as the page says it; empty where its language has none."""
        key = f"word_{word}"
        if key in self._words.keys:
            return self._words.say(key)
        return word if self._words.language == DEFAULT_LANGUAGE else ""

    @cached_property
    def _measured(self) -> tuple[tuple[Dimension, str], ...]:
        """Dimensions that a number field of the catalogue measures, with its name."""
        return tuple((dimension, name) for dimension in DIMENSIONS if (name := self._field_of(dimension)))

    def _field_of(self, dimension: Dimension) -> str:
        years = year_field(self._catalogue)
        if dimension is YEAR:
            return years.name if years else ""
        numbers = [field.name for field in self._catalogue.fields.values() if field.kind == "number"]
        by_word = {singular(fold(word)): name for name in numbers for word in re.split(r"[\W_]+", name) if word}
        return next((by_word[word] for word in dimension.fields if word in by_word), "")

    def _directions(self, dimension: Dimension, name: str, items: Sequence[Item]) -> Iterator[str]:
        """More and less, where the catalogue has anything beyond what is shown."""
        values = [value for item in items if isinstance(value := item.facts.get(name), (int, float))]
        field = self._catalogue.fields[name]
        if values and max(values) < field.high:
            yield self._word(dimension.more[0])
        if values and min(values) > field.low:
            yield self._word(dimension.less[0])

    def _kinds(self, item: Item) -> tuple[str, ...]:
        field = self._kind_field
        value = item.facts.get(field) if field else None
        return value if isinstance(value, tuple) else (str(value),) if value else ()

    @cached_property
    def _kind_field(self) -> str:
        field = kind_field(self._catalogue)
        return field.name if field else ""


def _any_of(values: Sequence[str], kinds: Sequence[str]) -> bool:
    known = {singular(fold(kind)) for kind in kinds}
    return any(singular(fold(value)) in known for value in values)
