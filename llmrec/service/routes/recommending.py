"""Recommend, rank, explain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from llmrec.arguments import ItemReference
from llmrec.results import RankedItem, Recommendations, SimilarItem, UserRecommendations
from llmrec.service.answers import ExplainAnswer, ManyAnswer, RecommendAnswer, SimilarAnswer
from llmrec.service.house import Asking, House, InHouse
from llmrec.service.models import (
    Count,
    ExplainRequest,
    ItemRef,
    ManyRequest,
    Name,
    RankRequest,
    RecommendRequest,
)
from llmrec.service.people import Identity, Known
from llmrec.service.problems import RESPONSES, JsonAnswer
from llmrec.service.working import Done
from llmrec.types import Profile, Reply, UserId
from llmrec.wire import evidence_to_json, reply_to_json

router = APIRouter(prefix="/v1", responses=RESPONSES)


@router.post("/recommend", response_model=RecommendAnswer)
async def recommend(asked: RecommendRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """Items that suit best: for a sentence, a user, a few liked titles, or all of these."""

    def work() -> Recommendations:
        known = house.known(asking, asked.user_id)
        return house.serving(asking, asked.user_id, asked.context).recommend(
            asked.query,
            user_id=known.learned_as,
            history=[*known.history, *references(asked.history)],
            profile=house.profile(asked.profile, known),
            k=asked.k,
            where=asked.where,
            filter_viewed=asked.filter_viewed,
        )

    done = await house.answer(request, asking, work, deadline_s=asked.deadline_s)
    return _listed(done, house, asking.acts_for(asked.user_id))


@router.post("/recommend/many", response_model=ManyAnswer)
async def recommend_many(asked: ManyRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """Items for many users that the recommender was built with; retrieved in bulk, not explained."""
    asking.require_admin()

    done = await house.answer(request, asking, lambda: _many(asked, house, asking), deadline_s=asked.deadline_s)
    return JsonAnswer({"users": list(map(_user, done.value))})


@router.post("/rank", response_model=RecommendAnswer)
async def rank(asked: RankRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """The given items, all of them, best first."""

    def work() -> Recommendations:
        known = house.known(asking, asked.user_id)
        return house.serving(asking, asked.user_id, asked.context).rank(
            asked.query,
            references(asked.items),
            user_id=known.learned_as,
            history=[*known.history, *references(asked.history)],
        )

    done = await house.answer(request, asking, work, deadline_s=asked.deadline_s)
    return _listed(done, house, asking.acts_for(asked.user_id))


@router.post("/explain", response_model=ExplainAnswer)
async def explain(asked: ExplainRequest, request: Request, house: InHouse, asking: Asking) -> Response:
    """Why an item would suit, from facts that can be checked."""

    def work() -> dict[str, Any]:
        known = house.known(asking, asked.user_id)
        found = house.serving(asking, asked.user_id, asked.context).explain(
            asked.query,
            reference(asked.item),
            user_id=known.learned_as,
            history=[*known.history, *references(asked.history)],
        )
        return {
            "item_id": found.item_id,
            "title": house.recommender.catalogue[found.item_id].title,
            "text": found.text,
            "evidence": [evidence_to_json(piece) for piece in found.cites],
            "phrased_by": found.phrased_by,
        }

    return JsonAnswer((await house.answer(request, asking, work, deadline_s=asked.deadline_s)).value)


@router.get("/similar", response_model=SimilarAnswer)
def similar(item: Name, house: InHouse, asking: Asking, k: Count = 10) -> Response:
    """Items close to one in content, best first."""
    return JsonAnswer({"items": list(map(_ranked, house.recommender.similar(item, k)))})


def reference(item: ItemRef) -> ItemReference:
    """`item` as a recommender takes it."""
    return item if isinstance(item, str) else item.model_dump()


def references(items: Sequence[ItemRef]) -> list[ItemReference]:
    """`items` as a recommender takes them."""
    return list(map(reference, items))


def _many(asked: ManyRequest, house: House, asking: Identity) -> list[UserRecommendations]:
    """In bulk who is as the recommender learned them; who has done or said something since, by themselves."""
    known = {user_id: house.known(asking, user_id) for user_id in asked.user_ids}
    plain = [user_id for user_id, one in known.items() if one.is_as_learned]
    bulk = house.recommender.recommend_many(plain, k=asked.k, where=asked.where, filter_viewed=asked.filter_viewed)
    found = {one.user_id: one for one in bulk}
    return [found.get(UserId(user_id)) or _one(user_id, known[user_id], asked, house) for user_id in asked.user_ids]


def _one(user_id: str, known: Known, asked: ManyRequest, house: House) -> UserRecommendations:
    found = house.recommender.recommend(
        user_id=known.learned_as,
        history=known.history,
        profile=known.added_to(Profile()),
        k=asked.k,
        where=asked.where,
        filter_viewed=asked.filter_viewed,
    )
    items = tuple(RankedItem(item.item_id, item.title, item.score, item.rank) for item in found)
    return UserRecommendations(UserId(user_id), items, found[0].ranked_by if found else "retrieval")


def _user(one: UserRecommendations) -> dict[str, object]:
    return {
        "user_id": one.user_id,
        "items": list(map(_ranked, one.items)),
        "ranked_by": one.ranked_by,
        "degraded": one.degraded or None,
    }


def _listed(done: Done[Recommendations], house: House, user_id: UserId | None) -> Response:
    found = done.value
    house.metrics.worked(found.trace.stages, done.ticket)
    reply = Reply("", found.items, found.profile, found.trace)
    answer = reply_to_json(reply, house.recommender.catalogue)
    query_id = house.impressions.shown(user_id, reply)
    return JsonAnswer({**answer, "degraded": done.ticket.degraded or None, "query_id": query_id})


def _ranked(item: RankedItem | SimilarItem) -> dict[str, object]:
    return {"item_id": item.item_id, "title": item.title, "score": item.score, "rank": item.rank}
