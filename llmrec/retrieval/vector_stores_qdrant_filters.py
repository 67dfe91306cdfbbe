"""Conditions on facts in Qdrant's filter language: facts as a point's payload, constraints as conditions on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qdrant_client import models

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import comparable
from llmrec.types import Constraint, Item

AVAILABLE = "available"
ITEM_ID = "item_id"


class PayloadSchema:
    """How a catalogue's facts are kept beside its vectors, and asked for.

    A fact stands in the payload twice, as constraints compare it: `n3` is its number, `w3` its words without letter
    case. The names of facts are the owner's and could be anything, so payload keys count them instead.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        """Number the facts of `catalogue`."""
        self._places = {name: place for place, name in enumerate(sorted(catalogue.fields))}

    @property
    def indexes(self) -> Mapping[str, models.PayloadSchemaType]:
        """The kind of each payload key, for the server to index."""
        kinds = {AVAILABLE: models.PayloadSchemaType.BOOL}
        for place in self._places.values():
            kinds[f"n{place}"] = models.PayloadSchemaType.FLOAT
            kinds[f"w{place}"] = models.PayloadSchemaType.KEYWORD
        return kinds

    def payload(self, item: Item) -> Mapping[str, object]:
        """What is kept beside the item's vector."""
        kept: dict[str, object] = {ITEM_ID: item.id, AVAILABLE: item.available}
        for name, fact in item.facts.items():
            number, words = comparable(fact)
            if number is not None:
                kept[f"n{self._places[name]}"] = number
            kept[f"w{self._places[name]}"] = list(words)
        return kept

    def compiled(self, constraint: Constraint) -> models.Filter:
        """The filter that lets through what `llmrec.data.where.matches` does."""
        place = self._places.get(constraint.field)
        values = constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
        numbers = [number for number, _ in map(comparable, values) if number is not None]
        words = [word for number, said in map(comparable, values) if number is None for word in said]
        if place is None:  # no item has the fact
            return nothing() if constraint.op not in {"$ne", "$nin"} else models.Filter()
        if constraint.op in _BOUNDS:
            if not numbers:
                return nothing()
            bound = models.Range.model_validate({_BOUNDS[constraint.op]: numbers[0]})
            return models.Filter(must=[models.FieldCondition(key=f"n{place}", range=bound)])
        either = [_is_number(place, number) for number in numbers]
        if words:
            either.append(models.FieldCondition(key=f"w{place}", match=models.MatchAny(any=words)))
        if constraint.op in {"$ne", "$nin"}:
            return models.Filter(must_not=list(either))
        return models.Filter(should=list(either)) if either else nothing()


def points(positions: Sequence[int]) -> models.HasIdCondition:
    """The points of some catalogue positions."""
    return models.HasIdCondition(has_id=list(positions))


def nothing() -> models.Filter:
    """The filter that lets nothing through."""
    return models.Filter(must=[points(())])


_BOUNDS: Mapping[str, str] = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}


def _is_number(place: int, number: float) -> models.FieldCondition:
    # A match compares whole numbers and words only.
    return models.FieldCondition(key=f"n{place}", range=models.Range(gte=number, lte=number))
