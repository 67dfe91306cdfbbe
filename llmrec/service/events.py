"""Server-sent events: lines of JSON, with a comment now and then so that nobody takes a slow answer for a dead one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import StreamingResponse

from llmrec.service.problems import to_json

_PING_S = 15.0
EVENT_SCHEMA = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["data"],
}


def event_text(name: str, data: object) -> str:
    """One named event; `to_json` writes no line break, so its data is one line."""
    return f"event: {name}\ndata: {to_json(data)}\n\n"


def data_text(data: object) -> str:
    """One event without a name, as OpenAI's API sends them."""
    return f"data: {to_json(data)}\n\n"


class EventStream(StreamingResponse):
    """An answer of server-sent events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        """Send `lines` as they come."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_with_pings(lines), headers=headers, media_type="text/event-stream")


async def _with_pings(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    upcoming = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            done, _ = await asyncio.wait([upcoming], timeout=_PING_S)
            if not done:
                yield ": still at work\n\n"
                continue
            line = upcoming.result()
            if line is None:
                return
            yield line
            upcoming = asyncio.ensure_future(anext(lines, None))
    finally:
        upcoming.cancel()
        with suppress(asyncio.CancelledError):
            await upcoming
        await lines.aclose()  # type: ignore[attr-defined]  # an async generator
