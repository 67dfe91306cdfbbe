"""Recommendations for many known users: histories are scored together, each user is ranked by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llmrec.assistant import Assistant
from llmrec.data.interactions import Interactions
from llmrec.errors import UnknownUserError
from llmrec.index import Fitted
from llmrec.results import RankedItem, UserRecommendations
from llmrec.types import ItemId, Query, UserId

# Enough for products of matrices to pay, and few enough for tables [users, items] of large catalogues.
_USERS_AT_ONCE = 64


def require_known(user_ids: Sequence[str], interactions: Interactions) -> tuple[UserId, ...]:
    """`user_ids` as ids. Raises UnknownUserError when there are no interactions of some; names the first few."""
    wanted = tuple(UserId(str(user_id)) for user_id in user_ids)
    known = set(interactions.user_ids)
    unknown = [user_id for user_id in wanted if user_id not in known]
    if unknown:
        named = ", ".join(map(repr, unknown[:3])) + (", …" if len(unknown) > 3 else "")
        raise UnknownUserError(f"no interactions of {len(unknown)} of {len(wanted)} users: {named}.")
    return wanted


def ranked_users(
    assistant: Assistant, fitted: Fitted, user_ids: Sequence[UserId], asked: Query, *, k: int
) -> Iterator[UserRecommendations]:
    """The `k` items for each of `user_ids`, in their order, each user ranked when taken.

    Args:
        assistant: Retrieves and ranks.
        fitted: Has interactions of every user.
        user_ids: Who gets recommendations.
        asked: What is asked for each of them; the history is the user's own.
        k: How many.
    """
    for start in range(0, len(user_ids), _USERS_AT_ONCE):
        users = user_ids[start : start + _USERS_AT_ONCE]
        queries = [replace(asked, history=fitted.interactions.history(user_id)) for user_id in users]
        for user_id, ranking in zip(users, assistant.rankings(queries, k=k), strict=True):
            items = _items(fitted, ranking.item_ids, ranking.scores)
            yield UserRecommendations(user_id, items, ranking.ranked_by, ranking.report.degraded)


def _items(fitted: Fitted, item_ids: Sequence[ItemId], scores: Sequence[float]) -> tuple[RankedItem, ...]:
    rows = enumerate(zip(item_ids, scores, strict=True), start=1)
    return tuple(RankedItem(item_id, fitted.catalogue[item_id].title, score, rank) for rank, (item_id, score) in rows)
