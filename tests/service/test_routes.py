"""Every route answers as documented, with what the library would have said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.service.house import Stores
from llmrec.settings import Settings
from llmrec.types import UserId
from tests.service.conftest import OPEN, Running, Serve, run_service
from tests.test_recommender import events, table


@pytest.fixture
def service(serve: Serve) -> Running:
    return serve()


@pytest.fixture
def api(service: Running) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["item_id"] for row in answer.json()["recommendations"]]


def sse(text: str) -> list[tuple[str, Any]]:
    """Names and data of server-sent events."""
    found = []
    for block in filter(str.strip, text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


def assert_problem(answer: httpx.Response, status: int, code: str, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert (found["status"], found["code"]) == (status, code)
    assert words in found["detail"]
    assert "\n" not in found["detail"]
    assert "Traceback" not in answer.text


def test_recommending_gives_what_the_library_gives(api: httpx.Client, plain_recommender: Recommender) -> None:
    asked = {"query": "scary", "user_id": "ann", "k": 4, "where": {"year": {"$lt": 2000}}}
    answer = api.post("/v1/recommend", json=asked)
    found = plain_recommender.recommend("scary", user_id="ann", k=4, where={"year": {"$lt": 2000}})
    assert ids(answer) == [item.item_id for item in found]
    assert [row["explanation"] for row in answer.json()["recommendations"]] == [item.explanation for item in found]
    assert answer.json()["degraded"] is None


def test_ranking_gives_all_that_was_given(api: httpx.Client, plain_recommender: Recommender) -> None:
    items = ["Amélie (2001)", {"item_id": "4"}, "9"]
    found = plain_recommender.rank(["2"], ["10", "4", "9"])
    assert ids(api.post("/v1/rank", json={"history": ["Alien (1979)"], "items": items})) == [i.item_id for i in found]


def test_an_explanation_is_the_librarys(api: httpx.Client, plain_recommender: Recommender) -> None:
    answer = api.post("/v1/explain", json={"history": ["Alien (1979)"], "item": "Scream (1996)"}).json()
    found = plain_recommender.explain(["Alien (1979)"], "Scream (1996)")
    assert (answer["item_id"], answer["title"], answer["text"]) == ("6", "Scream (1996)", found.text)
    assert len(answer["evidence"]) == len(found.cites)


def test_many_users_get_what_each_gets_alone(api: httpx.Client, plain_recommender: Recommender) -> None:
    answer = api.post("/v1/recommend/many", json={"user_ids": ["bob", "ann"], "k": 3})
    found = plain_recommender.recommend_many(["bob", "ann"], k=3)
    assert [[i["item_id"] for i in one["items"]] for one in answer.json()["users"]] == [
        [i.item_id for i in one.items] for one in found
    ]


def test_similar_items_are_the_librarys(api: httpx.Client, plain_recommender: Recommender) -> None:
    answer = api.get("/v1/similar", params={"item": "Alien (1979)", "k": 2}).json()
    assert [row["item_id"] for row in answer["items"]] == [i.item_id for i in plain_recommender.similar("2", 2)]


def test_a_chat_streams_stages_cards_text_and_the_reply_last(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"turns": [{"role": "user", "text": "a comedy please"}], "k": 2})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = sse(answer.text)
    names = [name for name, _ in events]
    assert names[0] == "stage"
    assert names[-3:] == ["cards", "text", "reply"]
    reply = events[-1][1]
    assert reply["turns"][-1] == {"role": "assistant", "text": reply["reply"]}
    assert len(reply["profile"]["shown"]) == 2


def test_a_conversation_goes_on_with_what_came_back(api: httpx.Client, plain_recommender: Recommender) -> None:
    said, profile, turns = ["a scary film, I loved Alien", "something else"], None, []
    shown = []
    for text in said:
        turns = [*turns, {"role": "user", "text": text}]
        answer = api.post("/v1/chat", json={"turns": turns, "profile": profile, "k": 2, "stream": False})
        shown.append(ids(answer))
        turns, profile = answer.json()["turns"], answer.json()["profile"]
    assert not set(shown[0]) & set(shown[1])
    assert "2" not in shown[0] + shown[1]
    assert [row["title"] for row in profile["liked"]] == ["Alien (1979)"]


def test_a_new_interaction_counts_in_the_next_request(api: httpx.Client) -> None:
    before = ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 10}))
    assert "9" in before
    sent = api.post("/v1/interactions", json={"user_id": "ann", "interactions": [{"item": "Heat (1995)", "at": 9.0}]})
    assert (sent.status_code, sent.json()) == (201, {"recorded": 1})
    assert "9" not in ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 10}))
    assert "9" in ids(api.post("/v1/recommend", json={"user_id": "bob", "k": 10}))


def test_a_new_user_is_known_after_their_first_interaction(api: httpx.Client) -> None:
    assert_problem(api.post("/v1/recommend", json={"user_id": "eve"}), 404, "unknown_user", "'eve'")
    rows = [{"item": {"item_id": "7", "rating": 5}}, {"item": "8"}]
    api.post("/v1/interactions", json={"user_id": "eve", "interactions": rows})
    found = ids(api.post("/v1/recommend", json={"user_id": "eve", "k": 3}))
    assert found[0] == "10"  # the third romance
    many = api.post("/v1/recommend/many", json={"user_ids": ["ann", "eve"], "k": 3}).json()["users"]
    assert [one["user_id"] for one in many] == ["ann", "eve"]
    assert [item["item_id"] for item in many[1]["items"]] == found


def test_what_was_disliked_is_not_shown_again(api: httpx.Client) -> None:
    assert api.post("/v1/feedback", json={"user_id": "ann", "item": "9", "signal": "dislike"}).status_code == 201
    assert "9" not in ids(api.post("/v1/recommend", json={"user_id": "ann", "k": 10}))
    turns = [{"role": "user", "text": "anything"}]
    chat = api.post("/v1/chat", json={"user_id": "ann", "turns": turns, "k": 10, "stream": False})
    assert "9" not in ids(chat)


def test_a_user_gets_all_that_is_kept_and_has_it_deleted(api: httpx.Client) -> None:
    api.post("/v1/interactions", json={"user_id": "ann", "interactions": [{"item": "9", "at": 9.0}]})
    api.post("/v1/feedback", json={"user_id": "ann", "item": "1", "signal": "like"})
    rows = [json.loads(line) for line in api.get("/v1/users/ann/export").text.splitlines()]
    assert [(row["kind"], row["item_id"]) for row in rows] == [
        ("learned", "2"), ("learned", "3"), ("learned", "5"), ("interaction", "9"), ("feedback", "1"),
    ]  # fmt: skip
    gone = api.delete("/v1/users/ann").json()
    assert (gone["feedback"], gone["interactions"], gone["learned"]) == (1, 1, 3)
    assert "3 rows" in gone["note"]
    kinds = {json.loads(line)["kind"] for line in api.get("/v1/users/ann/export").text.splitlines()}
    assert kinds == {"learned"}
    assert_problem(api.post("/v1/recommend", json={"user_id": "ann"}), 404, "unknown_user", "'ann'")


def test_what_was_shown_a_moment_ago_is_exported_and_deleted_too(api: httpx.Client) -> None:
    for _ in range(5):
        api.post("/v1/recommend", json={"user_id": "ann", "k": 4})
        kinds = [json.loads(line)["kind"] for line in api.get("/v1/users/ann/export").text.splitlines()]
        assert kinds.count("impression") == 4
        api.post("/v1/recommend", json={"user_id": "bob", "k": 4})
        api.post("/v1/recommend", json={"user_id": "ann", "query": "something scary", "k": 4})
        assert api.delete("/v1/users/ann").json()["impressions"] == 8
        api.post("/v1/feedback", json={"user_id": "ann", "item": "1", "signal": "like"})


def test_a_deleted_user_leaves_no_trace_in_the_files(api: httpx.Client, service: Running) -> None:
    name = "unmistakable-name"
    api.post("/v1/interactions", json={"user_id": name, "interactions": [{"item": "9"}]})
    api.post("/v1/feedback", json={"user_id": name, "item": "1", "signal": "like"})
    api.delete(f"/v1/users/{name}")
    folder = service.stores.keys.path.parent
    assert [path.name for path in folder.iterdir() if name.encode() in path.read_bytes()] == []


def test_items_come_a_page_at_a_time(api: httpx.Client) -> None:
    first = api.get("/v1/items", params={"limit": 7}).json()
    rest = api.get("/v1/items", params={"limit": 7, "offset": first["next_offset"]}).json()
    assert (first["total"], rest["next_offset"]) == (10, None)
    assert [item["item_id"] for item in first["items"] + rest["items"]] == [str(n) for n in range(1, 11)]
    assert first["items"][0]["facts"] == {"year": 1995, "genres": ["Animation", "Children", "Comedy"]}


def test_metrics_name_stages_and_routes_and_no_user(api: httpx.Client) -> None:
    api.post("/v1/recommend", json={"user_id": "ann"})
    api.get("/v1/users/ann/export")
    text = api.get("/metrics").text
    assert 'llmrec_requests_total{route="/v1/recommend",status="200"} 1.0' in text
    assert 'llmrec_stage_seconds_count{stage="rank"} 1.0' in text
    assert "llmrec_candidates_count 1.0" in text
    assert "ann" not in text


def test_health_and_readiness(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok", "version": ""}
    assert api.get("/readyz").json() == {"status": "ready"}


def test_the_openapi_document_has_examples_and_problems(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    recommend = document["paths"]["/v1/recommend"]["post"]
    assert {"200", "401", "403", "404", "413", "422", "429", "503"} <= set(recommend["responses"])
    properties = document["components"]["schemas"]["RecommendRequest"]["properties"]
    assert properties["query"]["examples"] == ["a light comedy"]


def test_unknown_paths_and_methods_are_problems(api: httpx.Client) -> None:
    assert_problem(api.get("/v1/nothing"), 404, "path", "no such path")
    answer = api.get("/v1/recommend")
    assert_problem(answer, 405, "method", "other methods")
    assert answer.headers["allow"] == "POST"
    assert_problem(api.get("/nothing"), 404, "http", "Not Found")


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "words"),
    [
        ("/v1/recommend", {"k": 0}, 422, "invalid", "k: input should be greater than or equal to 1"),
        ("/v1/recommend", {"k": "5"}, 422, "invalid", "k: input should be a valid integer"),
        ("/v1/recommend", {"k": True}, 422, "invalid", "k: input should be a valid integer"),
        ("/v1/recommend", {"kk": 3}, 422, "invalid", "kk: extra inputs are not permitted"),
        ("/v1/recommend", [], 422, "invalid", "the body"),
        ("/v1/recommend", {"query": "x" * 4001}, 422, "invalid", "query"),
        ("/v1/recommend", {"query": "\ud800"}, 422, "invalid", "unicode"),
        ("/v1/recommend", {"where": {"yeer": 1990}}, 422, "constraint", "yeer"),
        ("/v1/recommend", {"where": ["year>=soon"]}, 422, "constraint", "soon"),
        ("/v1/recommend", {"history": ["Alienn"]}, 404, "unknown_item", "Alien (1979)"),
        ("/v1/recommend", {"history": ["Sabrina"]}, 404, "unknown_item", "stands for"),
        ("/v1/recommend", {"user_id": "nobody"}, 404, "unknown_user", "nobody"),
        ("/v1/recommend", {"profile": {"liked": [{"item_id": "99"}]}}, 422, "data", "'99'"),
        ("/v1/recommend", {"deadline_s": 0}, 422, "invalid", "deadline_s"),
        ("/v1/rank", {"items": []}, 422, "invalid", "items"),
        ("/v1/rank", {"items": ["1", "nope"]}, 404, "unknown_item", "'nope'"),
        ("/v1/explain", {}, 422, "invalid", "item: field required"),
        ("/v1/chat", {"turns": []}, 422, "invalid", "turns"),
        ("/v1/chat", {"turns": [{"role": "assistant", "text": "hi"}]}, 422, "config", "last turn"),
        ("/v1/chat", {"turns": [{"role": "robot", "text": "hi"}]}, 422, "invalid", "role"),
        ("/v1/feedback", {"item": "1", "signal": "like"}, 422, "config", "user_id is missing"),
        ("/v1/feedback", {"user_id": "ann", "item": "1", "signal": "love"}, 422, "invalid", "signal"),
        ("/v1/interactions", {"user_id": "ann", "interactions": [{"item": "x"}]}, 404, "unknown_item", "'x'"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_status_and_a_sentence(
    api: httpx.Client, path: str, body: object, status: int, code: str, words: str
) -> None:
    sent = json.dumps(body)  # escapes what is no Unicode, as a hostile client would
    answer = api.post(path, content=sent, headers={"content-type": "application/json"})
    assert_problem(answer, status, code, words)


@pytest.mark.parametrize("body", ["", "{", '{"k": NaN}', '{"k": 1e999}', "[" * 100_000, "\xff", '{"k": ' + "9" * 5000])
def test_a_body_that_is_no_json_is_400_or_422(api: httpx.Client, body: str) -> None:
    answer = api.post("/v1/recommend", content=body.encode("latin-1"), headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert len(answer.json()["detail"]) <= 500


def test_a_part_of_interactions_that_is_wrong_leaves_nothing_behind(api: httpx.Client) -> None:
    rows = [{"item": "9"}, {"item": "nope"}]
    assert api.post("/v1/interactions", json={"user_id": "ann", "interactions": rows}).status_code == 404
    assert '"interaction"' not in api.get("/v1/users/ann/export").text


def test_what_is_shown_is_logged_and_the_answer_can_be_named(api: httpx.Client, service: Running) -> None:
    found = api.post("/v1/recommend", json={"user_id": "ann", "query": "a scary film", "k": 3}).json()
    turns = [{"role": "user", "text": "something scary"}]
    said = api.post("/v1/chat", json={"turns": turns, "k": 2, "stream": False}).json()
    streamed = api.post("/v1/chat", json={"user_id": "bob", "turns": turns, "k": 2}).text
    assert found["query_id"] != said["query_id"]
    assert '"query_id"' in streamed
    service.stop()
    with SQLiteFeedbackStore(service.stores.keys.path.parent / "feedback.sqlite3") as store:
        rows = list(store.impressions())
    assert [(row.query_id, row.user_id, row.item_id, row.position) for row in rows[:3]] == [
        (found["query_id"], "ann", one["item_id"], one["rank"]) for one in found["recommendations"]
    ]
    assert [(row.query_id, row.user_id) for row in rows[3:5]] == [(said["query_id"], "")] * 2
    assert {(row.user_id, row.stage, row.propensity) for row in rows[5:]} == {("bob", "retrieval", 1.0)}


def test_feedback_names_its_answer_and_is_stored_once(api: httpx.Client, service: Running) -> None:
    body = {"user_id": "ann", "item": "1", "signal": "text", "text": "too long", "query_id": "q1", "event_id": "e1"}
    for _ in range(2):
        assert api.post("/v1/feedback", json=body).json() == {"recorded": 1}
    (kept,) = service.stores.feedback.for_user(UserId("ann"))
    assert (kept.text, kept.query_id, kept.event_id) == ("too long", "q1", "e1")
    assert_problem(api.post("/v1/feedback", json={**body, "text": ""}), 422, "config", "goes with the signal")


def test_an_interaction_sent_again_is_stored_once(api: httpx.Client, service: Running) -> None:
    rows = [{"item": "9", "event_id": "e1"}, {"item": "9"}]
    for _ in range(2):
        api.post("/v1/interactions", json={"user_id": "ann", "interactions": rows})
    assert len(service.stores.feedback.interactions_of(UserId("ann"))) == 3


def test_who_wants_nothing_learned_is_logged_no_more(api: httpx.Client, service: Running) -> None:
    assert api.put("/v1/users/ann/learning", json={"allowed": False}).json() == {"allowed": False}
    assert service.stores.feedback.opted_out(UserId("ann"))
    for user_id in ("ann", "bob"):
        assert len(ids(api.post("/v1/recommend", json={"user_id": user_id, "k": 2}))) == 2
    api.put("/v1/users/cat/learning", json={"allowed": False})
    api.put("/v1/users/cat/learning", json={"allowed": True})
    service.stop()
    with SQLiteFeedbackStore(service.stores.keys.path.parent / "feedback.sqlite3") as store:
        assert [row.user_id for row in store.impressions()] == ["bob", "bob"]
        assert not store.opted_out(UserId("cat"))


def test_a_deletion_says_where_the_user_may_still_be(
    films: Catalogue, interactions: Interactions, tmp_path: Path
) -> None:
    settings = Settings().changed(["language_model.model=none", "language_model.adapter=somewhere/mine"])
    recommender = Recommender(settings, overrides=Overrides(encoder=HashingEmbedder()))
    recommender.fit(table(films), events(interactions), name="films")
    service = run_service(recommender, OPEN, Stores.in_directory(tmp_path))
    with service.client() as api:
        notes = [api.delete(f"/v1/users/{user_id}").json()["note"] for user_id in ("ann", "nobody-here")]
    service.stop()
    assert "3 rows of this user" in notes[0]
    assert "adapter mine was trained on data that may hold them" in notes[0]
    assert notes[1] == "Backups made before now still hold what was deleted."
