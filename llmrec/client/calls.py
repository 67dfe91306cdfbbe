"""What each method asks of the service, and how its answer reads; how it is sent is the clients' own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from llmrec.arguments import ItemReference, TurnLike, Where, as_references, as_turn, checked_k, rating_of
from llmrec.client import values
from llmrec.client.errors import error_of, problem_error, unreachable
from llmrec.errors import ConfigError
from llmrec.results import Recommendations, SimilarItem, UserRecommendations
from llmrec.types import Event, Explanation, Item, Profile, Reply, Signal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what its answer is read as.

    Attributes:
        read: From the text of an answer that is none of an error.
    """

    method: str
    path: str
    read: Callable[[str], T]
    body: Mapping[str, object] | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)

    @classmethod
    def of_json(
        cls,
        method: str,
        path: str,
        read: Callable[[values.Json], T],
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str | int] = MappingProxyType({}),
    ) -> Call[T]:
        """One whose answer is JSON."""
        return cls(method, path, lambda text: read(json.loads(text)), body, params)

    def result(self, answer: httpx.Response) -> T:
        """What `answer`, whose body was read, holds. Raises LLMRecError, as the recommender would, where it is one."""
        if answer.is_error:
            raise error_of(answer, answer.text)
        return self.read(answer.text)


class EventLines:
    """Reads events from the lines of a streamed answer."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._name = ""

    def read(self, line: str) -> Iterator[Event]:
        """The event that ends with `line`, if one does. Raises LLMRecError when it tells of an error."""
        if line.startswith("event: "):
            self._name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
            if self._name == "error":
                raise problem_error(data, status=data["status"])
            yield values.event_of(self._name, data)


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Within, what keeps a request from `url` is a ServiceError."""
    try:
        yield
    except httpx.HTTPError as error:
        raise unreachable(url, error) from error


def headers_of(key: str) -> dict[str, str]:
    """What says who asks; nothing for an empty key."""
    return {"authorization": f"Bearer {key}"} if key else {}


def recommend(
    query: str,
    *,
    user_id: str | None,
    history: Sequence[ItemReference],
    profile: Profile | None,
    k: int,
    where: Where,
    filter_viewed: bool,
) -> Call[Recommendations]:
    """`Recommender.recommend`."""
    body = {
        "query": query,
        "user_id": user_id,
        "history": _references(history),
        "profile": _profile(profile),
        "k": checked_k(k),
        "where": dict(where) if isinstance(where, Mapping) else list(where) if where is not None else None,
        "filter_viewed": filter_viewed,
    }
    return Call.of_json("POST", "/v1/recommend", values.recommendations_of, body)


def recommend_many(
    user_ids: Sequence[str], *, k: int, where: Where, filter_viewed: bool
) -> Call[list[UserRecommendations]]:
    """`Recommender.recommend_many`."""
    asked = (
        recommend("", user_id=None, history=(), profile=None, k=k, where=where, filter_viewed=filter_viewed).body or {}
    )
    body = {"user_ids": list(map(str, user_ids)), **{name: asked[name] for name in ("k", "where", "filter_viewed")}}
    return Call.of_json("POST", "/v1/recommend/many", values.users_of, body)


def rank(
    query_or_history: str | Sequence[ItemReference],
    items: Sequence[ItemReference],
    *,
    user_id: str | None,
    history: Sequence[ItemReference],
) -> Call[Recommendations]:
    """`Recommender.rank`."""
    body = {**_asked(query_or_history, user_id, history), "items": _references(items)}
    return Call.of_json("POST", "/v1/rank", values.recommendations_of, body)


def explain(
    query_or_history: str | Sequence[ItemReference],
    item: ItemReference,
    *,
    user_id: str | None,
    history: Sequence[ItemReference],
) -> Call[Explanation]:
    """`Recommender.explain`."""
    body = {**_asked(query_or_history, user_id, history), "item": _reference(item)}
    return Call.of_json("POST", "/v1/explain", values.explanation_of, body)


def chat(
    turns: Sequence[TurnLike], profile: Profile | None, *, user_id: str | None, k: int, stream: bool
) -> Call[Reply]:
    """`Recommender.chat` and `chat_stream`."""
    rows = [{"role": turn.role, "text": turn.text} for turn in map(as_turn, turns)]
    body = {"turns": rows, "profile": _profile(profile), "user_id": user_id, "k": checked_k(k), "stream": stream}
    return Call.of_json("POST", "/v1/chat", values.reply_of, body)


def similar(item: ItemReference, k: int) -> Call[list[SimilarItem]]:
    """`Recommender.similar`."""
    reference = _reference(item)
    name = reference if isinstance(reference, str) else str(reference["item_id"])
    return Call.of_json("GET", "/v1/similar", values.similar_of, params={"item": name, "k": checked_k(k)})


def feedback(item: ItemReference, signal: Signal, *, user_id: str | None, text: str, event_id: str) -> Call[int]:
    """What a user thinks of an item."""
    about = {"item": _reference(item), "user_id": user_id, "event_id": event_id}
    body = {**about, "signal": signal, "text": text}
    return Call.of_json("POST", "/v1/feedback", _recorded, body)


def interactions(items: Sequence[ItemReference], *, user_id: str | None) -> Call[int]:
    """What a user did, now."""
    body = {"interactions": [{"item": item} for item in _references(items)], "user_id": user_id}
    return Call.of_json("POST", "/v1/interactions", _recorded, body)


def items_page(offset: int) -> Call[tuple[list[Item], int | None]]:
    """Some items, and where the next ones begin."""
    return Call.of_json(
        "GET",
        "/v1/items",
        lambda data: (values.items_of(data), data["next_offset"]),
        params={"offset": offset, "limit": 1000},
    )


def export(user_id: str) -> Call[str]:
    """All that is kept of a user."""
    return Call("GET", f"{_user_path(user_id)}/export", str)


def delete(user_id: str) -> Call[values.Json]:
    """Remove what is kept of a user."""
    return Call.of_json("DELETE", _user_path(user_id), lambda data: data)


def _user_path(user_id: str) -> str:
    return f"/v1/users/{quote(user_id, safe='')}"


def _asked(
    query_or_history: str | Sequence[ItemReference], user_id: str | None, history: Sequence[ItemReference]
) -> dict[str, object]:
    if isinstance(query_or_history, str):
        return {"query": query_or_history, "history": _references(history), "user_id": user_id}
    return {"history": [*_references(history), *_references(query_or_history)], "user_id": user_id}


def _references(items: Sequence[ItemReference]) -> list[str | dict[str, object]]:
    return list(map(_reference, as_references(items)))


def _reference(item: ItemReference) -> str | dict[str, object]:
    """`item` as JSON: a title may stand alone, a rating needs the id. Raises ConfigError."""
    if not isinstance(item, Mapping):
        return str(item)
    if "item_id" in item:
        return {"item_id": str(item["item_id"]), "rating": rating_of(item)}
    if "title" in item and item.get("rating") is None:
        return str(item["title"])
    raise ConfigError(f"{item!r} needs an item_id.")


def _profile(profile: Profile | None) -> dict[str, object] | None:
    return values.profile_to_plain(profile) if profile is not None else None


def _recorded(data: values.Json) -> int:
    recorded: Any = data["recorded"]
    return int(recorded)
