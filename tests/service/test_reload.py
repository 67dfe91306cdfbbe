"""A running service takes up a new version of its directory; one that is broken is refused, and nobody waits."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from llmrec.build import Overrides
from llmrec.bundle import roll_back
from llmrec.errors import ArtifactError
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.service.following import Follower
from llmrec.service.house import Stores
from llmrec.service.keys import KeyFile
from tests.language_model.tiny import save_tiny_model
from tests.service.conftest import OPEN, WAIT_S, Running, StubModel, run_service
from tests.service.test_routes import assert_problem, ids

RARELY_S = 3600.0
NEW_ITEM = {"item_id": "11", "title": "Contact (1997)", "year": 1997, "genres": ["Sci-Fi"]}
PLAIN = Overrides(encoder=HashingEmbedder(), settings=("language_model.model=none",))


@pytest.fixture
def directory(plain_recommender: Recommender, tmp_path: Path) -> Path:
    plain_recommender.save_pretrained(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def run(directory: Path, state: Path, *, every_s: float = RARELY_S, overrides: Overrides = PLAIN) -> Running:
    recommender = Recommender.from_pretrained(directory, overrides=overrides)
    return run_service(recommender, replace(OPEN, look_every_s=every_s), Stores.in_directory(state))


@pytest.fixture
def service(directory: Path, state: Path) -> Iterator[Running]:
    one = run(directory, state)
    yield one
    one.stop()


@pytest.fixture
def api(service: Running) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def publish(directory: Path) -> None:
    """What `llmrec update` does with one new item."""
    Recommender.from_pretrained(directory, overrides=PLAIN).update(items=[NEW_ITEM]).save_pretrained(directory)


def damage(directory: Path) -> None:
    newest = max(directory.glob("v-*"), key=lambda path: path.stat().st_mtime_ns)
    (newest / "items.jsonl").write_text("{")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def n_items(api: httpx.Client) -> int:
    return api.get("/v1/items", params={"limit": 1}).json()["total"]


def test_a_new_version_answers_without_a_restart(directory: Path, api: httpx.Client) -> None:
    before = api.get("/healthz").json()["version"]
    assert api.post("/v1/admin/reload").json() == {"reloaded": False, "version": before}
    publish(directory)
    assert n_items(api) == 10
    answer = api.post("/v1/admin/reload").json()
    assert (answer["reloaded"], answer["version"] != before) == (True, True)
    assert api.get("/healthz").json()["version"] == answer["version"]
    assert n_items(api) == 11
    assert "11" in ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 11, "query": "sci-fi"}))
    assert 'llmrec_versions_total{outcome="taken"} 1.0' in api.get("/metrics").text
    roll_back(directory)
    assert api.post("/v1/admin/reload").json()["reloaded"] is True
    assert n_items(api) == 10


def test_the_version_before_is_let_go_of(directory: Path, service: Running, api: httpx.Client) -> None:
    assert ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 2}))
    before = weakref.ref(service.server.config.app.state.house.recommender)
    publish(directory)
    assert api.post("/v1/admin/reload").json()["reloaded"] is True
    assert ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 2}))
    until(lambda: gc.collect() >= 0 and before() is None)


def test_an_open_conversation_goes_on_with_the_new_version(directory: Path, api: httpx.Client) -> None:
    turns = [{"role": "user", "text": "a comedy, I loved Alien"}]
    first = api.post("/v1/chat", json={"turns": turns, "k": 2, "stream": False})
    publish(directory)
    api.post("/v1/admin/reload")
    turns = [*first.json()["turns"], {"role": "user", "text": "something else"}]
    second = api.post("/v1/chat", json={"turns": turns, "profile": first.json()["profile"], "k": 2, "stream": False})
    assert not set(ids(first)) & set(ids(second))
    assert [row["title"] for row in second.json()["profile"]["liked"]] == ["Alien (1979)"]


def test_a_broken_version_is_refused_and_the_one_before_still_answers(directory: Path, api: httpx.Client) -> None:
    before = api.get("/healthz").json()["version"]
    publish(directory)
    damage(directory)
    assert_problem(api.post("/v1/admin/reload"), 503, "artifact", "damaged")
    assert (api.get("/healthz").json()["version"], n_items(api)) == (before, 10)
    assert api.get("/readyz").status_code == 200
    assert 'llmrec_versions_total{outcome="refused"} 1.0' in api.get("/metrics").text
    publish_again = directory / "manifest.json"
    publish_again.write_text("{")
    assert_problem(api.post("/v1/admin/reload"), 503, "artifact", "damaged")
    assert n_items(api) == 10


def test_a_service_looks_by_itself_and_says_what_it_refuses_once(
    directory: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = run(directory, state, every_s=0.01)
    try:
        with service.client() as api:
            publish(directory)
            until(lambda: n_items(api) == 11)
            # Published broken: damage done afterwards could come too late.
            Recommender(overrides=Overrides(encoder=HashingEmbedder(8))).fit([NEW_ITEM]).save_pretrained(directory)
            until(lambda: any("is not served" in record.getMessage() for record in caplog.records))
            look = service.server.config.app.state.follower.look
            assert [look() for _ in range(3)] == [False] * 3
            assert n_items(api) == 11
            assert 'outcome="refused"} 1.0' in api.get("/metrics").text
    finally:
        service.stop()
    refusals = [record for record in caplog.records if "is not served" in record.getMessage()]
    assert len(refusals) == 1


def test_a_request_that_runs_ends_with_the_version_it_began_with(directory: Path, state: Path) -> None:
    model = StubModel(hold=threading.Event())
    overrides = Overrides(encoder=HashingEmbedder(), language_model=model, settings=("explanation.n_phrased=0",))
    service = run(directory, state, overrides=overrides)
    answers: list[httpx.Response] = []

    def ask() -> None:
        with service.client() as own:
            answers.append(own.post("/v1/recommend", json={"query": "tense", "k": 3}))

    asking = threading.Thread(target=ask)
    try:
        with service.client() as api:
            asking.start()
            assert model.started.wait(WAIT_S)
            publish(directory)
            assert api.post("/v1/admin/reload").json()["reloaded"] is True
            assert n_items(api) == 11
            assert answers == []
            model.hold.set()
            asking.join(WAIT_S)
            assert len(ids(answers[0])) == 3
            assert {row["ranked_by"] for row in answers[0].json()["recommendations"]} == {"lm+retrieval"}
            after = api.post("/v1/recommend", json={"query": "tense", "k": 3})
            assert {row["ranked_by"] for row in after.json()["recommendations"]} == {"lm+retrieval"}
    finally:
        model.hold.set()
        service.stop()


def test_a_reload_needs_an_admins_key(state: Path, service: Running) -> None:
    keys = KeyFile(state / "keys.json")
    _, text = keys.add(scope="user", user_id="ann")
    with service.client(text) as api:
        assert_problem(api.post("/v1/admin/reload"), 403, "forbidden", "admin")


def test_whatever_is_wrong_with_a_version_is_one_sentence(directory: Path) -> None:
    class Breaking(Recommender):
        def newest(self) -> Recommender:
            raise MemoryError("no room for 8 GiB")

    told: list[str] = []
    first = Breaking.from_pretrained(directory, overrides=PLAIN)
    follower = Follower(first, take=lambda newer: told.append("moved"), count=told.append, every_s=RARELY_S)
    try:
        publish(directory)
        with pytest.raises(ArtifactError, match=r"cannot be served \(MemoryError: no room for 8 GiB\)"):
            follower.look()
        assert follower.look() is False
    finally:
        follower.close()
    assert told == ["refused"]


def test_models_of_the_same_name_are_not_loaded_twice(
    plain_recommender: Recommender, tmp_path: Path, directory: Path
) -> None:
    model = save_tiny_model(tmp_path / "model")
    overrides = Overrides(encoder=HashingEmbedder(), settings=(f"language_model.model={model}",))
    first = Recommender.from_pretrained(directory, overrides=overrides)
    first.warm_up()
    assert first.newest() is first
    publish(directory)
    (model / "config.json").unlink()  # nothing can be loaded from there any more
    newer = first.newest()
    assert len(newer.catalogue) == 11
    newer.warm_up()
    assert newer.version != first.version


def test_what_was_not_loaded_has_no_newer_version(plain_recommender: Recommender) -> None:
    assert (plain_recommender.newest(), plain_recommender.version) == (plain_recommender, "")
    follower = Follower(plain_recommender, take=lambda newer: None, count=lambda outcome: None, every_s=RARELY_S)
    assert follower.look() is False
    follower.close()
