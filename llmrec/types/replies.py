"""What the user gets: evidence, explanations, cards, the reply and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmrec.types.items import ItemId
from llmrec.types.placing import Placement
from llmrec.types.queries import Profile
from llmrec.types.ranking import RankedBy, RankReport

EvidenceKind = Literal["wish", "constraint", "shared_fact", "similar_item", "contribution", "popularity", "fact"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason that can be checked.

    Attributes:
        kind: What sort of reason it is.
        text: The reason as a phrase that reads after "because": `it shares Horror with Alien (1979)`.
        field: The fact it rests on, or empty.
        value: That fact's value as shown, or empty.
        item_id: The item of the user's that it cites, or None.
        contribution: How far the shown item's score falls when the cited item is taken out of what is known of the
            user, in standard deviations of the slate's scores; None where that was not measured.
    """

    kind: EvidenceKind
    text: str
    field: str = ""
    value: str = ""
    item_id: ItemId | None = None
    contribution: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an item is shown: a text that says nothing beyond `cites`.

    Attributes:
        phrased_by: `lm` chose among true sentences or wrote freely; `adapter` wrote as it was trained to.
    """

    item_id: ItemId
    text: str
    cites: tuple[Evidence, ...]
    phrased_by: Literal["template", "lm", "adapter"] = "template"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One shown item: what a card needs and nothing more.

    Attributes:
        voices: What each voice adds to `score`; empty where that is not known.
        placement: How it came to its place, for whoever keeps impressions.
    """

    item_id: ItemId
    title: str
    score: float
    rank: int
    ranked_by: RankedBy
    explanation: str
    evidence: tuple[Evidence, ...]
    voices: Mapping[str, float] = field(default_factory=dict)
    placement: Placement = field(default_factory=Placement)


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
    """How a reply came about.

    Attributes:
        report: How the ranking did, with every word the model was asked: for the owner's eyes, so that no service sends
            it.
    """

    stages: tuple[StageTrace, ...] = ()
    prompt_hash: str = ""
    model: str = ""
    adapter: str = ""
    notes: tuple[str, ...] = ()
    report: RankReport = field(default_factory=RankReport, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the assistant: words, cards, the profile after the turn, and how it came about."""

    text: str
    recommendations: tuple[Recommendation, ...]
    profile: Profile
    trace: Trace


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
