"""What became of one turn: its stages as they end, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llmrec.types import Allowed, ItemId, Ranking, Recommendation, StageEvent, StageTrace, Trace


@dataclass(frozen=True, slots=True)
class Shown:
    """What a turn came to.

    Attributes:
        left: Candidates beside those that are shown.
    """

    allowed: Allowed
    ranking: Ranking = field(default_factory=lambda: Ranking((), (), "retrieval"))
    cards: tuple[Recommendation, ...] = ()
    left: tuple[ItemId, ...] = ()


class TurnLog:
    """Stages of one turn with the seconds since the one before."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin a turn; `now` is a clock in seconds."""
        self._now = now
        self._since = now()
        self._stages: list[StageTrace] = []

    def log(self, name: str, *, n_in: int, n_out: int | None = None, order: Sequence[ItemId] = ()) -> StageEvent:
        """End a stage that left `order` behind, or `n_out` of what went into it."""
        moment = self._now()
        stage = StageTrace(name, moment - self._since, n_in, len(order) if n_out is None else n_out, tuple(order))
        self._since = moment
        self._stages.append(stage)
        return StageEvent(stage)

    def trace(self, shown: Shown, notes: Sequence[str]) -> Trace:
        """All stages so far, with what the user should read about them."""
        report = shown.ranking.report
        relaxed = (f"dropped {c.field} {c.op} {c.value}: nothing satisfies every wish" for c in shown.allowed.relaxed)
        notes = (*notes, *relaxed, *filter(None, [report.degraded]))
        return Trace(tuple(self._stages), report.prompt_hash, report.model, report.adapter, notes, report)
