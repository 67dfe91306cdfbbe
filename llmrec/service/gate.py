"""The door: host, key, rate and size of every request are checked before anything else sees it."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmrec.errors import LLMRecError
from llmrec.service.keys import KeyFile
from llmrec.service.openai_errors import PATHS as OPENAI_PATHS
from llmrec.service.openai_errors import for_openai
from llmrec.service.people import Identity
from llmrec.service.problems import problem, problem_of
from llmrec.service.rates import RateLimiter
from llmrec.service.settings import ServiceSettings

OPEN_PATHS = ("/healthz", "/readyz")
_WORK_PATHS = frozenset(
    f"/v1/{name}" for name in ("recommend", "recommend/many", "rank", "explain", "chat", "chat/completions")
)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PAGE_BODY_FACTOR = 8  # the page's events carry a whole conversation
Count = Callable[[str, int, float], None]


class Gate:
    """ASGI middleware around the whole service."""

    def __init__(
        self, app: ASGIApp, *, settings: ServiceSettings, keys: KeyFile, count: Count, require_room: Callable[[], None]
    ) -> None:
        """Guard `app`; each answer is told to `count` as route, status and seconds.

        Args:
            app: What is guarded.
            settings: Its bounds.
            keys: Who may come in.
            count: Is told of every answer.
            require_room: Raises OverloadedError when no request for the model can be let in.
        """
        self._app = app
        self._settings = settings
        self._keys = keys
        self._rates = RateLimiter(settings.requests_per_minute)
        self._count = count
        self._require_room = require_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            # The page uses none, and what passes here would pass without a key.
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def send_noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            told = for_openai(send_noting) if scope["path"] in OPENAI_PATHS else send_noting
            await self._pass(scope, receive, told)
        finally:
            self._count(_route_of(scope), status, time.perf_counter() - started)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._foreign(scope["method"], headers)
        if refusal is None:
            try:
                identity = self._identity(scope, headers)
                if identity is not None and scope["path"] in _WORK_PATHS:
                    # Here already, for under overload reading each body would cost what answers need.
                    self._require_room()
            except LLMRecError as error:
                refusal = problem_of(error)
            else:
                refusal = self._refusal(scope, identity)
                scope.setdefault("state", {})["identity"] = identity
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            body = await self._body(scope, headers, receive)
        except ClientDisconnect:
            return
        if body is None:
            limit = self._limit(scope)
            too_long = problem(413, f"The body is longer than {limit:,} bytes.", code="too_long")
            await too_long(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    def _foreign(self, method: str, headers: Headers) -> Response | None:
        """A refusal for a request that another site's page sent, or that names another host."""
        host = headers.get("host", "")
        if self._settings.hosts and _without_port(host) not in self._settings.hosts:
            return problem(403, f"This service is not called {host[:80]!r} (see --host-name).", code="host")
        origin = headers.get("origin")
        if method not in _SAFE_METHODS and origin is not None and urlsplit(origin).netloc != host:
            return problem(403, "Pages of other sites may not use this service.", code="origin")
        return None

    def _identity(self, scope: Scope, headers: Headers) -> Identity | None:
        """Who asks, None when a key is needed and there is none that counts. Raises KeyFileError."""
        address = (scope.get("client") or ("", 0))[0]
        if not self._keys.are_asked_for:
            return Identity(address, "admin")
        text = _key_in(headers.get("authorization", ""), may_be_basic=not _is_api(scope["path"]))
        key = self._keys.find(text) if text else None
        if key is None:
            return None
        return Identity(key.id, key.scope, key.user_id if key.scope == "user" else None)

    def _refusal(self, scope: Scope, identity: Identity | None) -> Response | None:
        if scope["path"] in OPEN_PATHS:
            return None
        if identity is None:
            scheme = "Bearer" if _is_api(scope["path"]) else 'Basic realm="llmrec", charset="UTF-8"'
            detail = "A key is missing or wrong; send it as `Authorization: Bearer KEY`."
            return problem(401, detail, code="unauthorized", headers={"www-authenticate": scheme})
        # The page's own events are not counted: Gradio's queue bounds them, and one visit makes dozens.
        wait_s = self._rates.seconds_to_wait(identity.caller) if _is_api(scope["path"]) else 0
        if wait_s:
            detail = f"More than {self._settings.requests_per_minute} requests a minute. Try again in {wait_s} s."
            return problem(429, detail, code="rate", headers={"retry-after": str(wait_s)})
        return None

    def _limit(self, scope: Scope) -> int:
        return self._settings.max_body_bytes * (1 if _is_api(scope["path"]) else _PAGE_BODY_FACTOR)

    async def _body(self, scope: Scope, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, None when it is too long. Raises ClientDisconnect."""
        limit = self._limit(scope)
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            return None
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > limit:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def receive_again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _is_api(path: str) -> bool:
    return path.startswith("/v1/") or path == "/v1"


def _key_in(header: str, *, may_be_basic: bool) -> str:
    """The key in an Authorization header; a browser asks for a password and sends it as Basic."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic" or not may_be_basic:
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _route_of(scope: Scope) -> str:
    """The route's template: a path itself would put ids into the metrics, and a new series for each."""
    route = scope.get("route")
    path = getattr(route, "path", "")
    return path if isinstance(path, str) and path else "page"
