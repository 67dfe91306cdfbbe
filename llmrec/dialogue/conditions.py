"""What a message demands of facts: stated, taken back, or contradicting itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import contradiction
from llmrec.dialogue import acts
from llmrec.dialogue.cues import find_cues, last_before
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import add_constraints, drop_constraints, forget_constraints
from llmrec.dialogue.reading import Reading
from llmrec.dialogue.values import is_name
from llmrec.dialogue.words import Span
from llmrec.dialogue.years import year_field
from llmrec.types import ActKind, Constraint, Profile

_MAX_CONSTRAINTS = 30
_MAX_FORGOTTEN_CHARS = 60
_OPINIONS = {"liked", "disliked"}
_OPINED = re.compile(
    r"(?:(?:i|we|they|he|she|my\s+\w+)\s+(?:really\s+|just\s+)?)?(?:hates?|dislikes?|doesn't|won't|sick|tired|bored|can't|cannot|don't\s+(?:like|love|enjoy)|didn't)\b",
    re.IGNORECASE,
)


class Conditions:
    """Reads conditions over one catalogue."""

    def __init__(self, catalogue: Catalogue, grammar: ConstraintGrammar) -> None:
        """Read with `grammar`, and know the fields by name."""
        self._catalogue = catalogue
        self._grammar = grammar
        years = year_field(catalogue)
        self._drops = acts.DropReader(catalogue.fields, year_field=years.name if years else "")

    def read_dropped(self, draft: Draft) -> None:
        """End the conditions on fields that no longer matter: "any year is fine"."""
        for name, span in self._drops.read(draft.rest):
            draft.profile = drop_constraints(draft.profile, name)
            draft.act("constraint", about=name)
            draft.said = True
            draft.cut(span)

    def read(self, draft: Draft, *, refines: bool) -> None:
        """Take what is stated; what contradicts itself is asked about and changes nothing."""
        self._read_forgotten(draft)
        readings = self._grammar.read(draft.rest)
        stated = tuple(dict.fromkeys(c for reading in readings for c in reading.constraints))[:_MAX_CONSTRAINTS]
        kept = [c for group in _by_field(stated) for c in self._consistent(draft, group)]
        draft.profile = add_constraints(
            draft.profile, kept, turn=draft.turn, refines=refines, fields=self._catalogue.fields
        )
        draft.profile = self._without_wishes_for(draft.profile, (c for c in kept if c.op == "$ne"))
        _add_acts(draft, readings)
        draft.cut(*(reading.span for reading in readings if not reading.keep))
        draft.kinds += [reading.span for reading in readings if reading.keep]
        draft.said = draft.said or bool(stated)

    def without_kinds(self, profile: Profile, *, since: int) -> Profile:
        """The profile without the kinds that were wanted before turn `since`: something else is wanted instead."""
        kept = [
            entry
            for entry in profile.constraints
            if entry.turn >= since
            or entry.constraint.op not in {"$eq", "$in"}
            or self._catalogue.fields[entry.constraint.field].kind not in {"text", "list"}
        ]
        return replace(profile, constraints=tuple(kept))

    def _read_forgotten(self, draft: Draft) -> None:
        """Ends the conditions that the message takes back: "forget the 90s" states none."""
        rest = draft.rest
        for span in acts.find_forget(rest):
            following = self._grammar.read(rest[span.end : span.end + _MAX_FORGOTTEN_CHARS])[:1]
            for reading in following if following and following[0].span.start == 0 else ():
                draft.profile = forget_constraints(draft.profile, reading.constraints, fields=self._catalogue.fields)
                draft.profile = self._without_wishes_for(draft.profile, reading.constraints)
                draft.cut(Span(span.start, span.end + reading.span.end))
                draft.act("constraint", about=reading.constraints[0].field)
                draft.said = True

    def _consistent(self, draft: Draft, constraints: Sequence[Constraint]) -> Sequence[Constraint]:
        """The constraints on one field, or none of them and a question when they exclude one another."""
        if not contradiction(constraints, fields=self._catalogue.fields):
            return constraints
        stated = draft.words.say("and").join(ConstraintPhrases(self._catalogue, draft.words).phrases(constraints))
        draft.question = draft.question or draft.words.say("contradiction", stated=stated)
        return ()

    def _without_wishes_for(self, profile: Profile, constraints: Iterable[Constraint]) -> Profile:
        """Without wishes that name a value of `constraints`: their words would go on attracting it."""
        unwanted = {(c.field, c.value) for c in constraints}
        kept = [wish for wish in profile.wishes if not unwanted & self._wanted(wish.text)]
        return replace(profile, wishes=tuple(kept))

    def _wanted(self, text: str) -> set[tuple[str, object]]:
        wanted = [constraint for r in self._grammar.read(text) if r.keep for constraint in r.constraints]
        return {(c.field, v) for c in wanted for v in (c.value if isinstance(c.value, tuple) else (c.value,))}


def _add_acts(draft: Draft, readings: Sequence[Reading]) -> None:
    """A kind that is wanted is a request, an opinion of a kind a preference, everything else a constraint."""
    cues = find_cues(draft.text) if readings else ()
    for reading in readings:
        position = last_before(cues, reading.span.start + (0 if reading.keep else 1))
        words = draft.text[reading.span.start : reading.span.end]
        opined = position is not None and cues[position].kind in _OPINIONS and not cues[position].weak
        opined = opined or _OPINED.match(words) is not None
        is_kind = reading.keep and not is_name(words)
        kind: ActKind = "preference" if opined else "request" if is_kind else "constraint"
        if not draft.does(kind):
            draft.act(kind, about=reading.constraints[0].field)


def _by_field(constraints: Iterable[Constraint]) -> list[list[Constraint]]:
    groups: dict[str, list[Constraint]] = {}
    for constraint in constraints:
        groups.setdefault(constraint.field, []).append(constraint)
    return list(groups.values())
