"""The service as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from llmrec import __version__
from llmrec.recommender import Recommender
from llmrec.service.engine import Engine
from llmrec.service.following import Follower
from llmrec.service.gate import Gate
from llmrec.service.house import House, Stores
from llmrec.service.impressions import ImpressionLog
from llmrec.service.metrics import Metrics
from llmrec.service.people import People
from llmrec.service.problems import install, problem
from llmrec.service.routes import chatting, health, openai, recommending, users
from llmrec.service.settings import ServiceSettings
from llmrec.service.stages import queued
from llmrec.service.working import Workshop

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_DESCRIPTION = (
    "Recommendations, rankings, explanations and conversations over one catalogue. Errors are problem documents "
    "(RFC 9457) with one sentence. A conversation is kept by whoever holds it: send back what the answer gave."
)


def create_app(recommender: Recommender, settings: ServiceSettings, stores: Stores) -> FastAPI:
    """The API over `recommender`, and the page at `/` where `settings` want it.

    Args:
        recommender: Answers; its models are loaded now.
        settings: What callers may do.
        stores: Keys, feedback and new interactions; closed when the app ends.

    Raises:
        AssetError, ModelError: The models cannot be loaded.
    """
    engine = Engine(slots=settings.slots, queue_size=settings.queue_size, patience_s=settings.deadline_s)
    recommender = queued(recommender, engine, batch_size=settings.batch_size)
    metrics = Metrics(engine)
    workshop = Workshop(engine, settings)
    impressions = ImpressionLog(stores.feedback)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.to_thread(app.state.follower.close)
            workshop.close()
            await asyncio.to_thread(impressions.close)
            await asyncio.to_thread(stores.close)

    app = FastAPI(
        title=f"{recommender.name} recommendations",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        # Swagger's page would fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(
                Gate,
                settings=settings,
                keys=stores.keys,
                count=metrics.answered,
                require_room=engine.require_room,
            ),
        ],
    )
    app.state.house = House(recommender, People(recommender, stores.feedback), workshop, metrics, impressions)

    def move_in(newer: Recommender) -> None:
        app.state.house = replace(app.state.house, recommender=newer, people=People(newer, stores.feedback))

    app.state.follower = Follower(recommender, take=move_in, count=metrics.version, every_s=settings.look_every_s)
    install(app)
    for routes in (recommending, chatting, users, health, openai):
        app.include_router(routes.router)
    app.router.routes.append(Route("/v1/{rest:path}", _Nowhere(app), include_in_schema=False))
    if settings.with_page:
        # Imported here, so that a service without a page loads no Gradio.
        from llmrec.service.page import mount_page

        mount_page(app, recommender, stores.feedback)
    return app


class _Nowhere:
    """Answers for what no route of the API takes; else the page, which is mounted behind, would."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if allowed := [method for method in _METHODS if self._is_taken({**scope, "method": method})]:
            headers = {"allow": ", ".join(allowed)}
            answer = problem(405, "This path takes other methods.", code="method", headers=headers)
        else:
            answer = problem(404, "The API has no such path.", code="path")
        await answer(scope, receive, send)

    def _is_taken(self, scope: Scope) -> bool:
        routes = self._app.router.routes
        own = next(place for place, route in enumerate(routes) if isinstance(route, Route) and route.endpoint is self)
        return any(route.matches(scope)[0] is Match.FULL for route in routes[:own])
