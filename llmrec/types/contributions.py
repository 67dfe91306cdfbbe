"""What each thing known of a user does to the final score of one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmrec.types.items import ItemId


@dataclass(frozen=True, slots=True)
class Contributions:
    """How far an item's score falls when one thing is taken out of what is known of the user.

    In standard deviations of the slate's scores; at or below 0, what was taken out did not speak for the item.

    Attributes:
        items: By item of the user's that was taken out.
        wish: Of all the user said they feel like, taken out at once; None where nothing was said.
    """

    items: Mapping[ItemId, float] = field(default_factory=dict)
    wish: float | None = None
