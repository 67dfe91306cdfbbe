"""One request on its way through the service: whose it is, how long it may take, whether anybody still waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field

from llmrec.service.desks import Desks
from llmrec.types import RankReport


class ClientLeft(Exception):  # noqa: N818 - what happened, no fault of anybody's
    """Nobody waits for the answer any more, so the work for it ends here."""


@dataclass
class Ticket:
    """A request that was let in.

    Attributes:
        owner: Whose turn it uses: owners take turns at the model, whatever each of them asks for.
        deadline: Moment of `time.monotonic` after which the model's voice is not waited for.
        report: Of the first ranking made for it, or None.
        desks: Where the request's own work is done, left while it waits for the model; None outside of the workshop.
        degraded: Why the model's voice is missing, in one sentence; empty when it is there or was not wanted.
    """

    owner: str
    deadline: float
    gone: Future[None] = field(default_factory=Future)
    desks: Desks | None = None
    report: RankReport | None = None
    degraded: str = ""

    @property
    def seconds_left(self) -> float:
        """Until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def is_gone(self) -> bool:
        """Whether the client has left."""
        return self.gone.done()

    def away(self) -> AbstractContextManager[None]:
        """Within, the thread that works for it waits for something, and needs no desk."""
        return self.desks.left() if self.desks is not None else nullcontext()

    def leave(self) -> None:
        """Say that nobody waits any more."""
        if not self.gone.done():
            self.gone.set_result(None)


# A pipeline's stages pass queries on, not requests; this carries the request beside them, within one thread's context.
_current: ContextVar[Ticket | None] = ContextVar("llmrec_ticket", default=None)


def current_ticket() -> Ticket | None:
    """The ticket of the request that this thread works for, or None outside of any."""
    return _current.get()


@contextmanager
def working_for(ticket: Ticket) -> Iterator[None]:
    """Within, `ticket` is the current one."""
    token = _current.set(ticket)
    try:
        yield
    finally:
        _current.reset(token)
