"""What vague words can come to mean over one catalogue: its own values, and the ends of its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.concepts import Concept
from llmrec.dialogue.dimensions import DIMENSIONS, field_of
from llmrec.dialogue.values import value_key
from llmrec.dialogue.words import fold, singular
from llmrec.types import Constraint

LOW, HIGH, YES = "low", "high", "yes"
_MAX_VALUES = 60
_ENDS = {"less": LOW, "more": HIGH}
_THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One value that is leant towards, or away from where it is not wanted: `genres=Comedy`, `not price=high`.

    Attributes:
        value: A value as the catalogue has it, `low` or `high` of a number, `yes` of a flag.
    """

    field: str
    value: str
    wanted: bool = True

    def __str__(self) -> str:
        """In short: `not price=high`."""
        return f"{'' if self.wanted else 'not '}{self.field}={self.value}"

    def turned(self) -> Meaning:
        """The opposite stance to the same value."""
        return Meaning(self.field, self.value, not self.wanted)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The fields and values that can be meant.

    Attributes:
        values: By field, in the catalogue's order.
        bounds: By number field what `low` is at most and what `high` is at least.
    """

    values: Mapping[str, tuple[str, ...]]
    bounds: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, catalogue: Catalogue, concepts: Sequence[Concept]) -> Self:
        """Fields that hold kinds, by a value that `concepts` know; flags; numbers that people ask more or less of."""
        known = {value_key(name) for concept in concepts if not concept.direction for name in concept.names}
        values: dict[str, tuple[str, ...]] = {}
        for field in catalogue.fields.values():
            if field.kind == "flag":
                values[field.name] = (YES,)
            elif any(value_key(value) in known for value in field.values):
                values[field.name] = field.values[:_MAX_VALUES]
        bounds = {name: _thirds(catalogue, name) for d in DIMENSIONS if (name := field_of(d, catalogue))}
        values |= dict.fromkeys(bounds, (LOW, HIGH))
        return cls(values, bounds)

    def meant_by(self, concept: Concept) -> tuple[Meaning, ...]:
        """The values that `concept` is here; none where the catalogue has nothing of the kind."""
        if concept.direction:
            fields = [name for name in self.bounds if _words(name) & set(map(singular, concept.names))]
            return tuple(Meaning(name, _ENDS[concept.direction]) for name in fields)
        return self._called(concept.names) or self._called(concept.instead)

    def _called(self, any_of: Sequence[str]) -> tuple[Meaning, ...]:
        names = {value_key(name) for name in any_of}
        return tuple(
            Meaning(field, value)
            for field, listed in self.values.items()
            if field not in self.bounds
            for value in listed
            if value_key(field if value == YES else value) in names
        )

    def constraint(self, meaning: Meaning) -> Constraint:
        """The condition that an item meets which is as `meaning` leans."""
        if meaning.field in self.bounds:
            low, high = self.bounds[meaning.field]
            if (meaning.value == LOW) == meaning.wanted:
                return Constraint(meaning.field, "$lte", low if meaning.wanted else high)
            return Constraint(meaning.field, "$gte", high if meaning.wanted else low)
        if meaning.value == YES:
            return Constraint(meaning.field, "$eq", value=meaning.wanted)
        return Constraint(meaning.field, "$eq" if meaning.wanted else "$ne", meaning.value)


def _thirds(catalogue: Catalogue, name: str) -> tuple[float, float]:
    facts = (item.facts.get(name) for item in catalogue.values())
    low, high = np.quantile([float(f) for f in facts if isinstance(f, (int, float))], _THIRDS, method="nearest")
    return _whole(low), _whole(high)


def _whole(number: float) -> float:
    """As people say it: 97, not 97.0."""
    return int(number) if number == int(number) else float(number)


def _words(name: str) -> set[str]:
    return {singular(fold(word)) for word in re.split(r"[\W_]+", name)}
