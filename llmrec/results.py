"""What a call for recommendations returns: a list that can say how it came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from llmrec.types import ItemId, Profile, RankedBy, Recommendation, Reply, Trace, UserId

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """An item that is close to another in content; `score` is their cosine, in [-1, 1], `rank` counts from 1."""

    item_id: ItemId
    title: str
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class RankedItem:
    """An item of a ranking that is not explained; `score` is higher for better, `rank` counts from 1."""

    item_id: ItemId
    title: str
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class UserRecommendations:
    """What one of many users gets.

    Attributes:
        items: Best first.
        degraded: Why the language model's voice is missing, in one sentence; empty when it is there or not wanted.
    """

    user_id: UserId
    items: tuple[RankedItem, ...]
    ranked_by: RankedBy
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Recommendations best first, the profile they were made for, and how they came about."""

    items: tuple[Recommendation, ...]
    profile: Profile
    trace: Trace

    @classmethod
    def of(cls, reply: Reply, notes: tuple[str, ...]) -> Self:
        """The cards of `reply`, with `notes` before its own."""
        trace = replace(reply.trace, notes=notes + reply.trace.notes)
        return cls(reply.recommendations, reply.profile, trace)

    def __iter__(self) -> Iterator[Recommendation]:
        """Best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.items)

    def __getitem__(self, index: int) -> Recommendation:
        """The one at `index`, from 0."""
        return self.items[index]

    def to_frame(self) -> pd.DataFrame:
        """One row each: item_id, title, score, rank, ranked_by, explanation."""
        import pandas as pd

        columns = ["item_id", "title", "score", "rank", "ranked_by", "explanation"]
        return pd.DataFrame([[getattr(item, name) for name in columns] for item in self.items], columns=columns)
