"""A message while it is being read: what was understood so far, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages
from llmrec.dialogue.words import Span, mask
from llmrec.types import Act, ActKind, ItemId, Profile


@dataclass(frozen=True, slots=True)
class Unmet:
    """What is unwanted and no exact reader could act upon.

    Attributes:
        phrase: As the user put it.
        asks: The same as a wish, in words: "light" for "too heavy", "not loud" where no opposite is known.
        is_met: Whether something was done about it already.
    """

    phrase: str
    asks: str
    is_met: bool = False


@dataclass(slots=True)
class Draft:
    """Lives as long as one call of `GrammarTracker.update`.

    Attributes:
        written_in: The language of the message, which need not be the one it is answered in.
        said: Whether something was understood that asks for items.
        quiet: Whether the turn wants an answer in words and no items.
        kinds: Places that name a kind and may be part of a mood: "comedy" of "a light comedy".
        asked_about: Items between which the user was asked to choose just before.
        asked_as: The list the chosen one goes to.
        asked_before: What the user asked about an item just before.
        asked_of: The items that was asked about.
        unmet: What is unwanted and was not understood as a condition.
        overruled: What another voice read and the grammar did not let stand.
    """

    text: str
    profile: Profile
    turn: int
    words: Messages
    written_in: str = DEFAULT_LANGUAGE
    cuts: list[Span] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    question: str = ""
    k: int | None = None
    said: bool = False
    quiet: bool = False
    kinds: list[Span] = field(default_factory=list)
    asked_about: tuple[ItemId, ...] = ()
    asked_as: Literal["", "liked", "disliked", "seen", "accepted"] = ""
    asked_before: str = ""
    asked_of: tuple[ItemId, ...] = ()
    unmet: list[Unmet] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)

    @property
    def rest(self) -> str:
        """The message with the understood places masked."""
        return mask(self.text, self.cuts)

    def cut(self, *spans: Span | None) -> None:
        """Mark places as understood."""
        self.cuts += [span for span in spans if span is not None]

    def note(self, key: str, **slots: object) -> None:
        """Tell the user something, in the language of the answer."""
        self.notes.append(self.words.say(key, **slots))

    def act(self, kind: ActKind, item_ids: Sequence[ItemId] = (), *, about: str = "") -> None:
        """The turn does this."""
        self.acts.append(Act(kind, tuple(item_ids), about=about))

    def does(self, *kinds: ActKind) -> bool:
        """Whether one of `kinds` was heard already."""
        return any(act.kind in kinds for act in self.acts)

    def in_view(self) -> tuple[ItemId, ...]:
        """What "the first one" and "it" are of: the items of an open question, else those shown last."""
        return self.asked_about or self.shown_last()

    def it(self) -> tuple[ItemId, ...]:
        """What "it" and a bare "seen" are of: what was asked about just before, else all that is in view."""
        return self.asked_of or self.in_view()

    def shown_last(self) -> tuple[ItemId, ...]:
        """The items of the newest reply that showed any, best first."""
        latest = max((entry.turn for entry in self.profile.shown), default=None)
        return tuple(entry.item_id for entry in self.profile.shown if entry.turn == latest)
