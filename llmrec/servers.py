"""What every server that settings name needs: the key the environment has for it, and a breaker before it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from llmrec.errors import ConfigError


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address without port, is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def key_for(host: str, variable: str, environment: Mapping[str, str]) -> str:
    """The key in `variable` if it is meant for `host`; empty when there is none.

    Settings can come with a directory from elsewhere and name any server, so the user has to say in `variable`_HOST
    which one may see the key; only this machine's own need not be said.

    Raises:
        ConfigError: There is a key, and it is not said to be for `host`.
    """
    key = environment.get(variable, "")
    if not key or is_loopback(host) or environment.get(f"{variable}_HOST", "") == host:
        return key
    raise ConfigError(
        f"{variable} is set, but not said to be for {host}.",
        hint=f"Set {variable}_HOST={host} if that server may see the key.",
    )


class CircuitBreaker:
    """Spares a server that keeps failing, and whoever would wait for it. Threads may share one."""

    def __init__(
        self,
        *,
        max_failures: int = 3,
        rest_s: float = 10.0,
        max_rest_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start closed.

        Args:
            max_failures: So many calls in a row may fail before none is let through.
            rest_s: For how long; then one call is a trial, and each that fails doubles the rest.
            max_rest_s: Longest rest.
            clock: Seconds that only grow.
        """
        self._max_failures = max_failures
        self._rest_s = rest_s
        self._max_rest_s = max_rest_s
        self._clock = clock
        self._n_failed = 0
        self._rests_until = 0.0
        self._on_trial = False
        self._lock = Lock()

    @contextmanager
    def guarding(self, failure: type[Exception], refusal: Callable[[str], Exception]) -> Iterator[None]:
        """A call: it counts as failed when it raises `failure`, as succeeded when it raises nothing.

        Raises:
            Exception: What `refusal` makes of the reason, when the call is not let through.
        """
        reason = self._reason_to_rest()
        if reason:
            raise refusal(reason)
        try:
            yield
        except failure:
            self._failed()
            raise
        else:
            self._n_failed = 0
        finally:
            self._on_trial = False

    def _reason_to_rest(self) -> str:
        with self._lock:
            if self._n_failed < self._max_failures:
                return ""
            left_s = self._rests_until - self._clock()
            if left_s > 0 or self._on_trial:
                return f"failed {self._n_failed} times in a row and is not asked for {max(left_s, 0):.0f} s"
            self._on_trial = True
            return ""

    def _failed(self) -> None:
        with self._lock:
            self._n_failed += 1
            n_rests = self._n_failed - self._max_failures
            if n_rests >= 0:
                rest_s = min(self._rest_s * 2.0 ** min(n_rests, 30), self._max_rest_s)
                self._rests_until = self._clock() + rest_s
