"""What users of an experiment were shown and did: rows of impressions and feedback, joined and summed by user."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmrec.experiments.means import Mean, PerUser, mean_of, ratio_of
from llmrec.types import Feedback, Impression, ItemId, UserId


@dataclass(frozen=True, slots=True)
class Signals:
    """Which signals of feedback count.

    Attributes:
        clicks: As a click on the place where the item was shown last before.
        conversions: As what the owner hopes for.
    """

    clicks: frozenset[str]
    conversions: frozenset[str]


@dataclass(frozen=True)
class ArmOutcomes:
    """What the users of one arm were shown and did, in the order in which they came.

    Attributes:
        shown: float64 [n_users], places shown to each.
        clicked: float64 [n_users], how many of them each clicked.
        converted: float64 [n_users], 1 for who did at least once what the owner hopes for, after it was shown.
    """

    shown: PerUser
    clicked: PerUser
    converted: PerUser

    @property
    def n_users(self) -> int:
        """Users who were shown anything."""
        return len(self.shown)

    @property
    def metrics(self) -> Mapping[str, Mean]:
        """`click rate`: clicks over places shown. `conversion`: the share of users who converted."""
        return {"click rate": ratio_of(self.clicked, self.shown), "conversion": mean_of(self.converted)}


@dataclass(frozen=True)
class Outcomes:
    """What came of an experiment so far.

    Attributes:
        arms: By the arm's name.
        n_mixed: Users who were shown more than one arm; they are left out.
        since: When the first place was shown, seconds since 1970; nan where nothing was.
    """

    arms: Mapping[str, ArmOutcomes]
    n_mixed: int
    since: float

    @property
    def n_users(self) -> int:
        """Users of all arms who were shown anything, without the mixed."""
        return sum(arm.n_users for arm in self.arms.values())


def impressions_of(name: str, arms: Collection[str], impressions: Iterable[Impression]) -> list[Impression]:
    """Those that experiment `name` showed in one of `arms`, oldest first."""
    tags = {tag_of(name, arm) for arm in arms}
    return sorted((row for row in impressions if row.arm in tags), key=lambda row: row.at)


def tag_of(name: str, arm: str) -> str:
    """How an impression names its experiment and arm."""
    return f"{name}/{arm}"


def answered(impressions: Sequence[Impression], feedback: Iterable[Feedback], signals: Collection[str]) -> set[str]:
    """Ids of the `impressions`, oldest first, that feedback with one of `signals` answers.

    Feedback answers the latest impression of its item to its user at or before it, of the answer it names where it
    names one; what was never shown, or said before it was, answers nothing. An impression is answered once, however
    often it is clicked.
    """
    shown: dict[tuple[UserId, ItemId], list[Impression]] = {}
    for row in impressions:
        shown.setdefault((row.user_id, row.item_id), []).append(row)
    found = set()
    for said in feedback:
        rows = shown.get((said.user_id, said.item_id), []) if said.signal in signals else []
        rows = [row for row in rows if said.query_id in ("", row.query_id)]
        number = bisect_right(rows, said.at, key=lambda row: row.at)
        if number:
            found.add(rows[number - 1].impression_id)
    return found


def outcomes_of(
    name: str,
    arms: Collection[str],
    impressions: Iterable[Impression],
    feedback: Sequence[Feedback],
    *,
    signals: Signals,
) -> Outcomes:
    """What the users of experiment `name` did with what its `arms` showed them."""
    rows = impressions_of(name, arms, impressions)
    seen_in: dict[UserId, set[str]] = {}
    for row in rows:
        seen_in.setdefault(row.user_id, set()).add(row.arm)
    clicked, converted = (answered(rows, feedback, wanted) for wanted in (signals.clicks, signals.conversions))
    shown_to = Counter(row.user_id for row in rows)
    clicked_by = Counter(row.user_id for row in rows if row.impression_id in clicked)
    converted_by = {row.user_id for row in rows if row.impression_id in converted}
    found = {}
    for arm in arms:
        users = [user for user, tags in seen_in.items() if tags == {tag_of(name, arm)}]
        found[arm] = ArmOutcomes(
            shown=np.array([shown_to[user] for user in users], dtype=np.float64),
            clicked=np.array([clicked_by[user] for user in users], dtype=np.float64),
            converted=np.array([user in converted_by for user in users], dtype=np.float64),
        )
    n_mixed = sum(len(tags) > 1 for tags in seen_in.values())
    return Outcomes(found, n_mixed, rows[0].at if rows else float("nan"))
