"""Processes that share a PostgreSQL are one service: it does not matter which of them a request comes to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.feedback import open_store
from tests.cli.test_serve import Served
from tests.cli_helpers import LIGHT, write_tables


class RoundRobin:
    """Sends each request to the next process, as a proxy before them does."""

    def __init__(self, *served: Served) -> None:
        self._clients = [httpx.Client(base_url=one.url, trust_env=False, timeout=60) for one in served]
        self._next = itertools.cycle(self._clients)

    def post(self, path: str, body: dict[str, object]) -> dict:
        answer = next(self._next).post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def of_each(self, path: str, body: dict[str, object]) -> list[list[str]]:
        """What each process recommends."""
        answers = [client.post(path, json=body).json() for client in self._clients]
        return [[item["item_id"] for item in answer["recommendations"]] for answer in answers]

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def service(films: Catalogue, interactions: Interactions, postgres_url: str, tmp_path: Path) -> Iterator[RoundRobin]:
    items, events = write_tables(tmp_path, films, interactions)
    shop = tmp_path / "shop"
    made = ["build", "--items", str(items), "--interactions", str(events), "--out", str(shop), *LIGHT]
    assert run(made) == 0
    with ExitStack() as stack:
        served = [Served(shop, "--store", postgres_url) for _ in range(2)]
        for one in served:
            stack.callback(one.stop)
        robin = RoundRobin(*served)
        stack.callback(robin.close)
        yield robin
    assert [path.name for path in shop.iterdir() if "sqlite" in path.name] == []


def test_two_processes_give_the_same_answers_after_feedback_through_either(
    service: RoundRobin, postgres_url: str
) -> None:
    body: dict[str, object] = {"user_id": "ann", "k": 5}
    before = service.of_each("/v1/recommend", body)
    assert before[0] == before[1]
    liked, disliked = before[0][-1], before[0][0]
    seen = []
    for user_id in ("ann", "bob", "newcomer"):
        # One goes to the first process, the next one to the second.
        service.post("/v1/feedback", {"user_id": user_id, "item": liked, "signal": "like"})
        service.post("/v1/feedback", {"user_id": user_id, "item": disliked, "signal": "dislike"})
        service.post("/v1/interactions", {"user_id": user_id, "interactions": [{"item": "9"}]})
        first, second = service.of_each("/v1/recommend", {**body, "user_id": user_id})
        assert first == second
        assert not {liked, disliked, "9"} & set(first)
        seen.append(first)
    assert seen[0] != before[0]
    turns = [{"role": "user", "text": "something scary"}]
    chat = {"user_id": "ann", "turns": turns, "k": 4, "stream": False}
    first, second = service.of_each("/v1/chat", chat)
    assert first == second
    # A client that heard no answer sends its event again, and comes to the other process.
    for _ in range(2):
        service.post("/v1/feedback", {"user_id": "ann", "item": "1", "signal": "purchase", "event_id": "order-7"})
    with open_store(postgres_url) as store:
        kept = [json.loads(line) for line in store.export("ann").splitlines()]
    assert [row["kind"] for row in kept if row["kind"] != "impression"] == ["interaction", *["feedback"] * 3]
