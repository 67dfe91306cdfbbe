"""What callers of the public face may pass, and the checks at that border."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import index
from typing import SupportsIndex

from llmrec.errors import ConfigError
from llmrec.types import Turn

ItemReference = str | Mapping[str, object]
"""An item id, a title (`"Alien (1979)"`, `"Alien"`), or a mapping with `item_id` or `title` and maybe a `rating`."""

TurnLike = Turn | Mapping[str, object]
"""A Turn, or a mapping with `role` and `text` (or `content`, as chat APIs call it)."""

Where = Mapping[str, object] | Sequence[str] | None
"""Hard conditions: `{"year": {"$gte": 1990}}`, or as on the command line `["year>=1990"]`."""


def as_references(references: Sequence[ItemReference]) -> Sequence[ItemReference]:
    """`references` if it is a list. Raises ConfigError for a bare string, whose letters are not meant one by one."""
    if isinstance(references, (str, bytes)):
        raise ConfigError(f"{references!r} is not a list of items; write [{references!r}].")
    return references


def as_turn(turn: TurnLike) -> Turn:
    """`turn` as a Turn. Raises ConfigError when it is none."""
    if isinstance(turn, Turn):
        return turn
    role, text = turn.get("role"), turn.get("text", turn.get("content"))
    if role not in ("user", "assistant") or not isinstance(text, str):
        raise ConfigError(f"{turn!r} is not a turn; it needs a role (user or assistant) and a text.")
    return Turn("user" if role == "user" else "assistant", text)


def checked_k(k: SupportsIndex) -> int:
    """`k` if it is a whole number from 1, NumPy's included. Raises ConfigError."""
    try:
        number = 0 if isinstance(k, bool) else index(k)
    except TypeError:
        number = 0
    if number < 1:
        raise ConfigError(f"k is {k!r}; it must be a whole number from 1.")
    return number


def rating_of(reference: ItemReference) -> float:
    """The rating in `reference`, 1.0 where it has none. Raises ConfigError when it is not a finite number."""
    rating = reference.get("rating") if isinstance(reference, Mapping) else None
    if rating is None:
        return 1.0
    try:
        strength = math.nan if isinstance(rating, (bool, str)) else float(rating)  # type: ignore[arg-type]  # any number
    except (TypeError, ValueError, OverflowError):
        strength = math.nan
    if not math.isfinite(strength):
        raise ConfigError(f"the rating {rating!r} of {reference!r} is not a finite number.")
    return strength
