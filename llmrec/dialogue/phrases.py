"""Conditions in words: "Horror", "from 1990 to 1999", "not Comedy"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.years import year_field
from llmrec.types import Constraint, FactValue

_NUMBER_WORDS = {"$eq": "", "$ne": "not ", "$gt": "over ", "$gte": "at least ", "$lt": "under ", "$lte": "at most "}
_YEAR_WORDS = {
    "$eq": "from ", "$ne": "not from ", "$gt": "after ", "$gte": "since ", "$lt": "before ", "$lte": "up to ",
}  # fmt: skip
_MAX_LISTED = 6


class ConstraintPhrases:
    """Says the constraints of one catalogue in words."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Know which fields are numbers, and which of them is the year."""
        self._fields = catalogue.fields
        years = year_field(catalogue)
        self._year = years.name if years else None

    def phrase(self, constraint: Constraint) -> str:
        """One constraint: `since 1990`, `Horror`, `price under 20`, `not Comedy`."""
        value = constraint.value
        if isinstance(value, tuple):
            return self._listed(constraint, value)
        if isinstance(value, bool):
            return f"{'' if value == (constraint.op == '$eq') else 'not '}{_name(constraint.field)}"
        if constraint.field == self._year:
            return f"{_YEAR_WORDS[constraint.op]}{value}"
        if isinstance(value, str):
            return f"{'not ' if constraint.op == '$ne' else ''}{value}"
        return f"{_name(constraint.field)} {_NUMBER_WORDS[constraint.op]}{value:g}"

    def phrases(self, constraints: Iterable[Constraint]) -> tuple[str, ...]:
        """All constraints, a lower and an upper bound on one field said together, and each thing once."""
        rest = list(dict.fromkeys(constraints))
        said: list[str] = []
        while rest:
            constraint = rest.pop(0)
            upper = next((c for c in rest if _closes(constraint, c)), None)
            if upper is None:
                said.append(self.phrase(constraint))
                continue
            rest.remove(upper)
            said.append(self._between(constraint, upper))
        return tuple(dict.fromkeys(said))

    def _between(self, low: Constraint, high: Constraint) -> str:
        if low.field == self._year:
            return f"from {low.value} to {high.value}"
        return f"{_name(low.field)} {low.value:g} to {high.value:g}"

    def _listed(self, constraint: Constraint, values: Sequence[FactValue]) -> str:
        prefix = "not " if constraint.op == "$nin" else ""
        if constraint.field == self._year:
            return f"{prefix}from {_year_runs(values)}"
        shown = [str(value) for value in values[:_MAX_LISTED]]
        more = " or others" if len(values) > _MAX_LISTED else ""
        name = "" if all(isinstance(value, str) for value in values) else f"{_name(constraint.field)} "
        return f"{prefix}{name}{' or '.join(shown)}{more}"


def _year_runs(values: Sequence[FactValue]) -> str:
    years = sorted(int(value) for value in values if isinstance(value, (int, float)))
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return " or ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _closes(low: Constraint, high: Constraint) -> bool:
    return low.field == high.field and low.op == "$gte" and high.op == "$lte"


def _name(field: str) -> str:
    return field.replace("_", " ")
