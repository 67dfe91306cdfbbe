"""The conversation in the shape of OpenAI's API, for the chat clients that speak it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from llmrec.errors import ConfigError
from llmrec.service.events import EVENT_SCHEMA, data_text
from llmrec.service.house import Asking, House, InHouse
from llmrec.service.openai_models import CompletionAnswer, CompletionRequest, ModelList
from llmrec.service.people import Identity
from llmrec.service.problems import RESPONSES, JsonAnswer
from llmrec.service.replaying import cards_text, replayed, reply_text
from llmrec.service.routes.chatting import last_reply, streamed
from llmrec.service.tickets import Ticket
from llmrec.service.working import Done
from llmrec.types import Event, ReplyEvent, TextEvent, Turn, UserId
from llmrec.wire import Json, profile_to_json, recommendation_to_json

router = APIRouter(prefix="/v1", responses=RESPONSES)
MODEL = "llmrec"
_N_CARDS = 5
_STREAM_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "With `stream`, chunks as server-sent events and `[DONE]` at the end.",
        "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
    }
}


@router.get("/models", response_model=ModelList)
async def models(asking: Asking) -> Response:
    """The one model there is."""
    return JsonAnswer({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}]})


@router.post("/chat/completions", response_model=CompletionAnswer, responses=_STREAM_DOC)
async def completions(asked: CompletionRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """The reply to the last message; a client that keeps no profile has its earlier messages read again."""
    turns = _turns(asked)
    user_id = _user(asked, asking)
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}

    def events() -> Iterator[Event]:
        known = house.people.known(user_id, must_exist=False)
        profile = house.profile(asked.profile, known)
        if asked.profile is None:
            profile = replayed(house.recommender, turns[:-1], profile)
        return house.recommender.for_user(user_id).chat_stream(
            turns, profile, user_id=known.learned_as, history=known.history, k=_N_CARDS
        )

    if asked.stream:
        return await streamed(
            house,
            asking,
            events,
            lambda done: _chunks(done, head, house, user_id),
            deadline_s=None,
            ending="data: [DONE]\n\n",
        )
    done = await house.answer(request, asking, lambda: last_reply(events()), deadline_s=None)
    reply = done.value
    text = reply_text(reply)
    message = {"role": "assistant", "content": text}
    extra = _extra(ReplyEvent(reply), done.ticket, house, user_id)
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = _usage(turns, text)
    return JsonAnswer({**head, "object": "chat.completion", "choices": choices, "usage": usage, **extra})


def _turns(asked: CompletionRequest) -> list[Turn]:
    turns = [Turn("user" if m.role == "user" else "assistant", m.text) for m in asked.messages if m.role in _SPEAKERS]
    if not turns or turns[-1].role != "user":
        raise ConfigError("messages: the last one that is not the system's must be the user's.")
    return turns


_SPEAKERS = ("user", "assistant")


def _user(asked: CompletionRequest, asking: Identity) -> UserId | None:
    """Whose conversation it is; clients put names of their own into `user`, which only an admin's may."""
    if asking.scope == "admin":
        return asking.acts_for(asked.user)
    return asking.user_id


def _chunks(done: Done[Event], head: Mapping[str, object], house: House, user_id: UserId | None) -> str:
    """The event as chunks; stages and cards have none of their own."""
    event = done.value
    if isinstance(event, TextEvent):
        return _chunk(head, {"role": "assistant", "content": event.delta})
    if not isinstance(event, ReplyEvent):
        return ""
    cards = cards_text(event.reply.recommendations)
    listed = _chunk(head, {"content": f"\n\n{cards}"}) if cards else ""
    return listed + _chunk(head, {}, finish="stop", extra=_extra(event, done.ticket, house, user_id))


def _chunk(
    head: Mapping[str, object], delta: Mapping[str, str], *, finish: str | None = None, extra: Json | None = None
) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return data_text({**head, "object": "chat.completion.chunk", "choices": [choice], **(extra or {})})


def _extra(event: ReplyEvent, ticket: Ticket, house: House, user_id: UserId | None) -> Json:
    reply = event.reply
    house.metrics.worked(reply.trace.stages, ticket)
    return {
        "recommendations": [recommendation_to_json(one) for one in reply.recommendations],
        "profile": profile_to_json(reply.profile, house.recommender.catalogue),
        "degraded": ticket.degraded or None,
        "query_id": house.impressions.shown(user_id, reply),
    }


def _usage(turns: Sequence[Turn], text: str) -> dict[str, int]:
    asked, said = sum(len(turn.text.split()) for turn in turns), len(text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
