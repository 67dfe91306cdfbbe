"""What users do and say, and their right to see it and have it deleted; and the items they can name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import JsonValue

from llmrec.errors import ConfigError
from llmrec.service.answers import DeletedAnswer, ItemsAnswer, LearningAnswer, RecordedAnswer
from llmrec.service.house import Asking, House, InHouse
from llmrec.service.models import FeedbackRequest, InteractionsRequest, LearningRequest, RatedItem
from llmrec.service.people import Identity
from llmrec.service.problems import RESPONSES, JsonAnswer, to_json
from llmrec.service.routes.recommending import reference
from llmrec.types import Feedback, Interaction, Item, UserId

router = APIRouter(prefix="/v1", responses=RESPONSES)
_LINES: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JSON object a line.", "content": {"application/x-ndjson": {"schema": {}}}}
}
_LEARNED = "The recommender was built from {n} rows of this user; they are used no more. Build it anew without them."
_TRAINED = "The adapter {adapter} was trained on data that may hold them: train it anew too."
_BACKUPS = "Backups made before now still hold what was deleted."


@router.post("/feedback", status_code=201, response_model=RecordedAnswer)
def feedback(asked: FeedbackRequest, house: InHouse, asking: Asking) -> Response:
    """Keep what a user thinks of an item; it is on the disk when this answers."""
    user_id = _somebody(asking, asked.user_id)
    if (asked.signal == "text") != bool(asked.text):
        raise ConfigError("text: a text goes with the signal 'text', and only with it.")
    item_id = house.recommender.item_id(reference(asked.item))
    house.people.record_feedback(
        Feedback(user_id, item_id, asked.signal, time.time(), asked.text, asked.query_id, asked.event_id)
    )
    return JsonAnswer({"recorded": 1}, 201)


@router.post("/interactions", status_code=201, response_model=RecordedAnswer)
def interactions(asked: InteractionsRequest, house: InHouse, asking: Asking) -> Response:
    """Keep what a user did; it counts from the next request on."""
    user_id = _somebody(asking, asked.user_id)
    rows = [
        Interaction(
            user_id,
            house.recommender.item_id(reference(row.item)),
            row.item.rating if isinstance(row.item, RatedItem) else 1.0,
            row.at,
        )
        for row in asked.interactions
    ]
    house.people.record_interactions(rows, event_ids=[row.event_id for row in asked.interactions])
    return JsonAnswer({"recorded": len(rows)}, 201)


@router.get("/items", response_model=ItemsAnswer)
def items(
    house: InHouse,
    asking: Asking,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """The catalogue in its order, a page at a time."""
    catalogue = house.recommender.catalogue
    ids = catalogue.ids[offset : offset + limit]
    following = offset + limit if offset + limit < len(catalogue) else None
    rows = [_item_to_json(catalogue[item_id]) for item_id in ids]
    return JsonAnswer({"items": rows, "total": len(catalogue), "next_offset": following})


@router.get("/users/{user_id:path}/export", responses=_LINES, response_model=None)
def export(user_id: str, house: InHouse, asking: Asking) -> Response:
    """All that is kept of a user, one JSON object a line; empty when there is nothing."""
    acting = _somebody(asking, user_id)
    house.impressions.settle()
    lines = "".join(f"{to_json(row)}\n" for row in house.people.export(acting))
    return Response(lines, media_type="application/x-ndjson")


@router.put("/users/{user_id:path}/learning", response_model=LearningAnswer)
def learning(user_id: str, asked: LearningRequest, house: InHouse, asking: Asking) -> Response:
    """Log no more of what a user is shown, and learn from nothing of theirs; or do so again."""
    house.people.allow_learning(_somebody(asking, user_id), allowed=asked.allowed)
    return JsonAnswer({"allowed": asked.allowed})


@router.delete("/users/{user_id:path}", response_model=DeletedAnswer)
def delete(user_id: str, house: InHouse, asking: Asking) -> Response:
    """Remove what was stored of a user, and use what was learned from them no more."""
    acting = _somebody(asking, user_id)
    house.impressions.settle()
    counts = house.people.delete(acting)
    return JsonAnswer({**counts, "note": _note(house, n_learned=counts["learned"])})


def _note(house: House, *, n_learned: int) -> str:
    if not n_learned:
        return _BACKUPS
    adapter = Path(house.recommender.settings.language_model.adapter).name
    trained = [_TRAINED.format(adapter=adapter)] if adapter else []
    return " ".join([_LEARNED.format(n=n_learned), *trained, _BACKUPS])


def _somebody(asking: Identity, user_id: str | None) -> UserId:
    acting = asking.acts_for(user_id)
    if not acting:
        raise ConfigError("user_id is missing; this is about one user.")
    return acting


def _item_to_json(item: Item) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in item.facts.items()
    }
    return {
        "item_id": item.id,
        "title": item.title,
        "facts": facts,
        "description": item.description,
        "url": item.url,
        "available": item.available,
    }
