"""Problems as OpenAI's clients read them: as plain JSON, with an `error` beside the problem's own fields."""

from __future__ import annotations

import json

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from llmrec.service.problems import to_json

PATHS = ("/v1/chat/completions", "/v1/models")


def for_openai(send: Send) -> Send:
    """`send`, with problems told twice; every other answer passes as it is."""
    held: Message | None = None

    async def send_told_twice(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _is_problem(message):
            held = message
            return
        if held is not None:
            # A problem is one piece.
            body = _told_twice(message["body"])
            headers = MutableHeaders(scope=held)
            headers["content-type"] = "application/json"
            headers["content-length"] = str(len(body))
            await send(held)
            message, held = {**message, "body": body}, None
        await send(message)

    return send_told_twice


def _is_problem(message: Message) -> bool:
    return MutableHeaders(scope=message).get("content-type") == "application/problem+json"


def _told_twice(body: bytes) -> bytes:
    found = json.loads(body)
    error = {"message": found["detail"], "type": found["code"], "param": None, "code": found["code"]}
    return to_json({**found, "error": error}).encode()
