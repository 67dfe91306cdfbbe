"""Sentences made of whole reasons, so that each stays as true as it was: only what stands between them varies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from llmrec.types import Evidence

# Modest, for a reason may be thin; none claims anything of the item; each goes on with "it shares Horror with ...".
_OPENINGS = (
    "You might enjoy it because ",
    "Worth a look, since ",
    "It might suit you because ",
    "Recommended because ",
    "You may like it, since ",
    "It could be a match because ",
)
_SETS_OF_OPENINGS = 3
# A reason may hold commas and "and" of its own; two joints of one kind in a row would blur where it ends.
_JOINTS = {1: ((),), 2: ((", and ",), ("; also, ",)), 3: ((", and ", "; also, "), ("; ", "; and "))}
_HEADS = {"shared_fact": "it shares ", "contribution": "it scores higher thanks to "}
# Clauses that are as true of two things as of one, and how they read then.
_TAILS = {
    ", which you loved": ", which you loved",
    ", as you asked": ", as you asked",
    ", which is in your history": ", which are in your history",
}


def wordings(reasons: Sequence[str], *, place: int) -> Iterator[str]:
    """Every sentence that says all `reasons`, in any order.

    Args:
        reasons: Phrases that read after "because"; none is made of more than three.
        place: Where the item stands in the reply; neighbours open differently.
    """
    for opening in _OPENINGS[place % _SETS_OF_OPENINGS :: _SETS_OF_OPENINGS]:
        for order in permutations(reasons):
            for joints in _JOINTS.get(len(order), ()):
                said = zip(("", *joints), order, strict=True)
                yield f"{opening}{''.join(joint + reason for joint, reason in said)}."


def merged(evidence: Sequence[Evidence]) -> list[str]:
    """The reasons, those that begin and end alike said at once: "its genres include Crime and Drama, as you asked"."""
    together: dict[tuple[str, str], list[str]] = {}
    for piece in evidence:
        head, middle, tail = _parts(piece)
        together.setdefault((head, tail), []).append(middle)
    return [
        f"{head}{' and '.join(middles)}{_TAILS.get(tail, tail) if len(middles) > 1 else tail}"
        for (head, tail), middles in together.items()
    ]


def _parts(piece: Evidence) -> tuple[str, str, str]:
    """What a reason can share with others at its beginning and end, and its own middle; all of it, if nothing."""
    tail = next((tail for tail in _TAILS if piece.text.endswith(tail)), "")
    head = _HEADS.get(piece.kind) or (piece.text.partition(piece.value)[0] if piece.value else "")
    if not tail or not head or not piece.text.startswith(head):
        return piece.text, "", ""
    return head, piece.text.removeprefix(head).removesuffix(tail), tail
