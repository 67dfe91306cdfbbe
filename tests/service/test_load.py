"""Under load, past deadlines and when clients leave: a right answer, a marked one, or a quick refusal."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service.conftest import WAIT_S, BulkStubModel, Running, Serve, StubModel
from tests.service.test_routes import assert_problem, ids, sse

WISH = {"query": "tense", "k": 3}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def occupied(service: Running, pool: ThreadPoolExecutor, model: StubModel, n: int) -> list[object]:
    """`n` requests that wait for a model which is held."""
    waiting = [pool.submit(_ask, service) for _ in range(n)]
    until(lambda: service.server.config.app.state.house.workshop.engine.n_admitted == n)
    assert model.started.wait(WAIT_S)
    return waiting


def _ask(service: Running) -> httpx.Response:
    with service.client() as client:
        return client.post("/v1/recommend", json=WISH)


def test_the_models_voice_is_in_the_answer(serve: Serve) -> None:
    service = serve(StubModel())
    with service.client() as api:
        answer = api.post("/v1/recommend", json=WISH).json()
        assert {row["ranked_by"] for row in answer["recommendations"]} == {"lm+retrieval"}
        assert answer["trace"]["model"] == "scripted"
        assert "llmrec_label_mass_count 1.0" in api.get("/metrics").text


def test_at_the_deadline_the_retrieval_order_is_the_answer_and_is_marked(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service, plain = serve(model), serve()
    try:
        with service.client() as api, plain.client() as without:
            # Answered while the model is held, and so at the deadline.
            answer = api.post("/v1/recommend", json={**WISH, "deadline_s": 0.5})
            assert ids(answer) == ids(without.post("/v1/recommend", json=WISH))
            found = answer.json()
            assert found["degraded"] == "the language model's answer was not there at the deadline."
            assert {row["ranked_by"] for row in found["recommendations"]} == {"retrieval"}
            chat = api.post("/v1/chat", json={"turns": [{"role": "user", "text": "tense"}], "deadline_s": 0.5})
            assert "deadline" in sse(chat.text)[-1][1]["degraded"]
            assert "llmrec_fallbacks_total 2.0" in api.get("/metrics").text
    finally:
        model.hold.set()


def test_past_the_queue_a_request_is_refused_at_once_and_the_others_are_answered(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model, queue_size=3)
    with ThreadPoolExecutor(8) as pool, service.client() as api:
        waiting = occupied(service, pool, model, 4)
        for path, body in [("/v1/recommend", WISH), ("/v1/chat", {"turns": [{"role": "user", "text": "x"}]})]:
            refused = api.post(path, json=body)
            assert_problem(refused, 429, "overloaded", "4 requests")
            assert int(refused.headers["retry-after"]) >= 1
        assert not any(one.done() for one in waiting)
        assert_problem(api.get("/readyz"), 503, "overloaded", "full")
        assert api.get("/healthz").status_code == 200
        model.hold.set()
        answers = [one.result(WAIT_S) for one in waiting]
        assert len({tuple(ids(answer)) for answer in answers}) == 1
        assert ids(api.post("/v1/recommend", json=WISH)) == ids(answers[0])


def test_answers_together_are_the_answers_alone(serve: Serve) -> None:
    service = serve(StubModel(seconds=0.002), slots=2)
    bodies = [{"query": wish, "user_id": user, "k": 5} for wish in ("tense", "love", "") for user in ("ann", "bob")]

    def ask(body: dict[str, object]) -> object:
        with service.client() as api:
            answer = api.post("/v1/recommend", json=body).json()
            return [(row["item_id"], row["score"], row["explanation"]) for row in answer["recommendations"]]

    alone = [ask(body) for body in bodies]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, bodies * 4))
    assert together == alone * 4


def test_requests_that_wait_are_ranked_in_one_call_and_answered_as_alone(serve: Serve) -> None:
    model = BulkStubModel()
    service = serve(model, batch_size=4)
    bodies = [{"query": wish, "k": 5, "history": ["Heat (1995)"]} for wish in ("tense", "love", "space", "comedy")]

    def ask(body: dict[str, object]) -> object:
        with service.client() as api:
            answer = api.post("/v1/recommend", json=body).json()
            return [(row["item_id"], row["score"], row["explanation"]) for row in answer["recommendations"]]

    alone = [ask(body) for body in bodies]
    assert model.batches == []
    model.started.clear()
    model.hold = threading.Event()
    with ThreadPoolExecutor(8) as pool, service.client() as api:
        first = occupied(service, pool, model, 1)
        waiting = [pool.submit(ask, body) for body in bodies]
        until(lambda: service.server.config.app.state.house.workshop.engine.n_waiting == 4)
        model.hold.set()
        assert [one.result(WAIT_S) for one in waiting] == alone
        assert first[0].result(WAIT_S).status_code == 200
        assert max(model.batches) == 4
        engine = service.server.config.app.state.house.workshop.engine
        assert f"llmrec_model_served {engine.n_served}.0" in api.get("/metrics").text
        assert engine.n_served > engine.n_calls


def test_no_more_calls_run_at_once_than_there_are_slots(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model, slots=2)
    engine = service.server.config.app.state.house.workshop.engine
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(_ask, service) for _ in range(12)]
        until(lambda: (model.n_at_once, engine.n_waiting) == (2, 6))
        model.hold.set()
        assert {one.result(WAIT_S).status_code for one in asked} == {200}
    assert model.n_at_once == 2
    assert len(model.prompts) == 12


def test_two_users_are_never_mixed(serve: Serve) -> None:
    model = StubModel(seconds=0.001)
    service = serve(model, slots=2)
    n_turns = 6

    def talk(number: int) -> None:
        word = f"canary{number}"
        turns, profile = [], None
        with service.client() as api:
            for turn in range(n_turns):
                turns = [*turns, {"role": "user", "text": f"something about {word} number {turn}"}]
                sent = {"turns": turns, "profile": profile, "k": 1, "stream": False}
                answer = api.post("/v1/chat", json=sent)
                assert answer.status_code == 200
                others = {f"canary{other}" for other in range(8) if other != number}
                assert not any(other in answer.text for other in others)
                turns, profile = answer.json()["turns"], answer.json()["profile"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(talk, range(8)))
    mixed = [prompt for prompt in model.prompts if len(set(re.findall(r"canary\d", prompt))) > 1]
    assert mixed == []


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/recommend"])
def test_a_client_that_leaves_frees_its_place(serve: Serve, path: str) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model, slots=1, queue_size=2)
    engine = service.server.config.app.state.house.workshop.engine
    body = json.dumps({"turns": [{"role": "user", "text": "tense"}]} if path == "/v1/chat" else WISH)
    with ThreadPoolExecutor(2) as pool:
        (first,) = occupied(service, pool, model, 1)
        address = httpx.URL(service.url)
        leaving = socket.create_connection((address.host, address.port))
        head = f"POST {path} HTTP/1.1\r\nhost: {address.netloc.decode()}\r\ncontent-type: application/json\r\n"
        leaving.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        until(lambda: engine.n_admitted == 2)
        leaving.close()
        until(lambda: engine.n_admitted == 1)  # within a moment, while the model is still busy with the other
        model.hold.set()
        assert first.result(WAIT_S).status_code == 200
    assert len(model.prompts) == 1


def test_a_stop_lets_running_requests_end(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model)
    with ThreadPoolExecutor(2) as pool:
        (first,) = occupied(service, pool, model, 1)
        service.server.should_exit = True
        until(lambda: not service.server.servers or not service.server.servers[0].is_serving())
        with pytest.raises(httpx.ConnectError), service.client() as api:
            api.get("/healthz")
        model.hold.set()
        assert len(ids(first.result(WAIT_S))) == 3
    service.thread.join(WAIT_S)
    assert not service.thread.is_alive()


def test_a_stream_begins_before_the_ranking_ends_and_a_stop_lets_it_end(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model)
    body = {"turns": [{"role": "user", "text": "tense"}]}
    with service.client() as api, api.stream("POST", "/v1/chat", json=body) as answer:
        lines = answer.iter_lines()
        names = [next(lines)]
        assert names == ["event: stage"]
        assert model.started.wait(WAIT_S)
        assert not model.hold.is_set()
        service.server.should_exit = True
        until(lambda: not service.server.servers or not service.server.servers[0].is_serving())
        model.hold.set()
        names += [line for line in lines if line.startswith("event: ")]
    assert "event: cards" in names
    assert names[-1] == "event: reply"
    service.thread.join(WAIT_S)
    assert not service.thread.is_alive()


def test_a_stop_does_not_wait_for_ever(serve: Serve) -> None:
    model = StubModel(hold=threading.Event())
    service = serve(model, drain_s=1.0)
    with ThreadPoolExecutor(2) as pool:
        (first,) = occupied(service, pool, model, 1)
        service.stop()  # in time, while the model is still held
        model.hold.set()
        with pytest.raises(httpx.HTTPError):
            first.result(WAIT_S).raise_for_status()


def test_a_model_that_fails_leaves_the_retrieval_order(serve: Serve) -> None:
    from llmrec.errors import ModelError
    from llmrec.language_model.scripted import ScriptedModel

    service, plain = serve(ScriptedModel(failure=ModelError("out of memory."))), serve()
    with service.client() as api, plain.client() as without:
        answer = api.post("/v1/recommend", json=WISH)
        assert ids(answer) == ids(without.post("/v1/recommend", json=WISH))
        assert answer.json()["degraded"] == "out of memory."


def test_what_explanations_ask_the_model_waits_its_turn_too(serve: Serve) -> None:
    model = StubModel(seconds=0.02)
    service = serve(model, slots=1)
    body = {"query": "tense", "history": ["Alien (1979)", "Heat (1995)", "Sabrina (1954)"], "k": 3}
    with ThreadPoolExecutor(4) as pool, service.client() as api:
        answers = list(pool.map(lambda _: ids(api.post("/v1/recommend", json=body)), range(4)))
    assert len({tuple(answer) for answer in answers}) == 1
    assert len(model.prompts) > 4  # asked again without one of the user's items
    assert model.n_at_once == 1
