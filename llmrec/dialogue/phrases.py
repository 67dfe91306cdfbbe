"""Conditions in words: "Horror", "from 1990 to 1999", "not Comedy"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages, messages_in
from llmrec.dialogue.years import year_field
from llmrec.types import Constraint, FactValue

_MAX_LISTED = 6


class ConstraintPhrases:
    """Says the constraints of one catalogue in words."""

    def __init__(self, catalogue: Catalogue, words: Messages | None = None) -> None:
        """Know which fields are numbers, and which of them is the year; English unless `words` says otherwise."""
        self._fields = catalogue.fields
        years = year_field(catalogue)
        self._year = years.name if years else None
        self._words = words or messages_in(DEFAULT_LANGUAGE)

    def phrase(self, constraint: Constraint) -> str:
        """One constraint: `since 1990`, `Horror`, `price under 20`, `not Comedy`."""
        value = constraint.value
        if isinstance(value, tuple):
            return self._listed(constraint, value)
        if isinstance(value, bool):
            return self._unless(_name(constraint.field), negated=value != (constraint.op == "$eq"))
        if constraint.field == self._year:
            return self._words.say(f"year_{constraint.op}", value=value)
        if isinstance(value, str):
            return self._unless(value, negated=constraint.op == "$ne")
        return self._words.say(f"number_{constraint.op}", name=_name(constraint.field), value=value)

    def phrases(self, constraints: Iterable[Constraint]) -> tuple[str, ...]:
        """All constraints, a lower and an upper bound on one field said together, and each thing once."""
        stated = tuple(dict.fromkeys(constraints))
        rest = [constraint for constraint in stated if not any(_implies(other, constraint) for other in stated)]
        rest.sort(key=lambda constraint: constraint.op.startswith("$lt"))  # "after 1996 up to 1999"
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

    def is_bound(self, constraint: Constraint) -> bool:
        """Whether the constraint says from when the item is."""
        return constraint.field == self._year and constraint.op not in {"$ne", "$nin"}

    def _unless(self, text: str, *, negated: bool) -> str:
        return self._words.say("not", value=text) if negated else text

    def _between(self, low: Constraint, high: Constraint) -> str:
        if low.field == self._year:
            return self._words.say("year_between", low=low.value, high=high.value)
        return self._words.say("number_between", name=_name(low.field), low=low.value, high=high.value)

    def _listed(self, constraint: Constraint, values: Sequence[FactValue]) -> str:
        negated = constraint.op == "$nin"
        if constraint.field == self._year:
            return self._unless(self._words.say("years", value=self._year_runs(values)), negated=negated)
        shown = self._words.say("or").join(str(value) for value in values[:_MAX_LISTED])
        more = self._words.say("others") if len(values) > _MAX_LISTED else ""
        name = "" if all(isinstance(value, str) for value in values) else f"{_name(constraint.field)} "
        return self._unless(f"{name}{shown}{more}", negated=negated)

    def _year_runs(self, values: Sequence[FactValue]) -> str:
        years = sorted(int(value) for value in values if isinstance(value, (int, float)))
        runs: list[list[int]] = []
        for year in years:
            if runs and year == runs[-1][-1] + 1:
                runs[-1].append(year)
            else:
                runs.append([year])
        said = [self._words.say("year_run", low=run[0], high=run[-1]) if len(run) > 1 else str(run[0]) for run in runs]
        return self._words.say("or").join(said)


def _implies(strong: Constraint, weak: Constraint) -> bool:
    """Whether one bound makes another on the same field superfluous: after 1996, since 1980."""
    if strong.field != weak.field or not (strong.op[:3] == weak.op[:3] and strong.op[:3] in {"$gt", "$lt"}):
        return False
    tight, loose = strong.value, weak.value
    if not isinstance(tight, (int, float)) or not isinstance(loose, (int, float)):
        return False
    if tight == loose:
        return len(strong.op) < len(weak.op)
    return (tight > loose) == (strong.op[:3] == "$gt")


def _closes(low: Constraint, high: Constraint) -> bool:
    return low.field == high.field and low.op == "$gte" and high.op == "$lte"


def _name(field: str) -> str:
    return field.replace("_", " ")
