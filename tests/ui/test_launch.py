"""The page is private by default, and says clearly when it cannot start."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from llmrec.errors import ConfigError
from llmrec.ui import build_demo, build_notice, launch
from llmrec.ui.doors import CLOSED_PATHS
from tests.ui.conftest import GRADIO_WARNINGS, Server
from tests.ui.fakes import FakeRecommender

pytestmark = GRADIO_WARNINGS
Serve = Callable[..., Server]


def status_of(url: str, *, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_server_keeps_to_itself(
    serve: Serve, recommender: FakeRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the environment asks for must not open what is closed.
    for name, value in {
        "GRADIO_ANALYTICS_ENABLED": "True",
        "GRADIO_RUN_HISTORY": "True",
        "GRADIO_SHARE": "True",
        "GRADIO_SSR_MODE": "True",
        "GRADIO_MCP_SERVER": "True",
    }.items():
        monkeypatch.setenv(name, value)
    server = serve(recommender)
    demo = server.demo
    config = demo.config
    assert demo.server_name == "127.0.0.1"
    assert demo.server_port == server.port
    assert demo.analytics_enabled is False
    assert config["analytics_enabled"] is False
    assert demo.run_history is False
    assert demo.enable_monitoring is False
    assert demo.share is False
    assert demo.share_url is None
    assert demo.ssr_mode is False
    assert demo.mcp_server is False
    assert demo.pwa is False
    assert demo.show_error is False
    assert demo.allowed_paths == []
    assert demo.max_file_size == 1024
    assert demo.footer_links == []
    assert demo.state_session_capacity == 1000


def test_the_queue_is_bounded_and_the_model_answers_one_at_a_time(recommender: FakeRecommender) -> None:
    demo = build_demo(recommender)
    assert demo._queue.max_size == 32
    assert {fn.concurrency_limit for fn in demo.fns.values() if fn.concurrency_id == "llm"} == {1}


def test_no_event_is_an_open_api(recommender: FakeRecommender) -> None:
    demo = build_demo(recommender)
    assert {fn.api_visibility for fn in demo.fns.values()} == {"private"}
    assert demo.api_open is False
    assert demo.get_api_info()["named_endpoints"] == {}
    assert demo.get_api_info()["unnamed_endpoints"] == {}


def test_the_theme_names_no_font_that_must_be_fetched(serve: Serve, recommender: FakeRecommender) -> None:
    server = serve(recommender)
    assert server.demo.theme._stylesheets == []
    with urllib.request.urlopen(server.url + "theme.css", timeout=10) as answer:
        css = answer.read().decode()
    assert "@import" not in css
    assert css.count("url(") == css.count('url("data:')


def test_doors_that_a_private_chat_does_not_need_are_closed(serve: Serve, recommender: FakeRecommender) -> None:
    url = serve(recommender).url
    assert {status_of(url + path.lstrip("/")) for path in CLOSED_PATHS} == {404}
    assert status_of(url + "gradio_api/deep_link?session_hash=x") == 404
    assert status_of(url + "gradio_api/upload", method="POST") == 404
    assert status_of(url + "docs") == 404
    assert status_of(url + "gradio_api/file=/etc/passwd") in {403, 404}
    assert status_of(url) == 200


def test_the_browser_is_told_to_talk_to_this_server_only(serve: Serve, recommender: FakeRecommender) -> None:
    with urllib.request.urlopen(serve(recommender).url, timeout=10) as answer:
        headers = answer.headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "http:" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_taken_port_is_one_sentence(recommender: FakeRecommender) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1 port {port}: .* with --port\."):
            launch(recommender, port=port, wait=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_a_trace_never_leaves_this_machine(recommender: FakeRecommender, host: str) -> None:
    with pytest.raises(ConfigError, match="it is not served on"):
        launch(recommender, host=host, port=1, keeps_trace=True, wait=False)


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_that_does_not_exist_is_refused(recommender: FakeRecommender, port: int) -> None:
    with pytest.raises(ConfigError, match=f"the port {port} does not exist"):
        launch(recommender, port=port, wait=False)


def test_the_address_is_said_once(
    serve: Serve, recommender: FakeRecommender, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(recommender, quiet=False)
    assert capsys.readouterr().out == f"The chat is at {server.url} - press Ctrl-C to stop it.\n"


def test_the_notice_page_escapes_its_sentence() -> None:
    page: dict[str, Any] = build_notice("no <b>recommender</b>").get_config_file()
    (notice,) = [part for part in page["components"] if part["type"] == "html"]
    assert "<bdi>no &lt;b&gt;recommender&lt;/b&gt;</bdi>" in notice["props"]["value"]


def test_html_components_never_evaluate_their_value_as_a_template(recommender: FakeRecommender) -> None:
    shown = [block for block in build_demo(recommender).blocks.values() if isinstance(block, gr.HTML)]
    assert len(shown) == 11
    assert {block.html_template for block in shown} == {"${value}"}
