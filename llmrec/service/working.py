"""Work for a request in a thread of its own: let in or refused, cut off when the client leaves, counted at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request

from llmrec.service.desks import Desks
from llmrec.service.engine import Engine
from llmrec.service.settings import ServiceSettings
from llmrec.service.tickets import ClientLeft, Ticket, working_for

T = TypeVar("T")
_END = object()


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What came of the work, and the ticket it was done under."""

    value: T
    ticket: Ticket


class Workshop:
    """Threads for as many requests as the engine lets in; each waits in its own for the model."""

    def __init__(self, engine: Engine, settings: ServiceSettings) -> None:
        """Work with `engine` within `settings`."""
        self.engine = engine
        self._settings = settings
        self._desks = Desks()
        self._pool = ThreadPoolExecutor(engine.slots + engine.queue_size, thread_name_prefix="llmrec-request")

    async def do(self, request: Request, work: Callable[[], T], *, owner: str, deadline_s: float | None) -> Done[T]:
        """The result of `work`. Raises OverloadedError, ClientLeft, and what `work` raises."""
        ticket = self._admit(owner, deadline_s)

        def run() -> T:
            try:
                with self._working(ticket):
                    return work()
            finally:
                self.engine.release(ticket)

        doing = asyncio.get_running_loop().run_in_executor(self._pool, run)
        watching = asyncio.create_task(_leave_with_client(request, ticket))
        try:
            return Done(await doing, ticket)
        finally:
            watching.cancel()

    async def stream(
        self, work: Callable[[], Iterator[T]], *, owner: str, deadline_s: float | None
    ) -> AsyncIterator[Done[T]]:
        """The pieces of `work` as they come, the first one already waited for.

        Closing the result ends the work before its next piece. Raises OverloadedError, and what `work` raises.
        """
        ticket = self._admit(owner, deadline_s)
        loop = asyncio.get_running_loop()
        # Unbounded, for a turn has some twenty pieces: a slow reader holds no thread and no slot.
        pieces: asyncio.Queue[object] = asyncio.Queue()

        def tell(piece: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the service has stopped
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        self._pool.submit(self._produce, work, ticket, tell)
        try:
            first = await pieces.get()
        except BaseException:
            ticket.leave()
            raise
        if isinstance(first, Exception):
            raise first
        return _pieces(first, pieces, ticket)

    def close(self) -> None:
        """Take no more work."""
        self.engine.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _admit(self, owner: str, deadline_s: float | None) -> Ticket:
        seconds = min(deadline_s or self._settings.deadline_s, self._settings.max_deadline_s)
        ticket = self.engine.admit(owner=owner, deadline_s=seconds)
        ticket.desks = self._desks
        return ticket

    @contextmanager
    def _working(self, ticket: Ticket) -> Iterator[None]:
        """Within, the thread works for `ticket`, at a desk. Raises ClientLeft when that came too late."""
        with self._desks.taken(), working_for(ticket):
            if ticket.is_gone:
                raise ClientLeft
            yield

    def _produce(self, work: Callable[[], Iterator[T]], ticket: Ticket, tell: Callable[[object], None]) -> None:
        try:
            with self._working(ticket):
                events = work()
                try:
                    for event in events:
                        if ticket.is_gone:
                            return
                        tell(Done(event, ticket))
                finally:
                    # A turn that ends early has to stop its model now, not when the garbage is collected.
                    if isinstance(events, Generator):
                        events.close()
        except Exception as error:  # noqa: BLE001 - raised again where the pieces are read
            tell(error)
        finally:
            self.engine.release(ticket)
            tell(_END)


async def _pieces(first: object, rest: asyncio.Queue[object], ticket: Ticket) -> AsyncIterator[Done[T]]:
    piece = first
    try:
        while piece is not _END:
            if isinstance(piece, Exception):
                raise piece
            yield piece  # type: ignore[misc]  # only Done is left
            piece = await rest.get()
    finally:
        ticket.leave()


async def _leave_with_client(request: Request, ticket: Ticket) -> None:
    with suppress(ClientLeft, RuntimeError):
        while (await request.receive())["type"] != "http.disconnect":
            pass
        ticket.leave()
