"""What became of each answer: which of its items a user reacted to, and what that says about the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmrec.types import Feedback, Impression, ItemId, Signal, UserId

POSITIVE: frozenset[Signal] = frozenset({"like", "purchase", "click"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and what came of it.

    Attributes:
        item_ids: What was shown, first place first.
        at: Seconds since 1970 (UTC).
        said: What the user said of each item they reacted to, in order.
    """

    user_id: UserId
    query_id: str
    item_ids: tuple[ItemId, ...]
    at: float
    said: Mapping[ItemId, tuple[Signal, ...]]

    @property
    def judgements(self) -> Mapping[ItemId, bool]:
        """The items that were liked, bought or clicked and not disliked later, and those that were disliked."""
        opinions = {
            item_id: [s for s in said if s in POSITIVE or s == "dislike"] for item_id, said in self.said.items()
        }
        return {item_id: found[-1] in POSITIVE for item_id, found in opinions.items() if found}

    @property
    def preferences(self) -> Sequence[tuple[ItemId, ItemId]]:
        """Pairs (better, worse): what was wanted, before what was disliked and what was passed over to get to it.

        An item further down tells nothing: the user may never have looked at it. Source: Joachims, "Optimizing Search
        Engines using Clickthrough Data", KDD 2002.
        """
        judged = self.judgements
        pairs = []
        for place, better in enumerate(self.item_ids):
            if not judged.get(better, False):
                continue
            passed_over = [item_id for item_id in self.item_ids[:place] if item_id not in self.said]
            disliked = [item_id for item_id in self.item_ids if judged.get(item_id) is False]
            pairs += [(better, worse) for worse in (*passed_over, *disliked)]
        return pairs


def answers(impressions: Iterable[Impression], reactions: Iterable[Feedback]) -> Iterator[Answer]:
    """The answers somebody with a name reacted to, in order.

    A reaction belongs to the answer that it names, else to the latest one before it that showed the item to the user.
    """
    shown: dict[tuple[UserId, str], list[Impression]] = {}
    places: dict[tuple[UserId, ItemId], list[Impression]] = {}
    for row in impressions:
        if row.user_id:
            shown.setdefault((row.user_id, row.query_id), []).append(row)
            places.setdefault((row.user_id, row.item_id), []).append(row)
    said: dict[tuple[UserId, str], dict[ItemId, tuple[Signal, ...]]] = {}
    for reaction in reactions:
        met = _answered(reaction, places.get((reaction.user_id, reaction.item_id), ()))
        if met is not None:
            of_answer = said.setdefault((met.user_id, met.query_id), {})
            of_answer[met.item_id] = (*of_answer.get(met.item_id, ()), reaction.signal)
    for (user_id, query_id), rows in shown.items():
        if (user_id, query_id) in said:
            rows.sort(key=lambda row: row.position)
            item_ids = tuple(row.item_id for row in rows)
            yield Answer(user_id, query_id, item_ids, rows[0].at, said[user_id, query_id])


def _answered(reaction: Feedback, places: Sequence[Impression]) -> Impression | None:
    if reaction.query_id:
        return next((row for row in places if row.query_id == reaction.query_id), None)
    return max((row for row in places if row.at <= reaction.at), key=lambda row: row.at, default=None)
