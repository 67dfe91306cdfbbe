"""Every exact reader of conditions, over one message."""

from __future__ import annotations

from collections.abc import Mapping

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.amounts import AmountReader
from llmrec.dialogue.reading import Reading
from llmrec.dialogue.values import ValueReader
from llmrec.dialogue.words import mask
from llmrec.dialogue.years import YearReader, year_field


class ConstraintGrammar:
    """Reads hard conditions on the facts of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Prepare readers for the kinds of facts the catalogue has."""
        years = year_field(catalogue)
        self._amounts = AmountReader(catalogue)
        self._years = YearReader(years) if years else None
        self._values = ValueReader(catalogue)

    @property
    def chinese(self) -> Mapping[str, str]:
        """Chinese words for values of facts, each with the value as the catalogue has it."""
        return self._values.chinese

    def names_value(self, text: str) -> bool:
        """Whether `text` as a whole is a value of some fact."""
        return self._values.names_value(text)

    def read(self, text: str) -> tuple[Reading, ...]:
        """All conditions in `text`, in the order they stand; no place is read twice."""
        readings = list(self._amounts.read(text))
        rest = mask(text, (reading.span for reading in readings))
        if self._years is not None:
            years = self._years.read(rest)
            readings += years
            rest = mask(rest, (reading.span for reading in years))
        readings += self._values.read(rest)
        return tuple(sorted(readings, key=lambda reading: reading.span.start))
