"""Whether the service lives, takes requests, and how it fares."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from llmrec.service.answers import AliveAnswer, HealthAnswer, ReloadAnswer
from llmrec.service.house import Asking, InHouse
from llmrec.service.problems import RESPONSES, JsonAnswer, problem

router = APIRouter()
_TEXT: dict[int | str, dict[str, Any]] = {status: RESPONSES[status] for status in (401, 403)}


@router.get("/healthz", response_model=AliveAnswer)
async def healthz(house: InHouse) -> Response:
    """The process answers, with this version of the recommender."""
    return JsonAnswer({"status": "ok", "version": house.version})


@router.get("/readyz", response_model=HealthAnswer, responses={503: RESPONSES[503]})
async def readyz(house: InHouse) -> Response:
    """The models are loaded and there is room in the queue."""
    engine = house.workshop.engine
    if not engine.is_open:
        return problem(503, "The service is stopping.", code="stopping")
    if engine.n_admitted >= engine.slots + engine.queue_size:
        return problem(503, "The queue is full.", code="overloaded", headers={"retry-after": "1"})
    return JsonAnswer({"status": "ready"})


@router.post("/v1/admin/reload", response_model=ReloadAnswer, responses=RESPONSES)
def reload(request: Request, asking: Asking) -> Response:
    """Look for a new version now; one that cannot be served is an error, and the one before still answers."""
    asking.require_admin()
    is_new = request.app.state.follower.look(again=True)
    return JsonAnswer({"reloaded": is_new, "version": request.app.state.house.version})


@router.get("/metrics", responses=_TEXT, response_class=PlainTextResponse)
async def metrics(house: InHouse, asking: Asking) -> Response:
    """Counts for Prometheus; where there are keys, one of scope admin is needed."""
    asking.require_admin()
    return Response(house.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
