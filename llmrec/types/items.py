"""What is recommended, and what users did with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)

FactValue = str | float | int | bool | tuple[str, ...]
Facts = Mapping[str, FactValue]
ItemMask = NDArray[np.bool_]  # [n_items], True where the item at that catalogue position may be shown
Vectors = NDArray[np.float32]  # [n, dim], rows of unit length
Signal = Literal["like", "dislike", "seen", "click", "purchase", "text"]


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
class SignalCount:
    """How many reactions of one kind all users together gave on one day, `YYYY-MM-DD` in UTC."""

    day: str
    signal: Signal
    n: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's reaction to an item.

    Attributes:
        at: Seconds since 1970 (UTC).
        text: What they said of it, for the signal `text`.
        query_id: The answer that showed the item, as in its impressions; empty where that is not known.
        event_id: Given by whoever reports it; the same one of the same user sent again is stored once. Empty for none.
    """

    user_id: UserId
    item_id: ItemId
    signal: Signal
    at: float
    text: str = ""
    query_id: str = ""
    event_id: str = ""
