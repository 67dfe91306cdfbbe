"""Impressions and feedback in a few letters."""

from llmrec.types import Feedback, Impression, ItemId, Signal, UserId


def impression(
    user: str,
    item: str,
    arm: str,
    *,
    at: float = 0.0,
    query: str = "q",
    position: int = 1,
    propensity: float = 1.0,
    stage: str = "fused",
) -> Impression:
    return Impression(
        impression_id=f"{user}-{query}-{item}-{at}",
        user_id=UserId(user),
        query_id=query,
        item_id=ItemId(item),
        position=position,
        propensity=propensity,
        stage=stage,
        arm=arm,
        prompt_hash="",
        adapter="",
        at=at,
    )


def feedback(user: str, item: str, signal: Signal, *, at: float = 1.0) -> Feedback:
    return Feedback(UserId(user), ItemId(item), signal, at)
