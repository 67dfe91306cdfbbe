"""A client says what the recommender behind the service says, value by value and error by error."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmrec import AsyncClient, Client
from llmrec.client import ServiceError
from llmrec.errors import ConfigError, ConstraintError, UnknownItemError, UnknownUserError
from llmrec.recommender import Recommender
from llmrec.results import Recommendations
from llmrec.service.keys import KeyFile
from llmrec.types import Profile, Reply, ReplyEvent, TextEvent, Trace, Turn
from tests.service.conftest import Running, Serve


@pytest.fixture
def service(serve: Serve) -> Running:
    return serve()


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.url) as one:
        yield one


def timeless(found: Recommendations | Reply) -> Recommendations | Reply:
    """The same without what no two runs share: seconds."""
    stages = tuple(replace(stage, seconds=0.0) for stage in found.trace.stages)
    return replace(found, trace=replace(found.trace, stages=stages))


def test_recommendations_are_the_recommenders(client: Client, plain_recommender: Recommender) -> None:
    profile = plain_recommender.profile_of(liked=["Alien (1979)"], seen=["4"])
    for asked in (
        {"query": "scary, after 1980", "k": 3},
        {"user_id": "bob", "where": {"year": {"$gte": 1990}}, "filter_viewed": False},
        {"history": ["Heat (1995)", {"item_id": "3", "rating": 4}], "where": ["genres!=Comedy"]},
        {"profile": profile, "k": 2},
    ):
        assert timeless(client.recommend(**asked)) == timeless(plain_recommender.recommend(**asked))


def test_a_profile_survives_the_way_there_and_back(client: Client, plain_recommender: Recommender) -> None:
    said = "a comedy or romance after 1990, not Heat, I loved Alien and have seen Scream"
    there = client.recommend(said, k=2)
    here = plain_recommender.recommend(said, k=2)
    assert there.profile == here.profile
    assert there.profile.constraints
    assert there.profile.liked
    again = client.recommend(profile=there.profile, k=4)
    assert timeless(again) == timeless(plain_recommender.recommend(profile=here.profile, k=4))


def test_ranking_explaining_and_similar_are_the_recommenders(client: Client, plain_recommender: Recommender) -> None:
    for asked in ("tense", ["Alien (1979)"]):
        there, here = (one.rank(asked, ["9", "Amélie (2001)"]) for one in (client, plain_recommender))
        assert timeless(there) == timeless(here)
        assert client.explain(asked, "3") == plain_recommender.explain(asked, "3")
    assert client.similar("Alien (1979)", 3) == plain_recommender.similar("Alien (1979)", 3)
    assert list(client.recommend_many(["ann", "cat"], k=3)) == list(
        plain_recommender.recommend_many(["ann", "cat"], k=3)
    )
    assert list(client.items()) == list(plain_recommender.catalogue.values())


def test_a_chat_goes_as_with_the_recommender(client: Client, plain_recommender: Recommender) -> None:
    turns: list[Turn] = []
    there = here = Reply("", (), Profile(), Trace())
    for text in ("something funny, I liked Toy Story", "older please", "seen the first one"):
        turns = [*turns, Turn("user", text)]
        there, here = (
            one.chat(turns, reply.profile, user_id="ann", k=2)
            for one, reply in ((client, there), (plain_recommender, here))
        )
        assert timeless(there) == timeless(here)
        turns.append(Turn("assistant", here.text))


def test_a_stream_ends_with_the_whole_reply(client: Client, plain_recommender: Recommender) -> None:
    turns = [Turn("user", "something funny")]
    there, here = list(client.chat_stream(turns, k=2)), list(plain_recommender.chat_stream(turns, k=2))
    assert [type(event) for event in there] == [type(event) for event in here]
    assert [event for event in there if isinstance(event, TextEvent)] == [
        event for event in here if isinstance(event, TextEvent)
    ]
    assert isinstance(there[-1], ReplyEvent)
    assert timeless(there[-1].reply) == timeless(plain_recommender.chat(turns, k=2))


def test_what_is_said_and_done_is_kept_and_can_be_deleted(client: Client) -> None:
    client.add_interactions(["Heat (1995)", {"item_id": "1", "rating": 5}], user_id="eve")
    client.feedback("6", "dislike", user_id="eve")
    for _ in range(2):
        client.feedback("6", "text", user_id="eve", text="too loud", event_id="e1")
    assert client.export("eve").count("\n") == 4
    assert not {"9", "1", "6"} & {item.item_id for item in client.recommend(user_id="eve", k=10)}
    assert client.delete("eve")["interactions"] == 2
    assert client.export("eve") == ""


def test_errors_are_those_of_the_recommender(client: Client) -> None:
    with pytest.raises(UnknownItemError, match="Did you mean"):
        client.recommend(history=["Alienn"])
    with pytest.raises(UnknownUserError, match="nobody"):
        client.recommend(user_id="nobody")
    with pytest.raises(ConstraintError, match="yeer"):
        client.recommend(where={"yeer": 1})
    with pytest.raises(ConfigError, match="k is 0"):
        client.recommend(k=0)
    with pytest.raises(ConfigError, match="last turn"):
        list(client.chat_stream([Turn("assistant", "hello")]))
    with pytest.raises(ServiceError, match="k: input should be less"):
        client.recommend(k=201)


def test_a_key_is_sent_and_a_refusal_is_said(serve: Serve, tmp_path: Path) -> None:
    _, text = KeyFile(tmp_path / "keys.json").add(scope="user", user_id="ann")
    service = serve(requests_per_minute=2)
    with Client(service.url, text) as client, Client(service.url, "wrong") as stranger:
        assert len(client.recommend(k=2)) == 2
        assert client.export("ann").count("learned") == 3
        with pytest.raises(ServiceError, match="requests a minute") as refusal:
            client.recommend()
        assert refusal.value.status == 429
        assert refusal.value.retry_after_s
        with pytest.raises(ServiceError, match="key is missing or wrong"):
            stranger.recommend()


def test_a_service_that_is_not_there_is_one_sentence() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else can take the port, and nobody listens
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with Client(url) as client, pytest.raises(ServiceError, match="does not answer"):
            client.recommend()


def test_the_asynchronous_client_says_the_same(service: Running, plain_recommender: Recommender) -> None:
    async def talk() -> None:
        async with AsyncClient(service.url) as client:
            turns = [Turn("user", "something funny")]
            one, many, reply = await asyncio.gather(
                client.recommend("scary", k=3), client.recommend_many(["ann"], k=2), client.chat(turns, k=2)
            )
            assert timeless(one) == timeless(plain_recommender.recommend("scary", k=3))
            assert many == list(plain_recommender.recommend_many(["ann"], k=2))
            events = [event async for event in client.chat_stream(turns, k=2)]
            assert isinstance(events[-1], ReplyEvent)
            assert timeless(events[-1].reply) == timeless(reply)
            assert [item async for item in client.items()] == list(plain_recommender.catalogue.values())
            assert (await client.rank("tense", ["9", "1"]))[0].rank == 1
            assert (await client.explain("tense", "9")).item_id == "9"
            assert len(await client.similar("9", 2)) == 2
            await client.feedback("9", "like", user_id="eve")
            await client.add_interactions(["9"], user_id="eve")
            assert (await client.export("eve")).count("\n") == 2
            assert (await client.delete("eve"))["feedback"] == 1
            with pytest.raises(UnknownItemError):
                await client.recommend(history=["Alienn"])

    asyncio.run(talk())
