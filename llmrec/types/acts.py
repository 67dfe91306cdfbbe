"""What a user does with a sentence: asks, states, reacts, corrects; every turn is read into such acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from llmrec.types.items import ItemId

ActKind = Literal[
    "request", "preference", "constraint", "seen", "reject", "critique", "compare", "more", "question", "accept",
    "answer", "undo", "start_over", "small_talk", "off_topic",
]  # fmt: skip
ACT_KINDS: tuple[ActKind, ...] = get_args(ActKind)
Verdict = Literal["", "loved", "fine", "hated"]


WHY = "why"
"""What a question is about that asks for the reasons of items that were shown."""
WHY_NOT = "why not"
"""What a question is about that misses an item among those shown."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a turn does.

    Attributes:
        item_ids: The items it speaks of; empty where it names none, or leaves open which one is meant.
        verdict: What the user thought of an item that is already known; empty where nothing was said.
        about: The words or the fact it speaks of: `too scary`, `price`.
        read_by: Which voice heard it: the exact grammar, or the statistical classifier.
    """

    kind: ActKind
    item_ids: tuple[ItemId, ...] = ()
    verdict: Verdict = ""
    about: str = ""
    read_by: Literal["grammar", "statistics"] = "grammar"
