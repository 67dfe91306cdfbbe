"""Errors as answers: one status code, one stable word, one sentence."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from llmrec.errors import LLMRecError
from llmrec.service.answers import Problem
from llmrec.service.engine import OverloadedError
from llmrec.service.tickets import ClientLeft

logger = logging.getLogger(__name__)

_STATUS_BY_CODE: Mapping[str, int] = {
    "data": 422,
    "config": 422,
    "constraint": 422,
    "unknown_item": 404,
    "unknown_user": 404,
    "forbidden": 403,
    "overloaded": 429,
    "rate": 429,
    "deadline": 503,
    "model": 503,
    "model_timeout": 503,
    "feedback": 503,
    "keys": 503,
    "artifact": 503,
    "asset": 503,
    "vector_store": 503,
}
_PHRASES = frozenset(status.value for status in HTTPStatus)
_CLIENT_LEFT = 499  # as nginx logs it; nobody reads this answer
_MAX_DETAIL_CHARS = 500
_MEANINGS: Mapping[int, str] = {
    400: "The body is no JSON.",
    401: "The key is missing or wrong.",
    403: "The key is of another user or scope.",
    404: "Nothing has that id.",
    413: "The body is too long.",
    422: "A field is wrong; the sentence names it.",
    429: "Too many requests; Retry-After says when.",
    503: "A part does not answer now.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "model": Problem, "content": {"application/problem+json": {}}}
    for status, text in _MEANINGS.items()
}


class ForbiddenError(LLMRecError):
    """The key may not do this."""

    code = "forbidden"


class JsonAnswer(Response):
    """Any value as JSON: what is not finite is null, and text that is no Unicode is escaped instead of failing."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The bytes of `content`."""
        return to_json(content).encode()


def to_json(value: object) -> str:
    """`value` in one line of ASCII."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":"))


def problem(status: int, detail: str, *, code: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as an answer."""
    return _answer(_fields(status, detail, code), dict(headers or {}))


def problem_of(error: Exception) -> Response:
    """The answer to an error that was raised on purpose, and to any other."""
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, OverloadedError) else {}
    return _answer(problem_fields(error), headers)


def problem_fields(error: Exception) -> Problem:
    """The same as values, for where no status can be sent any more."""
    if isinstance(error, ClientLeft):
        return _fields(_CLIENT_LEFT, "The client left.", "gone")
    if not isinstance(error, LLMRecError):
        logger.error("unexpected", exc_info=error)
        return _fields(500, "The service failed unexpectedly; its log says more.", "internal")
    return _fields(_STATUS_BY_CODE.get(error.code, 503), str(error), error.code)


def install(app: FastAPI) -> None:
    """Answer every error of `app` this way."""

    async def on_error(request: Request, error: Exception) -> Response:
        return problem_of(error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return problem(400, f"The body is no JSON: {first.get('ctx', {}).get('error', '')}.", code="json")
        place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return problem(422, f"{place}: {message[:1].lower()}{message[1:]}.", code="invalid")

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = str(error.detail).rstrip(".") + "."
        return problem(error.status_code, detail, code="http", headers=error.headers)

    app.add_exception_handler(LLMRecError, on_error)
    app.add_exception_handler(ClientLeft, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_error)


def _fields(status: int, detail: str, code: str) -> Problem:
    title = HTTPStatus(status).phrase if status in _PHRASES else "Client Closed Request"
    detail = " ".join(detail.split())
    if len(detail) > _MAX_DETAIL_CHARS:
        detail = f"{detail[: _MAX_DETAIL_CHARS - 2]} …"
    return Problem(type="about:blank", title=title, status=status, detail=detail, code=code)


def _answer(fields: Problem, headers: dict[str, str]) -> Response:
    return Response(to_json(fields.model_dump()), fields.status, headers, "application/problem+json")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
