"""Chat clients that speak OpenAI's API connect, stream, and hold a conversation without keeping a profile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from llmrec.recommender import Recommender
from llmrec.service.keys import KeyFile
from llmrec.service.replaying import cards_text, replayed
from llmrec.types import Profile, Turn
from tests.service.conftest import Running, Serve


@pytest.fixture
def service(serve: Serve) -> Running:
    return serve()


@pytest.fixture
def client(service: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="unused", max_retries=0) as one:
        yield one


def test_the_model_is_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["llmrec"]


def test_a_completion_names_the_recommended_items(client: openai.OpenAI, plain_recommender: Recommender) -> None:
    said = "a comedy please"
    answer = client.chat.completions.create(model="llmrec", messages=[{"role": "user", "content": said}])
    reply = plain_recommender.chat([Turn("user", said)])
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert choice.message.content == f"{reply.text}\n\n{cards_text(reply.recommendations)}"
    assert [row["item_id"] for row in answer.recommendations] == [card.item_id for card in reply.recommendations]


def test_a_stream_says_the_same_in_pieces(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "a comedy please"}]}]
    whole = client.chat.completions.create(model="llmrec", messages=messages, temperature=0.3)
    chunks = list(client.chat.completions.create(model="llmrec", messages=messages, stream=True))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].profile == whole.profile


def test_what_was_said_and_shown_before_counts_without_a_profile(client: openai.OpenAI) -> None:
    messages: list[dict[str, str]] = [{"role": "system", "content": "You are helpful."}]
    shown: list[str] = []
    for said in ("a comedy, but not Sabrina (1995)", "something else"):
        messages.append({"role": "user", "content": said})
        answer = client.chat.completions.create(model="llmrec", messages=messages)
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})
        new = [row["item_id"] for row in answer.recommendations]
        assert not set(new) & set(shown)
        shown += new
    # The comedies that are not disliked, then, as there is no other, what is left.
    assert (set(shown[:4]), set(shown[4:])) == ({"1", "6", "7", "10"}, {"2", "3", "4", "5", "9"})


def test_a_profile_that_was_sent_counts_instead(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="llmrec", messages=[{"role": "user", "content": "a comedy"}])
    messages = [{"role": "user", "content": "something else"}]
    second = client.chat.completions.create(model="llmrec", messages=messages, extra_body={"profile": first.profile})
    ids = [{row["item_id"] for row in answer.recommendations} for answer in (first, second)]
    assert not ids[0] & ids[1]


def test_errors_reach_the_client_as_its_own(client: openai.OpenAI, service: Running, tmp_path: Path) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="must be the user's"):
        client.chat.completions.create(model="llmrec", messages=[{"role": "system", "content": "x"}])
    _, text = KeyFile(tmp_path / "keys.json").add(scope="user", user_id="ann")
    with pytest.raises(openai.AuthenticationError, match="key is missing or wrong"):
        client.models.list()
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=text, max_retries=0) as mine:
        assert len(list(mine.models.list())) == 1


def test_titles_the_catalogue_does_not_have_count_as_not_shown(plain_recommender: Recommender) -> None:
    said = "1. **Alien (1979)** - scary\n2. **Sabrina** - two of them\n3. **Nothing** - none\nand **Heat (1995)** too"
    profile = replayed(plain_recommender, [Turn("assistant", said)], Profile())
    assert [entry.item_id for entry in profile.shown] == ["2"]
