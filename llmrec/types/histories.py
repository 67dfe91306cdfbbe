"""What is known of many users at once, as columns: the input of everything that predicts in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Histories:
    """Histories of several users, each oldest first. Like a query, it has no room for an answer.

    Attributes:
        starts: int64 [n_users + 1]; user u's rows are `starts[u]:starts[u + 1]`.
        items: int32 [n], catalogue positions.
        values: float32 [n], strength, higher is better.
        at: float64 [n], seconds since 1970 (UTC); nan where the data has no time.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    at: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of users."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Interactions per user, int64 [n_users]."""
        return np.diff(self.starts)

    @property
    def users(self) -> NDArray[np.int64]:
        """The user of each row, int64 [n], from 0."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def ages(self) -> NDArray[np.int64]:
        """Steps back from each user's newest interaction, int64 [n]; the newest has age 0."""
        return np.repeat(self.starts[1:], self.lengths) - 1 - np.arange(len(self.items))

    @classmethod
    def joined(cls, parts: Sequence[Histories]) -> Histories:
        """The users of all `parts`, at least one, in their order."""
        lengths = np.concatenate([part.lengths for part in parts])
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        items, values, at = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("items", "values", "at")
        )
        return cls(starts, items, values, at)

    def of(self, users: NDArray[np.integer] | slice) -> Histories:
        """The histories of some users (numbers within these), in the order given."""
        chosen = np.arange(len(self))[users]
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(self.starts[chosen] - starts[:-1], lengths) + np.arange(int(starts[-1]))
        return Histories(starts, self.items[rows], self.values[rows], self.at[rows])

    def where(self, kept: NDArray[np.bool_]) -> Histories:
        """The rows with `kept`, bool [n], true; users keep their numbers, also those left without a row."""
        starts = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)[self.starts]
        return Histories(starts, self.items[kept], self.values[kept], self.at[kept])
