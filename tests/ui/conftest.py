"""A page over a fake recommender, and a real Chromium that may talk to this machine only."""

import asyncio
import gc
import os
import shutil
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, ViewportSize, expect, sync_playwright

from llmrec.data.catalogue import Catalogue
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.interfaces import FeedbackStore
from llmrec.ui.launch import launch_pages
from llmrec.ui.page import Served
from tests.ui.fakes import FakeRecommender

CHROMIUM = os.environ.get("LLMREC_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Nothing of ours: Gradio's queue keeps its statistics with pandas in ways that pandas is about to drop, and each of
# its locks leaves an event loop behind.
GRADIO_WARNINGS = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket .*family=1:ResourceWarning"),
]
_DESKTOP: ViewportSize = {"width": 1280, "height": 820}

# A busy machine needs more than a quiet one.
expect.set_options(timeout=float(os.environ.get("LLMREC_BROWSER_TIMEOUT_MS", "15000")))


@pytest.fixture(autouse=True)
def _leave_no_event_loop_to_other_tests() -> Iterator[None]:
    yield
    # Gradio makes a loop for each lock of a page, and leaves the last one as this thread's own.
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@dataclass
class Visit:
    """One visitor's page, and all that should never happen on it."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.page.get_by_role("textbox", name="Your message").fill(message)
        self.page.keyboard.press("Enter")

    def answered(self, n_exchanges: int = 1) -> None:
        """Wait until that many exchanges are whole."""
        expect(self.page.locator(".exchange")).to_have_count(n_exchanges)
        expect(self.page.locator(".answer[aria-busy='true']")).to_have_count(0)
        expect(self.page.get_by_role("button", name="Send")).to_be_visible()

    def assert_clean(self) -> None:
        assert (self.foreign, self.dialogs, self.errors) == ([], [], [])


@dataclass(frozen=True)
class Server:
    """A running page."""

    url: str
    port: int
    demo: gr.Blocks


@pytest.fixture
def recommender(films: Catalogue) -> FakeRecommender:
    return FakeRecommender(films)


@pytest.fixture
def feedback(tmp_path: Path) -> Iterator[SQLiteFeedbackStore]:
    with SQLiteFeedbackStore(tmp_path / "feedback.sqlite3") as store:
        yield store


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[gr.Blocks] = []

    def start(
        *recommenders: FakeRecommender,
        port: int = 0,
        feedback: FeedbackStore | None = None,
        quiet: bool = True,
        keeps_trace: bool = False,
    ) -> Server:
        port = port or free_port()
        served = [Served(recommender, feedback) for recommender in recommenders]
        demo = launch_pages(served, keeps_trace=keeps_trace, port=port, quiet=quiet, wait=False)
        running.append(demo)
        return Server(f"http://127.0.0.1:{port}/", port, demo)

    yield start
    for demo in running:
        demo.close(verbose=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield opened
    opened.close()


@pytest.fixture
def visit(browser: Browser) -> Callable[..., Any]:
    @contextmanager
    def open_page(
        server: Server,
        *,
        viewport: ViewportSize = _DESKTOP,
        color_scheme: Literal["light", "dark"] = "light",
        has_touch: bool = False,
        locale: str = "en-GB",
    ) -> Iterator[Visit]:
        visitor = browser.new_context(viewport=viewport, color_scheme=color_scheme, has_touch=has_touch, locale=locale)
        page = visitor.new_page()
        visited = Visit(page)
        page.route("**/*", lambda route: _keep_home(route, visited))
        page.on("dialog", lambda dialog: (visited.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: visited.errors.append(str(error)))
        page.on("console", lambda line: visited.errors.append(line.text) if line.type in {"error", "warning"} else None)
        page.goto(server.url)
        expect(page.locator(".welcome, .exchange").first).to_be_visible()
        # Before its load event is answered the page would overwrite what a test does.
        page.wait_for_function("() => Object.keys(localStorage).some((key) => key.startsWith('llmrec.'))")
        yield visited
        visitor.close()

    return open_page


def _keep_home(route: Route, visited: Visit) -> None:
    address = urlsplit(route.request.url)
    if address.scheme in {"data", "blob"} or address.hostname == "127.0.0.1":
        route.continue_()
    else:
        visited.foreign.append(route.request.url)
        route.abort()


def held() -> threading.Event:
    """Keeps a fake reply from ending until it is set."""
    return threading.Event()
