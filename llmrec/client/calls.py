"""What each method asks of the service, and how its answer reads; how it is sent is the clients' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from llmrec.arguments import ItemReference, TurnLike, Where, as_references, as_turn, checked_k, rating_of
from llmrec.client import values
from llmrec.errors import ConfigError
from llmrec.results import Recommendations, SimilarItem, UserRecommendations
from llmrec.types import Explanation, Item, Profile, Reply, Signal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what its answer is read as."""

    method: str
    path: str
    read: Callable[[values.Json], T]
    body: Mapping[str, object] | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)


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
    return Call("POST", "/v1/recommend", values.recommendations_of, body)


def recommend_many(
    user_ids: Sequence[str], *, k: int, where: Where, filter_viewed: bool
) -> Call[list[UserRecommendations]]:
    """`Recommender.recommend_many`."""
    asked = (
        recommend("", user_id=None, history=(), profile=None, k=k, where=where, filter_viewed=filter_viewed).body or {}
    )
    body = {"user_ids": list(map(str, user_ids)), **{name: asked[name] for name in ("k", "where", "filter_viewed")}}
    return Call("POST", "/v1/recommend/many", values.users_of, body)


def rank(
    query_or_history: str | Sequence[ItemReference],
    items: Sequence[ItemReference],
    *,
    user_id: str | None,
    history: Sequence[ItemReference],
) -> Call[Recommendations]:
    """`Recommender.rank`."""
    body = {**_asked(query_or_history, user_id, history), "items": _references(items)}
    return Call("POST", "/v1/rank", values.recommendations_of, body)


def explain(
    query_or_history: str | Sequence[ItemReference],
    item: ItemReference,
    *,
    user_id: str | None,
    history: Sequence[ItemReference],
) -> Call[Explanation]:
    """`Recommender.explain`."""
    body = {**_asked(query_or_history, user_id, history), "item": _reference(item)}
    return Call("POST", "/v1/explain", values.explanation_of, body)


def chat(
    turns: Sequence[TurnLike], profile: Profile | None, *, user_id: str | None, k: int, stream: bool
) -> Call[Reply]:
    """`Recommender.chat` and `chat_stream`."""
    rows = [{"role": turn.role, "text": turn.text} for turn in map(as_turn, turns)]
    body = {"turns": rows, "profile": _profile(profile), "user_id": user_id, "k": checked_k(k), "stream": stream}
    return Call("POST", "/v1/chat", values.reply_of, body)


def similar(item: ItemReference, k: int) -> Call[list[SimilarItem]]:
    """`Recommender.similar`."""
    reference = _reference(item)
    name = reference if isinstance(reference, str) else str(reference["item_id"])
    return Call("GET", "/v1/similar", values.similar_of, params={"item": name, "k": checked_k(k)})


def feedback(item: ItemReference, signal: Signal, *, user_id: str | None) -> Call[int]:
    """What a user thinks of an item."""
    body = {"item": _reference(item), "signal": signal, "user_id": user_id}
    return Call("POST", "/v1/feedback", _recorded, body)


def interactions(items: Sequence[ItemReference], *, user_id: str | None) -> Call[int]:
    """What a user did, now."""
    body = {"interactions": [{"item": item} for item in _references(items)], "user_id": user_id}
    return Call("POST", "/v1/interactions", _recorded, body)


def items_page(offset: int) -> Call[tuple[list[Item], int | None]]:
    """Some items, and where the next ones begin."""
    return Call(
        "GET",
        "/v1/items",
        lambda data: (values.items_of(data), data["next_offset"]),
        params={"offset": offset, "limit": 1000},
    )


def user_path(user_id: str, *, ending: str = "") -> str:
    """The path of a user's own."""
    return f"/v1/users/{quote(user_id, safe='')}{ending}"


def delete(user_id: str) -> Call[values.Json]:
    """Remove what is kept of a user."""
    return Call("DELETE", user_path(user_id), lambda data: data)


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
