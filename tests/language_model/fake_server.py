"""A server on this machine that speaks OpenAI's protocol, honestly or not: each fault is a function of its own."""

import json
import math
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import ascii_lowercase, ascii_uppercase
from types import TracebackType
from typing import Any, Self

Body = dict[str, Any]
Behaviour = Callable[["Exchange"], None]
_LETTERS = ascii_uppercase + ascii_lowercase
_LETTER_MASS = 0.9
_TEXT = "You may like it because it is funny and warm."


class Exchange:
    """One request and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: Body, closing: threading.Event) -> None:
        self.handler = handler
        self.body = body
        self.closing = closing

    def send(self, content: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        with self.sending(status, kind, **{"content-length": str(len(content)), **headers}) as write:
            write(content)

    @contextmanager
    def sending(self, status: int, kind: str, **headers: str) -> Iterator[Callable[[bytes], None]]:
        self.handler.send_response(status)
        self.handler.send_header("content-type", kind)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        try:
            yield self._write
        except (BrokenPipeError, ConnectionResetError):
            self.handler.close_connection = True  # the client had enough, as it should

    def _write(self, content: bytes) -> None:
        self.handler.wfile.write(content)
        self.handler.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the answers that are still being given

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may hang up; anything else is a mistake of the test."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as the library calls it


class FakeServer:
    """Answers every request as `behaviour` says at that moment; `url` is what a client is given."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self._closing = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                fake._connections.append(self.connection)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                fake.requests.append(body)
                fake.headers.append({name.lower(): value for name, value in self.headers.items()})
                fake.behaviour(Exchange(self, body, fake._closing))

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._connections: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def setting(self) -> str:
        return f"openai:{self.url}#tiny"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        for connection in self._connections:
            with suppress(OSError):  # most are closed already
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


def honest(exchange: Exchange) -> None:
    """Text, pieces of text, or a letter: the one that is asked for, else the earlier the better."""
    if exchange.body.get("stream"):
        _stream(exchange)
        return
    listed = letters_of(exchange.body)[: exchange.body.get("top_logprobs", 0)]
    exchange.send(answer(_text(exchange.body), listed))


def letters_of(body: Body) -> list[tuple[str, float]]:
    """Log-probabilities of all letters, best first, 0.9 together."""
    asked = re.search(r"Repeat this letter: (\w)", body["messages"][-1]["content"])
    wanted = asked[1] if asked else "A"
    order = sorted(_LETTERS, key=lambda letter: (letter != wanted, _LETTERS.index(letter)))
    logits = [-0.3 * place for place in range(len(order))]
    total = math.log(math.fsum(map(math.exp, logits)))
    return [(letter, logit - total + math.log(_LETTER_MASS)) for letter, logit in zip(order, logits, strict=True)]


def answer(text: str, listed: list[tuple[str, float]] | None = None, *, finish: str = "stop") -> bytes:
    choice: Body = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    if listed:
        tokens = [{"token": token, "logprob": value, "bytes": None} for token, value in listed]
        choice["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}]}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": {}}).encode()


def without_log_probs(exchange: Exchange) -> None:
    """Asked for log-probabilities, it passes over the wish."""
    exchange.send(answer(_text(exchange.body)))


def refuses_log_probs(exchange: Exchange) -> None:
    """Asked for log-probabilities, it refuses."""
    if "logprobs" in exchange.body:
        problem(400, "Unsupported parameter: logprobs")(exchange)
    else:
        honest(exchange)


def problem(status: int, message: str = "something broke", **headers: str) -> Behaviour:
    content = json.dumps({"error": {"message": message}}).encode()
    return lambda exchange: exchange.send(content, status=status, **headers)


def says(content: bytes) -> Behaviour:
    return lambda exchange: exchange.send(content)


def lists(listed: list[tuple[str, float]]) -> Behaviour:
    return says(answer("A", listed))


def silent(exchange: Exchange) -> None:
    """Takes the request and never answers."""
    exchange.closing.wait(5)
    exchange.handler.close_connection = True


def endless(exchange: Exchange) -> None:
    """A piece of an answer every 10 ms, for ever."""
    with exchange.sending(200, "application/json", connection="close") as write:
        while not exchange.closing.wait(0.01):
            write(b" ")
    exchange.handler.close_connection = True


def hangs_up(exchange: Exchange) -> None:
    """Closes the connection without a word."""
    exchange.handler.close_connection = True


def huge(exchange: Exchange) -> None:
    """A megabyte that would be an answer."""
    exchange.send(answer("A" * (1 << 20)))


def _text(body: Body) -> str:
    if body["messages"][0]["content"].endswith("single letter."):
        return letters_of(body)[0][0]
    return " ".join(_TEXT.split()[: body["max_tokens"]])


def _stream(exchange: Exchange) -> None:
    pieces = re.findall(r"\S+\s*", _text(exchange.body))
    with exchange.sending(200, "text/event-stream", connection="close") as write:
        for piece in pieces:
            chunk = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            write(f"data: {json.dumps(chunk)}\n\n".encode())
        write(b"data: [DONE]\n\n")
    exchange.handler.close_connection = True
