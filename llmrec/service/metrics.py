"""What a service counts, for Prometheus; one registry for each service, so that two in a process do not mix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from llmrec.service.engine import Engine
from llmrec.service.tickets import Ticket
from llmrec.types import StageTrace

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ITEMS = (0, 1, 5, 10, 20, 50, 100, 200, 500, 1000)
_SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


class Metrics:
    """Requests, stages, candidates, label mass, answers without the model's voice, and the queue."""

    def __init__(self, engine: Engine) -> None:
        """Watch `engine`."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, processor seconds, open files
        self._requests = Counter(
            "llmrec_requests", "Requests by route and status.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "llmrec_request_seconds", "Until the answer's last byte.", ["route"], buckets=_SECONDS, registry=registry
        )
        self._stage_seconds = Histogram(
            "llmrec_stage_seconds", "Of one stage of a turn.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self._candidates = Histogram("llmrec_candidates", "That were ranked.", buckets=_ITEMS, registry=registry)
        self._label_mass = Histogram(
            "llmrec_label_mass", "Share of the model's belief on its labels.", buckets=_SHARES, registry=registry
        )
        self._fallbacks = Counter(
            "llmrec_fallbacks", "Answers in retrieval order where the model was wanted.", registry=registry
        )
        self._versions = Counter(
            "llmrec_versions", "New versions of the recommender, taken or refused.", ["outcome"], registry=registry
        )
        gauges = {
            "llmrec_queue_waiting": ("Calls that wait for the model.", lambda: engine.n_waiting),
            "llmrec_queue_running": ("Requests that the model works on.", lambda: engine.n_running),
            "llmrec_model_calls": ("Calls of the model that have ended.", lambda: engine.n_calls),
            "llmrec_model_served": ("Requests that those calls were for.", lambda: engine.n_served),
            "llmrec_requests_admitted": ("Requests in the house.", lambda: engine.n_admitted),
            "llmrec_requests_limit": ("Requests the house has room for.", lambda: engine.slots + engine.queue_size),
        }
        for name, (text, read) in gauges.items():
            Gauge(name, text, registry=registry).set_function(read)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def version(self, outcome: str) -> None:
        """Count one new version that was `taken` or `refused`."""
        self._versions.labels(outcome).inc()

    def worked(self, stages: Sequence[StageTrace], ticket: Ticket) -> None:
        """Count what one answer took."""
        for stage in stages:
            self._stage_seconds.labels(stage.name).observe(stage.seconds)
            if stage.name == "rank":
                self._candidates.observe(stage.n_in)
        if ticket.report is not None and math.isfinite(ticket.report.label_mass):
            self._label_mass.observe(ticket.report.label_mass)
        if ticket.degraded:
            self._fallbacks.inc()

    def text(self) -> bytes:
        """All of it in Prometheus' own format."""
        return generate_latest(self._registry)
