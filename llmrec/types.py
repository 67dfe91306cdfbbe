"""The frozen values that flow between the stages; every room speaks these words and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)
Label = NewType("Label", str)

FactValue = str | float | int | bool | tuple[str, ...]
Facts = Mapping[str, FactValue]
ItemMask = NDArray[np.bool_]  # [n_items], True where the item at that catalogue position may be shown
Vectors = NDArray[np.float32]  # [n, dim], rows of unit length

Role = Literal["system", "user", "assistant"]
Operator = Literal["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"]
Signal = Literal["like", "dislike", "seen"]
RankedBy = Literal["lm+retrieval", "retrieval"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended.

    Attributes:
        id: The owner's identifier, kept as the string it was (`007` stays `007`).
        title: As it is displayed, un-inverted, with the year where the title carries one: `The Matrix (1999)`.
        facts: Typed fields that constraints can name (`year`, `genres`, `price`).
        description: Free text; may be empty.
        url: The owner's page of the item; may be empty.
        image_url: The owner's picture of the item; never fetched unless the owner allows it.
        available: False keeps the item in histories but out of every recommendation.
    """

    id: ItemId
    title: str
    facts: Facts = field(default_factory=dict)
    description: str = ""
    url: str = ""
    image_url: str = ""
    available: bool = True


