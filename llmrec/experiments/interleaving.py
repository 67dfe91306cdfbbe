"""Two rankings in one list, taking turns like team captains, and which of them the clicks prefer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmrec.experiments.means import Mean, mean_of
from llmrec.experiments.outcomes import answered, impressions_of, tag_of
from llmrec.types import Feedback, Impression, ItemId, UserId


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A list made of two rankings; `teams` says for each place whether ranking 0 or 1 put it there."""

    item_ids: tuple[ItemId, ...]
    teams: tuple[int, ...]


def team_draft(rankings: Sequence[Sequence[ItemId]], k: int, *, rng: np.random.Generator) -> Interleaved:
    """At most `k` items of two `rankings`: in each round a coin says which picks first its best item not yet taken.

    Source: Radlinski, Kurup & Joachims 2008 (team-draft interleaving).
    """
    found: dict[ItemId, int] = {}
    while len(found) < k:
        before = len(found)
        for team in rng.permutation(2).tolist():
            pick = next((item_id for item_id in rankings[team] if item_id not in found), None)
            if pick is not None and len(found) < k:
                found[pick] = team
        if len(found) == before:
            break
    return Interleaved(tuple(found), tuple(found.values()))


@dataclass(frozen=True, slots=True)
class Preference:
    """What clicks on interleaved lists say.

    Attributes:
        mean: How much users prefer the second arm, in [-1, 1]; 0 for no preference, 1 when it wins every list that
            anyone wins. A list is won by whoever has more clicks. A user's won lists are averaged, then users.
        n_lists: Lists shown.
        n_won: Lists with a winner; the others say nothing.
    """

    mean: Mean
    n_lists: int
    n_won: int


def preference(
    name: str,
    arms: tuple[str, str],
    impressions: Iterable[Impression],
    feedback: Iterable[Feedback],
    *,
    clicks: frozenset[str],
) -> Preference:
    """Which of two `arms` of the interleaved experiment `name` users prefer; places name the arm that put them there.

    Source: Radlinski et al. 2008 (credit); Chapelle, Joachims, Radlinski & Yue 2012 (preference, by user).
    """
    rows = impressions_of(name, arms, impressions)
    clicked = answered(rows, feedback, clicks)
    credits: dict[tuple[UserId, str], int] = {}
    for row in rows:
        sign = 1 if row.arm == tag_of(name, arms[1]) else -1
        won = sign if row.impression_id in clicked else 0
        credits[row.user_id, row.query_id] = credits.get((row.user_id, row.query_id), 0) + won
    by_user: dict[UserId, list[int]] = {}
    for (user_id, _), credit in credits.items():
        if credit:
            by_user.setdefault(user_id, []).append(1 if credit > 0 else -1)
    means = np.array([np.mean(wins) for wins in by_user.values()], dtype=np.float64)
    return Preference(mean_of(means), len(credits), sum(map(len, by_user.values())))
