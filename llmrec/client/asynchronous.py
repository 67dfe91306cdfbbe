"""The same client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

import httpx

from llmrec.arguments import ItemReference, TurnLike, Where
from llmrec.client import calls
from llmrec.client.calls import Call, EventLines, headers_of, reaching
from llmrec.results import Recommendations, SimilarItem, UserRecommendations
from llmrec.types import Event, Explanation, Item, Profile, Reply, Signal

T = TypeVar("T")
_TIMEOUT_S = 120.0


class AsyncClient:
    """Asks a service that `llmrec serve` runs, without blocking the loop; all else as for `Client`.

    Its methods raise what the recommender would, and ServiceError where the service refuses or is not there.
    """

    def __init__(self, url: str, key: str = "", *, timeout_s: float = _TIMEOUT_S) -> None:
        """Talk to `url` with `key`; nothing is sent yet.

        Args:
            url: Where the service is, `http://127.0.0.1:8000`.
            key: As `llmrec keys add` showed it; empty for a service without keys.
            timeout_s: For one answer, or one piece of a streamed one.
        """
        self._http = httpx.AsyncClient(base_url=url, headers=headers_of(key), timeout=timeout_s)

    async def recommend(
        self,
        query: str = "",
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
        profile: Profile | None = None,
        k: int = 10,
        where: Where = None,
        filter_viewed: bool = True,
    ) -> Recommendations:
        """The `k` items that suit a user best; see `Recommender.recommend`."""
        call = calls.recommend(
            query, user_id=user_id, history=history, profile=profile, k=k, where=where, filter_viewed=filter_viewed
        )
        return await self._ask(call)

    async def recommend_many(
        self, user_ids: Sequence[str], *, k: int = 10, where: Where = None, filter_viewed: bool = True
    ) -> list[UserRecommendations]:
        """What `recommend` gives each of `user_ids`, not explained; at most 1,000, with a key of scope admin."""
        return await self._ask(calls.recommend_many(user_ids, k=k, where=where, filter_viewed=filter_viewed))

    async def rank(
        self,
        query_or_history: str | Sequence[ItemReference],
        items: Sequence[ItemReference],
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
    ) -> Recommendations:
        """The given items, all of them, best first; see `Recommender.rank`."""
        return await self._ask(calls.rank(query_or_history, items, user_id=user_id, history=history))

    async def explain(
        self,
        query_or_history: str | Sequence[ItemReference],
        item: ItemReference,
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
    ) -> Explanation:
        """Why `item` would suit; see `Recommender.explain`."""
        return await self._ask(calls.explain(query_or_history, item, user_id=user_id, history=history))

    async def chat(
        self, turns: Sequence[TurnLike], profile: Profile | None = None, *, user_id: str | None = None, k: int = 5
    ) -> Reply:
        """The reply to the last of `turns`; pass the reply's profile back with the next one."""
        return await self._ask(calls.chat(turns, profile, user_id=user_id, k=k, stream=False))

    async def chat_stream(
        self, turns: Sequence[TurnLike], profile: Profile | None = None, *, user_id: str | None = None, k: int = 5
    ) -> AsyncIterator[Event]:
        """The same reply in pieces, the whole Reply last. Closing it ends the work at the service."""
        call = calls.chat(turns, profile, user_id=user_id, k=k, stream=True)
        async with self._streamed(call) as answer:
            lines = EventLines()
            async for line in answer.aiter_lines():
                for event in lines.read(line):
                    yield event

    async def similar(self, item: ItemReference, k: int = 10) -> list[SimilarItem]:
        """The `k` items closest to `item` in content, best first."""
        return await self._ask(calls.similar(item, k))

    async def items(self) -> AsyncIterator[Item]:
        """The catalogue in its order."""
        offset: int | None = 0
        while offset is not None:
            page, offset = await self._ask(calls.items_page(offset))
            for item in page:
                yield item

    async def feedback(
        self, item: ItemReference, signal: Signal, *, user_id: str | None = None, text: str = "", event_id: str = ""
    ) -> None:
        """Keep what a user thinks of an item; it is on the disk when this returns, and one `event_id` is kept once."""
        await self._ask(calls.feedback(item, signal, user_id=user_id, text=text, event_id=event_id))

    async def add_interactions(self, items: Sequence[ItemReference], *, user_id: str | None = None) -> None:
        """Keep that a user met `items`, now; it counts from the next request on."""
        await self._ask(calls.interactions(items, user_id=user_id))

    async def export(self, user_id: str) -> str:
        """All that is kept of a user, one JSON object a line."""
        return await self._ask(calls.export(user_id))

    async def delete(self, user_id: str) -> Mapping[str, object]:
        """Remove what is kept of a user; how many rows went of each kind, and what remains."""
        return await self._ask(calls.delete(user_id))

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """The client itself; it is closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.aclose()

    async def _ask(self, call: Call[T]) -> T:
        with reaching(str(self._http.base_url)):
            answer = await self._http.request(call.method, call.path, json=call.body, params=call.params)
        return call.result(answer)

    @asynccontextmanager
    async def _streamed(self, call: Call[Reply]) -> AsyncIterator[httpx.Response]:
        with reaching(str(self._http.base_url)):
            async with self._http.stream(call.method, call.path, json=call.body) as answer:
                if answer.is_error:
                    await answer.aread()
                    call.result(answer)
                yield answer