@dataclass(frozen=True, slots=True)
class Interaction:
    """One user met one item.

    Attributes:
        value: Strength, higher is better: a rating, a count, or 1.0 where none was given.
        at: Seconds since 1970 (UTC); None where the data has no time, then order of reading is order of time.
    """

    user_id: UserId
    item_id: ItemId
    value: float = 1.0
    at: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What one user did, oldest first."""

    interactions: tuple[Interaction, ...] = ()

    @property
    def item_ids(self) -> tuple[ItemId, ...]:
        """Ids in order of time; an item met twice stands twice."""
        return tuple(interaction.item_id for interaction in self.interactions)

    def before(self, moment: float) -> History:
        """The part that happened strictly before `moment` (seconds since 1970); timeless interactions are kept."""
        kept = tuple(i for i in self.interactions if i.at is None or i.at < moment)
        return History(kept)


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
class Profile:
    """What the system believes of one user in one conversation; every entry can be shown, edited and undone.

    Attributes:
        pending: Items between which the user was asked to choose; empty when no question is open.
        pending_as: The list the chosen one will go to.
    """

    liked: tuple[ItemEntry, ...] = ()
    disliked: tuple[ItemEntry, ...] = ()
    seen: tuple[ItemEntry, ...] = ()
    shown: tuple[ItemEntry, ...] = ()
    constraints: tuple[ConstraintEntry, ...] = ()
    wishes: tuple[WishEntry, ...] = ()
    pending: tuple[ItemId, ...] = ()
    pending_as: Literal["", "liked", "disliked", "seen"] = ""


@dataclass(frozen=True, slots=True)
class Query:
    """All that may be known when recommending. It has no room for the answer.

    Attributes:
        turns: The conversation so far, oldest first.
        profile: What was understood from it.
        history: The user's interactions from before the conversation.
        constraints: Hard conditions from outside the conversation (an API's `where`); the profile's come on top.
        filter_viewed: Whether items of the history are kept out of the result.
    """

    turns: tuple[Turn, ...] = ()
    profile: Profile = field(default_factory=Profile)
    history: History = field(default_factory=History)
    constraints: tuple[Constraint, ...] = ()
    filter_viewed: bool = True

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
class Candidate:
    """An item some retriever found.

    Attributes:
        score: Higher is better; comparable only among candidates of the same `source`.
        source: Name of the retriever, or `fusion`.
        ranks: Rank from 1 at each retriever that found it.
    """

    item_id: ItemId
    score: float
    source: str
    ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slate:
    """The items one prompt shows, each under a label; the model can name nothing else."""

    labels: tuple[Label, ...]
    item_ids: tuple[ItemId, ...]

    def item_id(self, label: Label) -> ItemId:
        """The item behind `label`. Raises KeyError for a label that is not on the slate."""
        return dict(zip(self.labels, self.item_ids, strict=True))[label]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages ready for a chat model, and the hash of the template they were made from."""

    messages: tuple[ChatMessage, ...]
    template_hash: str


@dataclass(frozen=True, slots=True)
class LabelScores:
    """What a model thinks of each label as its next token.

    Attributes:
        log_probs: float32 [n_labels], natural logarithm of the probability over the whole vocabulary.
        label_mass: Sum of the labels' probabilities, in [0, 1]; low means the model is not answering.
        n_prompt_tokens: Length of the prompt.
    """

    log_probs: NDArray[np.float32]
    label_mass: float
    n_prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Generated text and why it ended."""

    text: str
    finished: Literal["stop", "length", "timeout"]


@dataclass(frozen=True, slots=True)
class RankReport:
    """How a ranking came about.

    Attributes:
        model: Name of the language model, or empty when none was asked.
        adapter: Name of the LoRA adapter in use, or empty.
        prompt_hash: Hash of the template, or empty.
        label_mass: See LabelScores; nan when no model answered.
        degraded: Why the model's voice is missing, in one sentence; empty when it is there.
        lm_scores: The model's own score by item; empty when no model answered.
    """

    model: str = ""
    adapter: str = ""
    prompt_hash: str = ""
    label_mass: float = float("nan")
    degraded: str = ""
    lm_scores: Mapping[ItemId, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items best first with their final scores (higher is better)."""

    item_ids: tuple[ItemId, ...]
    scores: tuple[float, ...]
    ranked_by: RankedBy
    report: RankReport = field(default_factory=RankReport)

    def keep(self, item_ids: tuple[ItemId, ...]) -> Ranking:
        """The same ranking with only `item_ids`, in the order they are given."""
        score_of = dict(zip(self.item_ids, self.scores, strict=True))
        return replace(self, item_ids=item_ids, scores=tuple(score_of[i] for i in item_ids))


EvidenceKind = Literal["wish", "constraint", "shared_fact", "similar_item", "popularity", "fact"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason that can be checked.

    Attributes:
        kind: What sort of reason it is.
        text: The reason as a phrase that reads after "because": `it shares Horror with Alien (1979)`.
        field: The fact it rests on, or empty.
        value: That fact's value as shown, or empty.
        item_id: The item of the user's that it cites, or None.
    """

    kind: EvidenceKind
    text: str
    field: str = ""
    value: str = ""
    item_id: ItemId | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an item is shown: a text that says nothing beyond `cites`."""

    item_id: ItemId
    text: str
    cites: tuple[Evidence, ...]
    phrased_by: Literal["template", "lm"] = "template"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One shown item: what a card needs and nothing more."""

    item_id: ItemId
    title: str
    score: float
    rank: int
    ranked_by: RankedBy
    explanation: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class StageTrace:
    """One stage of a turn: how long it took and the order it left behind (best first)."""

    name: str
    seconds: float
    n_in: int
    n_out: int
    order: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """How a reply came about."""

    stages: tuple[StageTrace, ...] = ()
    prompt_hash: str = ""
    model: str = ""
    adapter: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a turn was taken to mean.

    Attributes:
        profile: The profile after the turn.
        notes: Sentences the user should read ("No film called ... here; the nearest is ...").
        question: A question that must be answered first, or empty.
        wants_items: False for small talk and the like, where no recommendation is due.
        k: How many items the user asked for, or None when no number was said.
    """

    profile: Profile
    notes: tuple[str, ...] = ()
    question: str = ""
    wants_items: bool = True
    k: int | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which items may be shown, and which constraint had to be given up to have any.

    Attributes:
        mask: bool [n_items] in catalogue order.
        relaxed: Constraints of the user that were dropped because nothing satisfied them all.
    """

    mask: ItemMask
    relaxed: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the assistant: words, cards, the profile after the turn, and how it came about."""

    text: str
    recommendations: tuple[Recommendation, ...]
    profile: Profile
    trace: Trace


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's reaction to an item; `at` in seconds since 1970 (UTC)."""

    user_id: UserId
    item_id: ItemId
    signal: Signal
    at: float


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A stage of the turn is done."""

    stage: StageTrace


@dataclass(frozen=True, slots=True)
class CardsEvent:
    """The cards as they stand now; comes again, same items, when their explanations have been phrased."""

    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class TextEvent:
    """The next piece of the reply's text."""

    delta: str


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """The turn is over; always the last event."""

    reply: Reply


Event = StageEvent | CardsEvent | TextEvent | ReplyEvent
