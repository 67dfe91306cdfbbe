"""What a reader found in a message, and where."""

from __future__ import annotations

from dataclasses import dataclass

from llmrec.dialogue.cues import CueKind
from llmrec.dialogue.words import Span
from llmrec.types import Constraint, ItemId


@dataclass(frozen=True, slots=True)
class Reading:
    """Conditions that a stretch of text states.

    Attributes:
        keep: Whether the words also stay in the wish: "a light comedy" is a condition and a mood.
    """

    span: Span
    constraints: tuple[Constraint, ...]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """Items a stretch of text names.

    Attributes:
        text: The words as typed.
        stances: What the user says of them; empty when they are only named.
        cut: The clause that is thereby understood, or None when the words around belong to the wish.
        exact: False when the spelling was corrected.
        plural: Whether all of several items are meant ("these"); if not, several items are an open choice.
    """

    span: Span
    item_ids: tuple[ItemId, ...]
    text: str
    stances: tuple[CueKind, ...] = ()
    cut: Span | None = None
    exact: bool = True
    plural: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A title that was named and is not here, and the nearest that is; none when nothing is near."""

    text: str
    nearest: tuple[ItemId, ...]
    span: Span
    cut: Span | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """All that a message names.

    Attributes:
        aimless: Places that point at items where there are none: "the third one" of two.
    """

    found: tuple[Mention, ...] = ()
    missing: tuple[Missing, ...] = ()
    aimless: tuple[Span, ...] = ()
