"""The chat page inside the service: as closed as alone, behind the same keys, its turns through the engine."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from llmrec.service.keys import KeyFile
from llmrec.ui.doors import CLOSED_PATHS, HEADERS
from tests.service.conftest import Running, Serve, StubModel
from tests.ui.conftest import GRADIO_WARNINGS, _leave_no_event_loop_to_other_tests

__all__ = ["_leave_no_event_loop_to_other_tests"]  # a fixture, which works by being here

pytestmark = GRADIO_WARNINGS


@pytest.fixture
def service(serve: Serve) -> Running:
    return serve(with_page=True)


def test_the_page_is_at_the_root_and_the_api_beside_it(service: Running) -> None:
    with service.client() as api:
        page = api.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert {name: page.headers[name] for name in HEADERS} == HEADERS
        assert api.get("/v1/items").json()["total"] == 10
        assert api.get("/v1/nothing").status_code == 404


def test_the_page_is_as_private_as_alone(service: Running) -> None:
    with service.client() as api:
        for path in CLOSED_PATHS:
            assert api.get(path).status_code == 404
        config = api.get("/config").json()
        assert config["analytics_enabled"] is False
        assert config["api_prefix"] == "/gradio_api"
        assert {fn["api_visibility"] for fn in config["dependencies"]} == {"private"}
        assert api.get("/docs").status_code == api.get("/redoc").status_code == 404


def test_the_page_asks_for_a_key_as_a_password(service: Running, tmp_path: Path) -> None:
    _, text = KeyFile(tmp_path / "keys.json").add(scope="user", user_id="ann")
    with service.client() as api:
        refused = api.get("/")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert api.get("/", auth=httpx.BasicAuth("anyone", text)).status_code == 200
        # A browser sends such a password along with any request, so it does not open the API.
        assert api.get("/v1/items", auth=httpx.BasicAuth("anyone", text)).status_code == 401


def test_the_pages_turns_go_through_the_engine(serve: Serve) -> None:
    model = StubModel()
    service = serve(model, with_page=True)
    state = service.server.config.app.state
    from llmrec.types import Profile, Turn

    engine = state.house.workshop.engine
    calls = engine.n_admitted
    list(state.house.recommender.chat_stream([Turn("user", "tense")], Profile(), k=2))
    assert len(model.prompts) == 1
    assert engine.n_admitted == calls
