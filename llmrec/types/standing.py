"""Where one item stood when something was recommended, and why it was not shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmrec.types.items import ItemId
from llmrec.types.queries import Constraint
from llmrec.types.replies import Evidence

WhyNotReason = Literal[
    "shown",
    "unavailable",
    "disliked",
    "seen",
    "shown_before",
    "known",
    "condition",
    "not_found",
    "ranked_below",
    "series",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands for a query; ranks begin at 1.

    Attributes:
        item_id: The item.
        shown: What is shown, best first; the item may be among it.
        is_allowed: Whether it may be shown at all; if not, nothing below is known.
        relaxed: Conditions that were given up because nothing satisfied them all.
        retrieved: Its rank at each retriever that finds it, also beyond what is asked of the retrievers.
        n_candidates: How many candidates were ranked.
        rank: Its final rank among the candidates, None where it is none of them.
        score: Its final score, None without a rank.
        is_passed_over: Whether items are shown that rank below it.
        lead: By voice, how much more that voice gave the last item shown than this one; empty where that is not known.
        voices: What each voice adds to its score; empty where that is not known.
    """

    item_id: ItemId
    shown: tuple[ItemId, ...]
    is_allowed: bool = False
    relaxed: tuple[Constraint, ...] = ()
    retrieved: Mapping[str, int] = field(default_factory=dict)
    n_candidates: int = 0
    rank: int | None = None
    score: float | None = None
    is_passed_over: bool = False
    lead: Mapping[str, float] = field(default_factory=dict)
    voices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why an item is not shown: one reason, in words that say no more than `standing` and the records.

    Attributes:
        reason: The first that holds, in the order of the pipeline; `shown` where it is shown.
        text: One or two sentences.
        standing: What they rest on.
        broken: The conditions it does not meet, where that is the reason.
    """

    item_id: ItemId
    reason: WhyNotReason
    text: str
    standing: Standing
    broken: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """Why an item was shown: its evidence and its standing, in words that say no more than these and the records."""

    item_id: ItemId
    text: str
    cites: tuple[Evidence, ...]
    standing: Standing
