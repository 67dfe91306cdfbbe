"""What the user answers to a question about a fact: "comedy", "the older ones", "I don't mind"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.profile import add_constraints
from llmrec.dialogue.words import Span, split_words
from llmrec.types import Constraint, FactValue, QuestionEntry

_POLITE = (
    r"(?:(?:oh|well|hmm|ok|okay|yes|yeah|no|rather|probably|maybe|i\s+think|i'd\s+say|i\s+prefer|the|please)[\s,]+)*"
)
_INDIFFERENT = re.compile(
    rf"^\W*{_POLITE}(?:(?:it\s+)?(?:doesn't|does\s+not|don't|do\s+not)\s+(?:really\s+)?(?:matter|mind|care)|i\s+(?:really\s+)?(?:don't|do\s+not)\s+"
    r"(?:really\s+)?(?:mind|care|know)|no\s+(?:preference|matter|idea)|(?:either|any|both|all|whatever|whichever|anything)"
    r"(?:\s+(?:is|are)\s+(?:fine|ok|okay|good)|\s+(?:works?|will\s+do)|\s+of\s+(?:them|these|those))?|you\s+(?:choose|decide|pick)"
    r"|surprise\s+me|not\s+sure)\W*$",
    re.IGNORECASE,
)
_LOW = re.compile(
    rf"^\W*{_POLITE}(?:up\s+to|at\s+most|before|until|under|below|older|earlier|old|less|lower|cheaper|cheap|shorter|short|smaller|small"
    r"|lighter|light|former|first|that\s+or\s+(?:less|older|earlier))\b[^?]{0,30}$",
    re.IGNORECASE,
)
_HIGH = re.compile(
    rf"^\W*{_POLITE}(?:more|over|above|after|since|newer|later|new|recent|higher|longer|long|bigger|big|heavier|heavy|latter|second"
    r"|beyond)\b[^?]{0,30}$",
    re.IGNORECASE,
)
_YES = re.compile(r"^\W*(?:yes|yeah|yep|sure|of\s+course|definitely|please)\b[^?]{0,20}$", re.IGNORECASE)
_NO = re.compile(r"^\W*(?:no|nope|nah|not\s+(?:needed|necessary|really))\b[^?]{0,20}$", re.IGNORECASE)
_MAX_WORDS = 6


class FieldAnswers:
    """Reads answers about the facts of one catalogue. What the grammar knows anyway ("comedy") is left to it."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Know the kinds of facts."""
        self._catalogue = catalogue

    def read(self, draft: Draft) -> None:
        """Take the answer to the question that the reply before asked, if the message is one."""
        asked = next((entry for entry in draft.profile.asked if entry.turn == draft.turn - 1), None)
        if asked is None or asked.field not in self._catalogue.fields or len(split_words(draft.rest)) > _MAX_WORDS:
            return
        if _INDIFFERENT.match(draft.rest):
            self._take(draft, ())
        else:
            chosen = self._chosen(asked, draft.rest)
            if chosen:
                self._take(draft, chosen)

    def _take(self, draft: Draft, constraints: Sequence[Constraint]) -> None:
        fields = self._catalogue.fields
        draft.profile = add_constraints(draft.profile, constraints, turn=draft.turn, refines=True, fields=fields)
        draft.act("answer", about=constraints[0].field if constraints else "")
        draft.cut(Span(0, len(draft.text)))
        draft.said = True

    def _chosen(self, asked: QuestionEntry, text: str) -> tuple[Constraint, ...]:
        kind = self._catalogue.fields[asked.field].kind
        if kind == "number":
            return _side(asked, text)
        if kind == "flag":
            return _flag(asked.field, text)
        return _named(asked, text)


def _side(asked: QuestionEntry, text: str) -> tuple[Constraint, ...]:
    if _LOW.match(text):
        return (Constraint(asked.field, "$lte", asked.values[0]),)
    return (Constraint(asked.field, "$gt", asked.values[0]),) if _HIGH.match(text) else ()


def _flag(field: str, text: str) -> tuple[Constraint, ...]:
    if _YES.match(text):
        return (Constraint(field, "$eq", value=True),)
    return (Constraint(field, "$eq", value=False),) if _NO.match(text) else ()


def _named(asked: QuestionEntry, text: str) -> tuple[Constraint, ...]:
    """Offered values of which the message says a word: "hanks" of "Tom Hanks"."""
    said = {word.key for word in split_words(text)}
    if {"no", "not", "neither", "none"} & said:
        return ()
    chosen = [value for value in asked.values if said & _words(value)]
    if not chosen:
        return ()
    if len(chosen) == 1:
        return (Constraint(asked.field, "$eq", chosen[0]),)
    return (Constraint(asked.field, "$in", tuple(chosen)),)


def _words(value: FactValue) -> set[str]:
    return {word.key for word in split_words(str(value)) if len(word.key) > 2}
