"""Who asks, for whom, and what is known of them beyond what the recommender was built from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from llmrec.arguments import ItemReference
from llmrec.errors import UnknownUserError
from llmrec.feedback import SQLFeedbackStore
from llmrec.recommender import Recommender
from llmrec.service.keys import Scope
from llmrec.service.problems import ForbiddenError
from llmrec.types import Feedback, Interaction, ItemEntry, ItemId, Profile, Signal, UserId


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks.

    Attributes:
        caller: Whose requests are counted together: a key's id, or an address.
        user_id: Whom a key of scope `user` acts for; None where any user may be named.
    """

    caller: str
    scope: Scope
    user_id: UserId | None = None

    def acts_for(self, user_id: str | None) -> UserId | None:
        """The user a request is about, None for nobody in particular. Raises ForbiddenError."""
        if self.scope == "admin":
            return UserId(user_id) if user_id is not None else None
        if user_id is not None and user_id != self.user_id:
            raise ForbiddenError("this key acts for another user.", hint="Leave user_id out, or use that user's key.")
        return self.user_id

    def require_admin(self) -> None:
        """Raise ForbiddenError for any but an admin's key."""
        if self.scope != "admin":
            raise ForbiddenError("this needs a key of scope admin.")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one user.

    Attributes:
        learned_as: The id under which the recommender has their history, or None.
        since: What they did since it was built, oldest first.
        feedback: What they said, oldest first.
    """

    learned_as: UserId | None = None
    since: tuple[Interaction, ...] = ()
    feedback: tuple[Feedback, ...] = ()

    @property
    def is_anybody(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.learned_as or self.since or self.feedback)

    @property
    def is_as_learned(self) -> bool:
        """Whether there is nothing beyond what the recommender learned."""
        return self.learned_as is not None and not self.since and not self.feedback

    @property
    def history(self) -> tuple[ItemReference, ...]:
        """What they did since, as a recommender takes it."""
        return tuple({"item_id": row.item_id, "rating": row.value} for row in self.since)

    def added_to(self, profile: Profile) -> Profile:
        """`profile` with what they said of items that it does not hold; the last word on an item counts.

        What was bought is liked until they say otherwise; a click is too little, and a text is nothing to count.
        """
        lists: Mapping[Signal, str] = {"like": "liked", "purchase": "liked", "dislike": "disliked", "seen": "seen"}
        held = {e.item_id for e in (*profile.liked, *profile.disliked, *profile.seen)}
        latest: Mapping[ItemId, Signal] = {r.item_id: r.signal for r in self.feedback if r.signal in lists}
        for signal, name in lists.items():
            new = tuple(ItemEntry(i, 0) for i, said in latest.items() if said == signal and i not in held)
            profile = replace(profile, **{name: getattr(profile, name) + new})
        return profile


class People:
    """All that is kept of users: what the recommender learned, what came since, what they said."""

    def __init__(self, recommender: Recommender, store: SQLFeedbackStore) -> None:
        """Read and write these."""
        self._recommender = recommender
        self._learned = frozenset(recommender.user_ids)
        self._store = store

    def known(self, user_id: UserId | None, *, must_exist: bool) -> Known:
        """What is known of `user_id`. Raises UnknownUserError when it is nothing, and `must_exist`; FeedbackError."""
        if user_id is None:
            return Known()
        catalogue = self._recommender.catalogue
        rows = self._store.about(user_id)
        is_learned = user_id in self._learned and not rows.is_forgotten
        # What `llmrec update` has taken in since is in the store still, and shall not count twice.
        learned = set(map(_moment, self._recommender.history(user_id).interactions)) if is_learned else set()
        known = Known(
            learned_as=user_id if is_learned else None,
            since=tuple(row for row in rows.interactions if row.item_id in catalogue and _moment(row) not in learned),
            feedback=tuple(row for row in rows.feedback if row.item_id in catalogue),
        )
        if must_exist and not known.is_anybody:
            raise UnknownUserError(
                f"nothing is known of a user {user_id[:80]!r}.",
                hint="Leave user_id out for somebody new, or send their interactions first.",
            )
        return known

    def record_feedback(self, feedback: Feedback) -> None:
        """Keep what they said. Raises FeedbackError."""
        self._store.record(feedback)

    def record_interactions(self, rows: Sequence[Interaction], *, event_ids: Sequence[str] = ()) -> None:
        """Keep what they did, each under its id where it has one; without a time it is now. Raises FeedbackError."""
        self._store.record_interactions(rows, event_ids=event_ids)

    def allow_learning(self, user_id: UserId, *, allowed: bool) -> None:
        """Log what they are shown and learn from what they do, or no more of it. Raises FeedbackError."""
        if allowed:
            self._store.opt_in(user_id)
        else:
            self._store.opt_out(user_id)

    def export(self, user_id: UserId) -> Sequence[Mapping[str, object]]:
        """Every row that is kept of a user, oldest first within its kind. Raises FeedbackError."""
        learned = [{"kind": "learned", **asdict(row)} for row in self._learned_of(user_id)]
        return [*learned, *map(json.loads, self._store.export(user_id).splitlines())]

    def delete(self, user_id: UserId) -> Mapping[str, int]:
        """Remove what was stored, and use what was learned no more; how many rows of each. Raises FeedbackError."""
        return {**asdict(self._store.erase(user_id)), "learned": len(self._learned_of(user_id))}

    def _learned_of(self, user_id: UserId) -> Sequence[Interaction]:
        return self._recommender.history(user_id).interactions if user_id in self._learned else ()


def _moment(row: Interaction) -> tuple[ItemId, float | None]:
    """What tells an interaction of a user from any other; a table may keep milliseconds only."""
    return row.item_id, None if row.at is None else round(row.at, 3)
