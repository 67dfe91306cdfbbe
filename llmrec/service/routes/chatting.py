"""The conversation: events as they come, or one answer. Nothing of it is kept: turns and profile come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from llmrec.service.answers import ChatAnswer
from llmrec.service.events import EVENT_SCHEMA, EventStream, event_text
from llmrec.service.house import Asking, House, InHouse
from llmrec.service.models import ChatRequest, TurnModel
from llmrec.service.people import Identity
from llmrec.service.problems import RESPONSES, JsonAnswer, problem_fields
from llmrec.service.tickets import Ticket
from llmrec.service.working import Done
from llmrec.types import CardsEvent, Event, Reply, ReplyEvent, StageEvent, TextEvent, Turn
from llmrec.wire import Json, recommendation_to_json, reply_to_json, stage_to_json

router = APIRouter(prefix="/v1", responses=RESPONSES)
_STREAM_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "With `stream`, server-sent events: `stage`, `cards`, `text`, and last `reply` or `error`; "
        "without, the last `reply` as one object.",
        "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
    }
}


@router.post("/chat", response_model=ChatAnswer, responses=_STREAM_DOC)
async def chat(asked: ChatRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """The reply to the last turn; send its `turns` and `profile` back with the next one."""
    turns = [Turn(turn.role, turn.text) for turn in asked.turns]

    def events() -> Iterator[Event]:
        known = house.known(asking, asked.user_id)
        profile = house.profile(asked.profile, known)
        serving = house.serving(asking, asked.user_id, asked.context)
        return serving.chat_stream(turns, profile, user_id=known.learned_as, history=known.history, k=asked.k)

    def answer(reply: Reply, ticket: Ticket) -> Json:
        house.metrics.worked(reply.trace.stages, ticket)
        said = [*asked.turns, TurnModel(role="assistant", text=reply.text)]
        return {
            **reply_to_json(reply, house.recommender.catalogue),
            "degraded": ticket.degraded or None,
            "query_id": house.impressions.shown(asking.acts_for(asked.user_id), reply),
            "turns": [turn.model_dump() for turn in said],
        }

    if not asked.stream:
        done = await house.answer(request, asking, lambda: last_reply(events()), deadline_s=asked.deadline_s)
        return JsonAnswer(answer(done.value, done.ticket))
    return await streamed(house, asking, events, lambda done: _line(done, answer), deadline_s=asked.deadline_s)


async def streamed(
    house: House,
    asking: Identity,
    events: Callable[[], Iterator[Event]],
    line: Callable[[Done[Event]], str],
    *,
    deadline_s: float | None,
    ending: str = "",
) -> StreamingResponse:
    """`events` as server-sent events, each written by `line`; what fails before the first of them is a problem."""
    pieces = await house.workshop.stream(events, owner=asking.caller, deadline_s=deadline_s)

    async def lines() -> AsyncIterator[str]:
        async with aclosing(pieces) as open_pieces:  # type: ignore[type-var]  # an async generator
            try:
                async for done in open_pieces:
                    if text := line(done):
                        yield text
            except Exception as error:  # noqa: BLE001 - the status is sent; the stream itself has to say it
                yield event_text("error", problem_fields(error).model_dump())
        if ending:
            yield ending

    return EventStream(lines())


def last_reply(events: Iterator[Event]) -> Reply:
    """The whole reply at the end of `events`."""
    *_, last = events
    assert isinstance(last, ReplyEvent)
    return last.reply


def _line(done: Done[Event], answer: Callable[[Reply, Ticket], Json]) -> str:
    event = done.value
    if isinstance(event, StageEvent):
        return event_text("stage", stage_to_json(event.stage))
    if isinstance(event, CardsEvent):
        return event_text("cards", {"recommendations": [recommendation_to_json(r) for r in event.recommendations]})
    if isinstance(event, TextEvent):
        return event_text("text", {"delta": event.delta})
    return event_text("reply", answer(event.reply, done.ticket))
