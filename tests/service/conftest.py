"""A service on a loopback port over a small recommender whose model does what a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.language_model.scripted import ScriptedModel
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.service import ServiceSettings, create_app
from llmrec.service.house import Stores
from llmrec.service.running import listening_socket, server_of
from llmrec.settings import Settings
from llmrec.types import Label, LabelScores, Prompt
from tests.test_recommender import events, table

OPEN = ServiceSettings(with_page=False, requests_per_minute=100_000, drain_s=30.0)
WAIT_S = 60.0  # what never comes is waited for that long; a slow or busy machine needs some of it


@dataclass
class StubModel(ScriptedModel):
    """Likes early labels; a call takes `seconds`, or until `hold` is set.

    Attributes:
        prompts: What it was asked, in order.
        n_at_once: Most calls that ran at the same time.
    """

    seconds: float = 0.0
    hold: threading.Event | None = None
    started: threading.Event = field(default_factory=threading.Event)
    prompts: list[str] = field(default_factory=list)
    n_at_once: int = 0
    _n_running: int = 0

    def __post_init__(self) -> None:
        super().__init__(score=lambda prompt, labels: [-float(place) for place in range(len(labels))])
        self._count_lock = threading.Lock()

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        with self._count_lock:
            self.prompts.append("\n".join(message.content for message in prompt.messages))
            self._n_running += 1
            self.n_at_once = max(self.n_at_once, self._n_running)
        self.started.set()
        try:
            if self.hold is not None:
                assert self.hold.wait(WAIT_S)
            time.sleep(self.seconds)
            return super().score_labels(prompt, labels, timeout_s=timeout_s)
        finally:
            with self._count_lock:
                self._n_running -= 1


@dataclass
class BulkStubModel(StubModel):
    """Reads several prompts in one call; `batches` holds how many each time."""

    batches: list[int] = field(default_factory=list)

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        self.batches.append(len(prompts))
        return [self.score_labels(*one, timeout_s=timeout_s) for one in zip(prompts, labels, strict=True)]


@dataclass(frozen=True)
class Running:
    """A service that answers."""

    url: str
    stores: Stores
    server: uvicorn.Server
    thread: threading.Thread
    recommender: Recommender

    def client(self, key: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=WAIT_S, trust_env=False)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


Serve = Callable[..., Running]


def small(films: Catalogue, interactions: Interactions, model: ScriptedModel | None = None) -> Recommender:
    changes = ["explanation.n_phrased=0", "ranking.lm_weight=1.0"] if model else ["language_model.model=none"]
    overrides = Overrides(encoder=HashingEmbedder(), language_model=model)
    settings = Settings().changed(changes)
    return Recommender(settings, overrides=overrides).fit(table(films), events(interactions), name="films")


@pytest.fixture(scope="session")
def plain_recommender(films: Catalogue, interactions: Interactions) -> Recommender:
    return small(films, interactions)


@pytest.fixture
def serve(
    films: Catalogue, interactions: Interactions, plain_recommender: Recommender, tmp_path: Path
) -> Iterator[Serve]:
    """Starts services; each ends with the test."""
    running: list[Running] = []

    def start(model: ScriptedModel | None = None, *, directory: Path | None = None, **bounds: object) -> Running:
        recommender = small(films, interactions, model) if model else plain_recommender
        settings = replace(OPEN, **bounds)
        one = run_service(recommender, settings, Stores.in_directory(directory or tmp_path))
        running.append(one)
        return one

    yield start
    for one in running:
        one.stop()


def run_service(recommender: Recommender, settings: ServiceSettings, stores: Stores) -> Running:
    app = create_app(recommender, settings, stores)
    server = server_of(app, settings)
    bound = listening_socket("127.0.0.1", 0)
    thread = threading.Thread(target=_run, args=(server, bound), daemon=True)
    thread.start()
    deadline = time.monotonic() + WAIT_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return Running(f"http://127.0.0.1:{bound.getsockname()[1]}", stores, server, thread, recommender)


def _run(server: uvicorn.Server, bound: object) -> None:
    server.run(sockets=[bound])  # type: ignore[list-item]
