"""Whether the service lives, takes requests, and how it fares."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from llmrec.service.answers import HealthAnswer
from llmrec.service.house import Asking, InHouse
from llmrec.service.problems import RESPONSES, JsonAnswer, problem

router = APIRouter()
_TEXT: dict[int | str, dict[str, Any]] = {status: RESPONSES[status] for status in (401, 403)}


@router.get("/healthz", response_model=HealthAnswer)
async def healthz() -> Response:
    """The process answers."""
    return JsonAnswer({"status": "ok"})


@router.get("/readyz", response_model=HealthAnswer, responses={503: RESPONSES[503]})
async def readyz(house: InHouse) -> Response:
    """The models are loaded and there is room in the queue."""
    engine = house.workshop.engine
    if not engine.is_open:
        return problem(503, "The service is stopping.", code="stopping")
    if engine.n_admitted >= engine.slots + engine.queue_size:
        return problem(503, "The queue is full.", code="overloaded", headers={"retry-after": "1"})
    return JsonAnswer({"status": "ready"})


@router.get("/metrics", responses=_TEXT, response_class=PlainTextResponse)
async def metrics(house: InHouse, asking: Asking) -> Response:
    """Counts for Prometheus; where there are keys, one of scope admin is needed."""
    asking.require_admin()
    return Response(house.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
