"""What one service allows, frozen when it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from llmrec.errors import ConfigError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Bounds of a service; past each of them a caller gets a status code at once, not a slow death.

    Attributes:
        slots: How many requests the language model works on at a time; more than one pays where it answers in parallel.
        batch_size: How many waiting requests one pass of the model may rank. More than one pays on a GPU; two cores are
            busy with one request already, and a batch makes all of it wait for its end (see docs/serve.md).
        queue_size: How many requests may wait beyond those; the next one gets 429.
        deadline_s: Seconds a request may take when it names none; then the retrieval order is the answer, marked.
        max_deadline_s: The longest deadline a request may name.
        max_body_bytes: Of a request to the API; a longer one gets 413.
        requests_per_minute: Of one key, or of one address where there are no keys; bursts may use a minute at once.
        drain_s: Seconds that running requests get when the service is told to stop.
        hosts: Names a request may address the service by; empty allows any. It keeps pages of other sites from
            reaching a service on this machine through a name of theirs.
        with_page: Whether the chat page is served at `/`.
        look_every_s: Seconds from one look for a new version of the directory to the next.
    """

    slots: int = 1
    batch_size: int = 1
    queue_size: int = 64
    deadline_s: float = 30.0
    max_deadline_s: float = 300.0
    max_body_bytes: int = 1 << 20
    requests_per_minute: int = 600
    drain_s: float = 10.0
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    with_page: bool = True
    look_every_s: float = 3.0

    def __post_init__(self) -> None:
        """Check every number. Raises ConfigError."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 < value < math.inf:
                raise ConfigError(f"the service's {field.name} is {value}; it must be above 0.")
