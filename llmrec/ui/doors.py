"""Middleware that shuts what Gradio serves beyond the page, and tells the browser to talk to this server only."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Routes that write a visitor's data to the disk, fetch from elsewhere, or show other visitors' traffic.
CLOSED_PATHS = (
    "/gradio_api/deep_link",
    "/gradio_api/upload",
    "/gradio_api/proxy=",
    "/gradio_api/process_recording",
    "/gradio_api/stream",
    "/gradio_api/vibe",
    "/gradio_api/undo-vibe",
    "/gradio_api/run-history",
    "/gradio_api/runs",
    "/monitoring",
)
# 'unsafe-inline' and 'unsafe-eval' are Gradio's own needs; what matters here is that nothing leads elsewhere.
_POLICY = "; ".join(
    [
        "default-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class PrivateDoors:
    """ASGI middleware around the whole server."""

    def __init__(self, app: ASGIApp) -> None:
        """Guard `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 on closed paths, and add the headers to every other answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(CLOSED_PATHS):
            await PlainTextResponse("not found", status_code=404)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return send_guarded
