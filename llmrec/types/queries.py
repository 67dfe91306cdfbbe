"""What is known of the user when recommending: turns, profile, constraints; never the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from llmrec.types.acts import WHY, WHY_NOT, Act
from llmrec.types.items import FactValue, History, ItemId, ItemMask

Operator = Literal["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """One hard condition on a fact; `value` has the fact's kind, a tuple for `$in` and `$nin`.

    On a fact with several values (`genres`) `$eq` means "has it" and `$ne` "does not have it".
    """

    field: str
    op: Operator
    value: FactValue | tuple[FactValue, ...]


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """An item the profile holds, and the turn (index into the conversation, from 0) it came from."""

    item_id: ItemId
    turn: int


@dataclass(frozen=True, slots=True)
class ConstraintEntry:
    """A constraint the user stated, and the turn it came from."""

    constraint: Constraint
    turn: int


@dataclass(frozen=True, slots=True)
class WishEntry:
    """Free text of what the user feels like, and the turn it came from."""

    text: str
    turn: int


@dataclass(frozen=True, slots=True)
class LeaningEntry:
    """What vague words were taken to mean, and the turn they came from: it moves the order and keeps nothing out.

    Attributes:
        constraint: What an item meets that is as the words were taken to ask.
        words: The user's own.
        read_by: Which voice inferred it: the language model, the sentence encoder, or a list of words.
    """

    constraint: Constraint
    turn: int
    words: str
    read_by: Literal["model", "encoder", "words"]


@dataclass(frozen=True, slots=True)
class QuestionEntry:
    """A question the user was asked beside the cards, and the turn of the reply that asked it.

    Attributes:
        field: The fact it is about.
        values: What was offered; of a number the one value up to which or beyond which it may be.
    """

    field: str
    values: tuple[FactValue, ...]
    turn: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What the system believes of one user in one conversation; every entry can be shown, edited and undone.

    Attributes:
        pending: Items between which the user was asked to choose; empty when no question is open.
        pending_as: The list the chosen one will go to.
        last_question: What the message before asked about an item, for "and the second one?".
        last_asked: The items it asked about, which "it" means next.
        accepted: Items the user means to take.
        asked: Questions about facts that the user was asked; none is asked twice.
        leanings: What vague words were taken to mean.
    """

    liked: tuple[ItemEntry, ...] = ()
    disliked: tuple[ItemEntry, ...] = ()
    seen: tuple[ItemEntry, ...] = ()
    shown: tuple[ItemEntry, ...] = ()
    constraints: tuple[ConstraintEntry, ...] = ()
    wishes: tuple[WishEntry, ...] = ()
    pending: tuple[ItemId, ...] = ()
    pending_as: Literal["", "liked", "disliked", "seen", "accepted"] = ""
    accepted: tuple[ItemEntry, ...] = ()
    last_question: str = ""
    last_asked: tuple[ItemId, ...] = ()
    asked: tuple[QuestionEntry, ...] = ()
    leanings: tuple[LeaningEntry, ...] = ()

    @property
    def last_turn(self) -> int:
        """The newest turn that an entry came from; -1 where there is none."""
        items = (self.liked, self.disliked, self.seen, self.shown, self.accepted)
        lists = (*items, self.constraints, self.wishes, self.asked, self.leanings)
        return max((entry.turn for entries in lists for entry in entries), default=-1)

    def with_reply(self, shown: tuple[ItemEntry, ...], asked: QuestionEntry | None) -> Profile:
        """The profile after a reply that showed these items and asked this."""
        return replace(self, shown=self.shown + shown, asked=self.asked + ((asked,) if asked else ()))


@dataclass(frozen=True, slots=True)
class Query:
    """All that may be known when recommending. It has no room for the answer.

    Attributes:
        turns: The conversation so far, oldest first.
        profile: What was understood from it.
        history: The user's interactions from before the conversation.
        constraints: Hard conditions from outside the conversation (an API's `where`); the profile's come on top.
        filter_viewed: Whether items of the history are kept out of the result.
        context: Where and when it is asked, as the caller knows it: `{"weekday": "saturday", "device": "phone"}`.
    """

    turns: tuple[Turn, ...] = ()
    profile: Profile = field(default_factory=Profile)
    history: History = field(default_factory=History)
    constraints: tuple[Constraint, ...] = ()
    filter_viewed: bool = True
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What the user feels like, in words, newest wish last; empty when nothing was said."""
        return " ".join(wish.text for wish in self.profile.wishes)

    @property
    def positive_item_ids(self) -> tuple[ItemId, ...]:
        """History and liked items, oldest first, without the disliked: the seeds of collaborative retrieval."""
        disliked = {entry.item_id for entry in self.profile.disliked}
        seeds = self.history.item_ids + tuple(entry.item_id for entry in self.profile.liked)
        return tuple(item_id for item_id in seeds if item_id not in disliked)

    @property
    def all_constraints(self) -> tuple[Constraint, ...]:
        """Outer constraints first, then those the user stated."""
        return self.constraints + tuple(entry.constraint for entry in self.profile.constraints)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a turn was taken to mean.

    Attributes:
        profile: The profile after the turn.
        notes: Sentences the user should read ("No film called ... here; the nearest is ...").
        question: A question that must be answered first, or empty.
        wants_items: False for small talk and the like, where no recommendation is due.
        k: How many items the user asked for, or None when no number was said.
        acts: What the turn does, in the order it was understood.
        language: The language of the turn, as a code of the message catalogue (`en`, `zh`).
        follow_up: A question to be asked beside the cards; nothing waits for its answer.
        overruled: What another voice read and the exact grammar did not let stand, for the trace.
    """

    profile: Profile
    notes: tuple[str, ...] = ()
    question: str = ""
    wants_items: bool = True
    k: int | None = None
    acts: tuple[Act, ...] = ()
    language: str = "en"
    follow_up: QuestionEntry | None = None
    overruled: tuple[str, ...] = ()

    @property
    def missed(self) -> ItemId | None:
        """An item of which the user wants to know why it is not shown."""
        missed = (act.item_ids[0] for act in self.acts if act.kind == "question" and act.about == WHY_NOT)
        return next(missed, None)

    @property
    def wondered_at(self) -> tuple[ItemId, ...]:
        """Shown items of which the user wants to know why."""
        return next((act.item_ids for act in self.acts if act.kind == "question" and act.about == WHY), ())


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which items may be shown, and which constraint had to be given up to have any.

    Attributes:
        mask: bool [n_items] in catalogue order.
        relaxed: Constraints of the user that were dropped because nothing satisfied them all.
    """

    mask: ItemMask
    relaxed: tuple[Constraint, ...] = ()
