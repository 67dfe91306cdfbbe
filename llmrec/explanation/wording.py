"""Sentences made of whole reasons, so that each stays as true as it was: only what stands between them varies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
_CLOSINGS = (", so you might enjoy it", ", so it may be worth a look", ", so it might suit you")
_SETS = 3
# A reason may hold commas and "and" of its own; two joints of one kind in a row would blur where it ends.
_JOINTS = {1: ((),), 2: ((", and ",), ("; also, ",)), 3: ((", and ", "; also, "), ("; ", "; and "))}
# How reasons begin that can be said at once, and what stands between them where they end differently.
_HEADS = {
    "it shares ": ", and ",
    "it is close in content to ": ", and to ",
    "it scores higher thanks to ": ", and thanks to ",
}
# Clauses that are as true of two things as of one: how they read then, and after reasons that begin differently.
_TAILS = {
    ", which you loved": (", which you loved", ", {all} of which you loved"),
    ", which is in your history": (", which are in your history", ", {all} of which are in your history"),
    ", as you asked": (", as you asked", ""),
}


@dataclass(frozen=True, slots=True)
class _Clause:
    """A reason in three parts: what it may share with others at its beginning and end, and what is its own."""

    head: str
    middles: tuple[str, ...]
    tail: str

    @property
    def said(self) -> str:
        return f"{self.head}{self.untold}"

    @property
    def untold(self) -> str:
        """What is left to say where the head was said already."""
        tail = _TAILS[self.tail][0] if self.tail in _TAILS and len(self.middles) > 1 else self.tail
        return f"{' and '.join(self.middles)}{tail}"


def wordings(reasons: Sequence[str], *, place: int) -> Iterator[str]:
    """Every sentence that says all `reasons`, in any order.

    Args:
        reasons: Phrases that read after "because"; none is made of more than three.
        place: Where the item stands in the reply; neighbours open and close differently.
    """
    opened = [(opening, "") for opening in _OPENINGS[place % _SETS :: _SETS]]
    for opening, closing in [*opened, ("", _CLOSINGS[place % _SETS])]:
        for order in permutations(reasons):
            for joints in _JOINTS.get(len(order), ()):
                said = zip(("", *joints), order, strict=True)
                text = f"{opening}{''.join(joint + reason for joint, reason in said)}{closing}."
                yield f"{text[:1].upper()}{text[1:]}"


def merged(evidence: Sequence[Evidence]) -> list[str]:
    """The reasons, what they begin or end with said once.

    "Its genres include Crime and Drama, as you asked" begins and ends alike; "it shares Crime with Heat and scores
    higher thanks to Alien, both of which you loved" only ends alike, "it scores higher thanks to Heat, which you loved,
    and thanks to Alien, which is in your history" only begins so.
    """
    together: dict[tuple[str, str], list[str]] = {}
    for piece in evidence:
        head, middle, tail = _parts(piece)
        together.setdefault((head, tail), []).append(middle)
    clauses = [_Clause(head, tuple(middles), tail) for (head, tail), middles in together.items()]
    ended = _alike(clauses, lambda clause: clause.tail if clause.head in _HEADS else "", _ended_alike)
    begun = _alike(ended, lambda clause: clause.head if clause.head in _HEADS else "", _begun_alike)
    return [clause.said for clause in begun]


def merged_by_frame(evidence: Sequence[Evidence], names: Sequence[str], *, joint: str) -> list[str]:
    """The reasons of any language, those that differ only in their own value or the item they cite said once.

    Args:
        evidence: The reasons.
        names: Of the items that they cite, as the reasons write them, in the same order; empty for none.
        joint: What stands between two values or names.
    """
    together: dict[tuple[str, str], list[str]] = {}
    for piece, name in zip(evidence, names, strict=True):
        own = name or (piece.value if piece.kind == "constraint" else "")
        head, found, tail = piece.text.partition(own) if own else (piece.text, "", "")
        together.setdefault((head, tail), []).append(found)
    return [f"{head}{joint.join(middles)}{tail}" for (head, tail), middles in together.items()]


def _alike(
    clauses: Sequence[_Clause], what: Callable[[_Clause], str], joined: Callable[[Sequence[_Clause]], _Clause]
) -> list[_Clause]:
    """`clauses`, those of one `what` joined; an empty one joins nothing."""
    groups: dict[tuple[str, int], list[_Clause]] = {}
    for place, clause in enumerate(clauses):
        groups.setdefault((what(clause), 0 if what(clause) else place), []).append(clause)
    return [joined(group) if len(group) > 1 else group[0] for group in groups.values()]


def _ended_alike(clauses: Sequence[_Clause]) -> _Clause:
    # "Thanks to Heat and shares ..." would read as if it were thanks to both.
    first, *others = sorted(clauses, key=lambda clause: list(_HEADS).index(clause.head))
    n_things = sum(len(clause.middles) for clause in clauses)
    told = [" and ".join(first.middles)]
    told += [f"{clause.head.removeprefix('it ')}{' and '.join(clause.middles)}" for clause in others]
    tail = _TAILS[first.tail][1].format(all="both" if n_things == 2 else "all")
    return _Clause(first.head, (f"{' and '.join(told)}{tail}",), "")


def _begun_alike(clauses: Sequence[_Clause]) -> _Clause:
    head = clauses[0].head
    return _Clause(head, (_HEADS[head].join(clause.untold for clause in clauses),), "")


def _parts(piece: Evidence) -> tuple[str, str, str]:
    """What a reason can share with others at its beginning and end, and its own middle; all of it, if nothing."""
    tail = next((tail for tail in _TAILS if piece.text.endswith(tail)), "")
    head = next((head for head in _HEADS if piece.text.startswith(head)), "")
    if not head and piece.kind == "constraint" and piece.value:
        head = piece.text.partition(piece.value)[0]
    if not head or not (tail or head in _HEADS):
        return piece.text, "", ""
    return head, piece.text.removeprefix(head).removesuffix(tail), tail
