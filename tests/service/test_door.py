"""The door: keys, scopes, rates, sizes, hosts and origins, for every route there is."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from llmrec.errors import ConfigError
from llmrec.service.keys import KeyFile, KeyFileError
from llmrec.types import UserId
from tests.service.conftest import Running, Serve
from tests.service.test_routes import assert_problem, ids


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def service(serve: Serve, keys: KeyFile) -> Running:
    return serve()


def routes(service: Running) -> list[tuple[str, str]]:
    with service.client() as api:
        keyless = api.get("/openapi.json")
    document = keyless.json()
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


def test_every_route_but_health_needs_a_key_once_there_is_one(service: Running, keys: KeyFile) -> None:
    every = routes(service)
    assert len(every) >= 16
    keys.add(scope="admin")
    for text in ("", "wrong", "llmrec_00000000_x"):
        with service.client(text) as api:
            for method, path in [*every, ("GET", "/openapi.json"), ("GET", "/"), ("GET", "/config")]:
                answer = api.request(method, path.replace("{user_id}", "ann"))
                if path in {"/healthz", "/readyz"}:
                    assert answer.status_code == 200
                else:
                    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
                    assert "www-authenticate" in answer.headers


def test_a_users_key_acts_for_that_user_alone(service: Running, keys: KeyFile) -> None:
    _, text = keys.add(scope="user", user_id="ann")
    with service.client(text) as api:
        own = ids(api.post("/v1/recommend", json={"k": 10}))
        assert not {"2", "3", "5"} & set(own)  # ann's history, though no user is named
        assert ids(api.post("/v1/recommend", json={"k": 10, "user_id": "ann"})) == own
        about_bob = [
            ("POST", "/v1/recommend", {"user_id": "bob"}),
            ("POST", "/v1/rank", {"user_id": "bob", "items": ["1"]}),
            ("POST", "/v1/explain", {"user_id": "bob", "item": "1"}),
            ("POST", "/v1/chat", {"user_id": "bob", "turns": [{"role": "user", "text": "x"}]}),
            ("POST", "/v1/feedback", {"user_id": "bob", "item": "1", "signal": "like"}),
            ("POST", "/v1/interactions", {"user_id": "bob", "interactions": [{"item": "1"}]}),
            ("GET", "/v1/users/bob/export", None),
            ("DELETE", "/v1/users/bob", None),
        ]
        for method, path, body in about_bob:
            assert_problem(api.request(method, path, json=body), 403, "forbidden", "another user")
        for method, path in [("POST", "/v1/recommend/many"), ("GET", "/metrics")]:
            body = {"user_ids": ["ann"]} if method == "POST" else None
            assert_problem(api.request(method, path, json=body), 403, "forbidden", "admin")
        assert service.stores.feedback.for_user(UserId("bob")) == []
        assert api.post("/v1/feedback", json={"item": "1", "signal": "like"}).status_code == 201
        assert [row.item_id for row in service.stores.feedback.for_user(UserId("ann"))] == ["1"]


def test_a_new_user_may_use_their_own_key_before_anything_is_known(service: Running, keys: KeyFile) -> None:
    _, text = keys.add(scope="user", user_id="newcomer")
    with service.client(text) as api:
        assert len(ids(api.post("/v1/recommend", json={"k": 3}))) == 3
        chat = api.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}], "user": "bob"})
        assert chat.status_code == 200


def test_an_admins_key_acts_for_anybody(service: Running, keys: KeyFile) -> None:
    _, text = keys.add(scope="admin")
    with service.client(text) as api:
        assert ids(api.post("/v1/recommend", json={"user_id": "bob"}))
        assert api.delete("/v1/users/bob").status_code == 200
        assert api.get("/metrics").status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(service: Running, keys: KeyFile) -> None:
    keys.add(scope="admin")
    key, text = keys.add(scope="admin")
    with service.client(text) as api:
        assert api.get("/v1/items").status_code == 200
        keys.revoke(key.id)
        assert_problem(api.get("/v1/items"), 401, "unauthorized", "key")


def test_the_last_key_revoked_or_a_broken_file_does_not_open_the_house(service: Running, keys: KeyFile) -> None:
    key, text = keys.add(scope="admin")
    keys.revoke(key.id)
    with service.client(text) as api:
        assert_problem(api.get("/v1/items"), 401, "unauthorized", "key")
        keys.path.write_text("{")
        assert_problem(api.get("/v1/items"), 503, "keys", "cannot be used")
        keys.path.unlink()
        assert_problem(api.get("/v1/items"), 401, "unauthorized", "key")


def test_a_key_is_kept_as_a_hash_in_a_file_of_its_owner(keys: KeyFile) -> None:
    key, text = keys.add(scope="user", user_id="ann")
    assert text.startswith(f"llmrec_{key.id}_")
    assert text.rpartition("_")[2] not in keys.path.read_text()
    assert len(text) > 43 + len("llmrec_")
    assert keys.path.stat().st_mode & 0o077 == 0
    assert keys.find(text) == key
    assert keys.find(text[:-1]) is None
    assert KeyFile(keys.path).find(text) == key


def test_a_change_that_leaves_the_time_of_the_file_as_it_was_is_seen(keys: KeyFile) -> None:
    key, text = keys.add(scope="admin")
    young = time.time() + 3600  # however long this test takes
    os.utime(keys.path, (young, young))
    assert keys.find(text) == key
    # The same inode, size and, within a tick of the clock, time.
    keys.path.write_text(keys.path.read_text().replace('"admin"', '"owner"'))
    os.utime(keys.path, (young, young))
    with pytest.raises(KeyFileError, match="cannot be used"):
        keys.find(text)


def test_keys_that_are_added_at_once_are_all_kept(keys: KeyFile) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: KeyFile(keys.path).add(scope="user", user_id=str(n)), range(24)))
    assert set(keys.keys()) == {key.id for key, _ in made}


def test_a_key_is_one_users_or_an_admins(keys: KeyFile) -> None:
    for wrong in ({"scope": "user"}, {"scope": "admin", "user_id": "ann"}):
        with pytest.raises(ConfigError, match="either for one user"):
            keys.add(**wrong)
    with pytest.raises(ConfigError, match="no key has the id 'x'"):
        keys.revoke("x")


@pytest.mark.parametrize("text", ["", "[]", '{"keys": 3}', '{"keys": [{"id": "a"}]}', '{"keys": [[]]}'])
def test_a_damaged_key_file_is_said(keys: KeyFile, text: str) -> None:
    keys.path.write_text(text)
    with pytest.raises(KeyFileError, match="cannot be used"):
        keys.keys()


def test_a_bodys_length_is_bounded_announced_or_not(serve: Serve) -> None:
    service = serve(max_body_bytes=2000)
    body = json.dumps({"query": "x" * 3000}).encode()
    headers = {"content-type": "application/json"}
    with service.client() as api:
        assert_problem(api.post("/v1/recommend", content=body, headers=headers), 413, "too_long", "2,000 bytes")
        chunks = (body[place : place + 500] for place in range(0, len(body), 500))
        assert_problem(api.post("/v1/recommend", content=chunks, headers=headers), 413, "too_long", "2,000 bytes")
        assert api.post("/v1/recommend", json={"query": "short"}).status_code == 200


def test_a_caller_that_asks_too_often_waits_and_others_do_not(serve: Serve, keys: KeyFile) -> None:
    service = serve(requests_per_minute=3)
    (_, ann), (_, bob) = (keys.add(scope="user", user_id=name) for name in ("ann", "bob"))
    with service.client(ann) as api:
        assert [api.get("/v1/items").status_code for _ in range(3)] == [200, 200, 200]
        refused = api.get("/v1/items")
        assert_problem(refused, 429, "rate", "3 requests a minute")
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert api.get("/healthz").status_code == 200
    with service.client(bob) as api:
        assert api.get("/v1/items").status_code == 200


def test_another_sites_page_gets_nothing(service: Running) -> None:
    with service.client() as api:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            answer = api.post("/v1/recommend", json={}, headers={"origin": origin})
            assert_problem(answer, 403, "origin", "other sites")
            read = api.get("/v1/items", headers={"origin": origin})
            assert not [name for name in read.headers if name.startswith("access-control")]
            asked = {"origin": origin, "access-control-request-method": "POST"}
            assert "access-control-allow-origin" not in api.options("/v1/recommend", headers=asked).headers
        assert api.post("/v1/recommend", json={}, headers={"origin": service.url}).status_code == 200
        assert_problem(api.get("/v1/items", headers={"host": "evil.example"}), 403, "host", "evil.example")
        assert api.get("/v1/items", headers={"host": "localhost:8000"}).status_code == 200


def test_a_body_that_a_form_could_send_is_not_read(service: Running) -> None:
    with service.client() as api:
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answer = api.post("/v1/recommend", content=b"{}", headers={"content-type": kind})
            assert answer.status_code == 422


def test_logs_hold_no_users_and_no_words(service: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with service.client() as api:
        api.post("/v1/recommend", json={"query": "canary-wish", "user_id": "canary-user"})
        api.post("/v1/chat", json={"turns": [{"role": "user", "text": "canary-turn"}]})
        api.get("/v1/users/canary-user/export")
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert not [record for record in ours if "canary" in record.getMessage()]


def test_a_client_needs_no_redirects(service: Running) -> None:
    with httpx.Client(base_url=service.url, trust_env=False) as api:
        assert api.get("/v1/items/").status_code == 404
