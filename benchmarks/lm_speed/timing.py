"""Seconds by system and user, taken in turns, so that a machine that slows down slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.lm_speed.systems import System
from benchmarks.lm_speed.users import Case


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        n_repeats: Rounds; each has its own users.
        n_users: Users of all rounds together.
        n_dear: Users of all rounds together for systems that are dear.
        n_more: Further users for quality alone, untimed, by systems that are asked for them.
    """

    n_repeats: int = 5
    n_users: int = 40
    n_dear: int = 5
    n_more: int = 60

    def rounds(self) -> list[range]:
        """Places of each round's users; as many in each, or one fewer."""
        ends = [self.n_users * number // self.n_repeats for number in range(self.n_repeats + 1)]
        return [range(start, stop) for start, stop in pairwise(ends)]

    def dear_places(self) -> frozenset[int]:
        """Whom the dear systems rank for: the first of each round."""
        rounds = self.rounds()
        by_turn = [one[turn] for turn in range(self.n_users) for one in rounds if turn < len(one)]
        return frozenset(by_turn[: self.n_dear])


@dataclass
class Measured:
    """What one system did.

    Attributes:
        seconds: By round, by place of the user.
        scores: By place of the user, in the order of the candidates.
    """

    seconds: list[dict[int, float]] = field(default_factory=list)
    scores: dict[int, Sequence[float]] = field(default_factory=dict)

    @property
    def by_user(self) -> Mapping[int, float]:
        """Seconds by place of the user."""
        return {place: seconds for one in self.seconds for place, seconds in one.items()}

    @property
    def users_per_s(self) -> NDArray[np.float64]:
        """Of each round in which it ranked for anybody."""
        return np.array([len(one) / sum(one.values()) for one in self.seconds if one])


def measured(
    systems: Sequence[System], cases: Sequence[Case], plan: Plan, *, tell: Callable[[str], None]
) -> dict[str, Measured]:
    """Each system on the same users. Within a round they take turns user by user, beginning with another each time.

    Before the first round each ranks once for the last of `cases`, who is in no round.
    """
    found = {system.name: Measured() for system in systems}
    for system in systems:
        began = time.perf_counter()
        system.score(cases[-1])
        tell(f"warm: {system.name}, {time.perf_counter() - began:.2f} s")
    dear = plan.dear_places()
    for number, places in enumerate(plan.rounds(), start=1):
        for one in found.values():
            one.seconds.append({})
        for place in places:
            turn = place % len(systems)
            for system in (*systems[turn:], *systems[:turn]):
                if not system.is_dear or place in dear:
                    _time(system, cases[place], place, found[system.name])
        tell(f"round {number} of {plan.n_repeats}: {len(places)} users")
    return found


def score_more(systems: Sequence[System], cases: Sequence[Case], plan: Plan, found: Mapping[str, Measured]) -> None:
    """Scores for the users after those of the rounds, as many as the plan says and there are."""
    for place in range(plan.n_users, min(plan.n_users + plan.n_more, len(cases) - 1)):
        for system in systems:
            found[system.name].scores[place] = system.score(cases[place])


def _time(system: System, case: Case, place: int, found: Measured) -> None:
    began = time.perf_counter()
    scores = system.score(case)
    found.seconds[-1][place] = time.perf_counter() - began
    found.scores[place] = scores
