"""Calls to a server that may be slow, broken or hostile: bounded in time, size and tries, and one sentence if in vain.

An answer is given up at its deadline; one that begins late and then falls silent, at twice the time at the latest.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from llmrec.errors import ModelError, ModelTimeout
from llmrec.language_model.remote_address import KEY_VARIABLE, Address
from llmrec.language_model.remote_wire import error_text
from llmrec.servers import CircuitBreaker, is_loopback

T = TypeVar("T")
Body = Mapping[str, Any]  # JSON
_PATH = "/chat/completions"
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class RefusedError(ModelError):
    """The server is well and does not want this request; asking again is no use."""


class _FailedError(ModelError):
    """The server failed in a way that may pass."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounds of one call beside its deadline.

    Attributes:
        connect_s: Seconds until a connection stands.
        n_tries: How often the same may be asked; greedy answers are the same each time, so asking again is safe.
        pause_s: Longest pause before the second try; it doubles with each, and its length is drawn.
        max_bytes: Longest answer.
    """

    connect_s: float = 5.0
    n_tries: int = 3
    pause_s: float = 0.25
    max_bytes: int = 512 * 1024


class Caller:
    """Asks one server for chat completions. Threads may share one."""

    def __init__(
        self,
        address: Address,
        key: str,
        *,
        patience: Patience,
        breaker: CircuitBreaker,
        rng: random.Random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Call `address`; nothing is sent yet.

        Args:
            address: The server.
            key: Sent to it and to nobody else; empty for none.
            patience: Bounds.
            breaker: Ends calls in vain.
            rng: Draws pauses, so that callers that failed together do not come back together.
            sleep: Waits for so many seconds.
        """
        self._place = address.place
        self._url = address.url + _PATH
        self._key = key
        self._patience = patience
        self._breaker = breaker
        self._rng = rng
        self._sleep = sleep
        # Compressed answers could be small on the wire and huge here.
        headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {key}"} if key else {})
        # A proxy of the environment has no way to this machine's own servers.
        self._http = httpx.Client(headers=headers, follow_redirects=False, trust_env=not is_loopback(address.host))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def post(self, body: Body, read: Callable[[bytes], T], *, timeout_s: float) -> T:
        """What `read` makes of the answer to `body`.

        Raises:
            ModelTimeout: The deadline passed.
            RefusedError: The server does not want this request.
            ModelError: It failed as often as it may, is resting after failures, or `read` raised.
        """
        deadline = time.monotonic() + timeout_s
        failures: list[_FailedError] = []
        with self._guarded():
            while True:
                try:
                    return read(self._answer(body, deadline))
                except _FailedError as error:
                    failures.append(error)
                except ModelTimeout:
                    if not failures:
                        raise
                    raise _given_up(failures) from failures[-1]  # why it was asked again says more
                self._pause(failures, deadline)

    def stream(self, body: Body, *, timeout_s: float) -> Iterator[bytes]:
        """The lines of a streamed answer until the deadline. Raises as `post`, which asks again where this does not."""
        deadline = time.monotonic() + timeout_s
        with self._guarded(), self._opened(body, deadline) as answer:
            self._require_success(answer, b"" if answer.is_success else b"".join(self._pieces(answer, deadline)))
            rest = b""
            for piece in self._pieces(answer, deadline):
                *lines, rest = (rest + piece).split(b"\n")
                yield from lines
            yield rest

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        refused: list[RefusedError] = []
        with self._breaker.guarding(ModelError, lambda reason: RefusedError(f"the server at {self._place} {reason}.")):
            try:
                yield
            except RefusedError as error:
                refused.append(error)  # not a failure of the server
        if refused:
            raise refused[0]

    def _answer(self, body: Body, deadline: float) -> bytes:
        with self._opened(body, deadline) as answer:
            content = b"".join(self._pieces(answer, deadline))
            self._require_success(answer, content)
            return content

    @contextmanager
    def _opened(self, body: Body, deadline: float) -> Iterator[httpx.Response]:
        left_s = self._left_s(deadline)
        timeout = httpx.Timeout(left_s, connect=min(left_s, self._patience.connect_s))
        try:
            with self._http.stream("POST", self._url, json=body, timeout=timeout) as answer:
                yield answer
        except httpx.ConnectTimeout as error:
            raise _FailedError(f"the server at {self._place} cannot be reached: no connection in time.") from error
        except httpx.TimeoutException as error:
            raise self._late() from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _FailedError(f"the server at {self._place} cannot be reached: {_reason(error)}.") from error

    def _pieces(self, answer: httpx.Response, deadline: float) -> Iterator[bytes]:
        n_bytes = 0
        for piece in answer.iter_raw():
            n_bytes += len(piece)
            if n_bytes > self._patience.max_bytes:
                raise ModelError(
                    f"the server at {self._place} answered with more than {self._patience.max_bytes:,} bytes."
                )
            self._left_s(deadline)
            yield piece

    def _left_s(self, deadline: float) -> float:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise self._late()
        return left_s

    def _late(self) -> ModelTimeout:
        return ModelTimeout(f"the server at {self._place} did not answer in time.")

    def _require_success(self, answer: httpx.Response, content: bytes) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        if answer.is_redirect:
            raise RefusedError(
                f"the server at {self._place} sends callers elsewhere, which is not followed.",
                hint="Name the right URL in language_model.model.",
            )
        if status in {401, 403}:
            raise RefusedError(
                f"the server at {self._place} refuses the key (status {status}).", hint=f"Set {KEY_VARIABLE}."
            )
        said = error_text(content, secret=self._key)
        message = f"the server at {self._place} answered with status {status}{f': {said}' if said else ''}."
        if status in _TRANSIENT:
            raise _FailedError(message, retry_after_s=_seconds(answer.headers.get("retry-after", "")))
        raise RefusedError(message)

    def _pause(self, failures: Sequence[_FailedError], deadline: float) -> None:
        """Wait before the next try. Raises ModelError when there is none, or no time for one."""
        longest_s = self._patience.pause_s * 2 ** (len(failures) - 1)
        pause_s = max(failures[-1].retry_after_s, self._rng.uniform(0, longest_s))
        if len(failures) == self._patience.n_tries or time.monotonic() + pause_s >= deadline:
            raise _given_up(failures) from failures[-1]
        self._sleep(pause_s)


def _given_up(failures: Sequence[_FailedError]) -> ModelError:
    times = "once" if len(failures) == 1 else f"{len(failures)} times"
    return ModelError(f"{failures[-1].message.rstrip('.')} (asked {times}).")


def _seconds(retry_after: str) -> float:
    """Of a Retry-After header; a date, which proxies send, counts as none."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text[:160] or type(error).__name__
