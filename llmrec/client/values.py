"""JSON of a service as the values of the library; what comes from there is trusted as far as its shape goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from llmrec.errors import DataError
from llmrec.results import RankedItem, Recommendations, SimilarItem, UserRecommendations
from llmrec.types import (
    CardsEvent,
    Constraint,
    ConstraintEntry,
    Event,
    Evidence,
    Explanation,
    Item,
    ItemId,
    LeaningEntry,
    Profile,
    Recommendation,
    Reply,
    ReplyEvent,
    StageEvent,
    StageTrace,
    TextEvent,
    Trace,
    UserId,
)

# What JSON holds; each reader below takes the shape that the service documents.
Json = Mapping[str, Any]


def profile_to_plain(profile: Profile) -> dict[str, object]:
    """`profile` as JSON without titles, which the service does not need."""
    return {field.name: _plain(getattr(profile, field.name)) for field in fields(Profile)}


def profile_of(data: Json) -> Profile:
    """The profile that a service sent."""
    kinds = get_type_hints(Profile)
    values: dict[str, Any] = {name: _part(value, kinds[name]) for name, value in data.items() if name in kinds}
    return Profile(**values)


def recommendations_of(data: Json) -> Recommendations:
    """A list of recommendations."""
    return Recommendations(_cards(data), profile_of(data["profile"]), _trace(data["trace"]))


def reply_of(data: Json) -> Reply:
    """A whole reply."""
    return Reply(data["reply"] or "", _cards(data), profile_of(data["profile"]), _trace(data["trace"]))


def explanation_of(data: Json) -> Explanation:
    """An explanation."""
    return Explanation(ItemId(data["item_id"]), data["text"], _evidence(data["evidence"]), data["phrased_by"])


def users_of(data: Json) -> list[UserRecommendations]:
    """What each of many users gets."""
    return [
        UserRecommendations(
            UserId(one["user_id"]),
            tuple(
                RankedItem(ItemId(row["item_id"]), row["title"], _number(row["score"]), row["rank"])
                for row in one["items"]
            ),
            one["ranked_by"],
            one["degraded"] or "",
        )
        for one in data["users"]
    ]


def similar_of(data: Json) -> list[SimilarItem]:
    """Items close to one."""
    return [
        SimilarItem(ItemId(row["item_id"]), row["title"], _number(row["score"]), row["rank"]) for row in data["items"]
    ]


def items_of(data: Json) -> list[Item]:
    """A page of the catalogue."""
    return [
        Item(
            ItemId(row["item_id"]),
            row["title"],
            {name: _tupled(value) for name, value in row["facts"].items()},
            row["description"],
            row["url"],
            available=row["available"],
        )
        for row in data["items"]
    ]


def event_of(name: str, data: Json) -> Event:
    """A piece of a reply. Raises DataError for one of a kind that is not known."""
    if name == "stage":
        return StageEvent(_stage(data))
    if name == "cards":
        return CardsEvent(_cards(data))
    if name == "text":
        return TextEvent(data["delta"])
    if name == "reply":
        return ReplyEvent(reply_of(data))
    raise DataError(f"the service sent an event {name!r}, which this version does not know.")


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(map(_plain, value))
    if isinstance(value, ConstraintEntry | LeaningEntry):
        stated = value.constraint
        own = {field.name: getattr(value, field.name) for field in fields(value) if field.name != "constraint"}
        return {"field": stated.field, "op": stated.op, "value": _plain(stated.value), **own}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _part(value: Any, kind: Any) -> Any:  # noqa: ANN401 - whatever a profile's field holds, read by its annotation
    """A field of a profile: a text, or entries of the kind that its annotation names."""
    if not isinstance(value, list):
        return value
    (entry, *_) = get_args(kind)
    return tuple(_entry(row, entry) if isinstance(row, dict) else row for row in value)


def _entry(row: Json, kind: Any) -> Any:  # noqa: ANN401 - see _part
    given = {field.name: _tupled(row[field.name]) for field in fields(kind) if field.name in row}
    if kind in (ConstraintEntry, LeaningEntry):
        given["constraint"] = Constraint(row["field"], row["op"], _tupled(row["value"]))
    return kind(**given)


def _tupled(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return tuple(value) if isinstance(value, list) else value


def _cards(data: Json) -> tuple[Recommendation, ...]:
    return tuple(
        Recommendation(
            ItemId(row["item_id"]),
            row["title"],
            _number(row["score"]),
            row["rank"],
            row["ranked_by"],
            row["explanation"],
            _evidence(row["evidence"]),
            row.get("voices", {}),
        )
        for row in data["recommendations"]
    )


def _evidence(rows: Sequence[Json]) -> tuple[Evidence, ...]:
    known = {field.name for field in fields(Evidence)}
    return tuple(Evidence(**{name: value for name, value in row.items() if name in known}) for row in rows)


def _trace(data: Json) -> Trace:
    return Trace(
        tuple(map(_stage, data["stages"])),
        data["prompt_hash"] or "",
        data["model"] or "",
        data["adapter"] or "",
        tuple(data["notes"]),
    )


def _stage(row: Json) -> StageTrace:
    return StageTrace(row["name"], row["seconds"], row["n_in"], row["n_out"], tuple(map(ItemId, row["order"])))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
