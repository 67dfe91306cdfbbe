"""What an experiment has shown so far, as values and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmrec.experiments.comparing import Comparison, compared, days_left, uneven_split
from llmrec.experiments.definition import Experiment
from llmrec.experiments.interleaving import Preference, preference
from llmrec.experiments.outcomes import Outcomes, outcomes_of
from llmrec.types import Feedback, Impression

PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class Wait:
    """How long until an effect is seen: users of both arms together, and days at the rate so far."""

    arm: str
    metric: str
    users: int
    days: float


@dataclass(frozen=True, slots=True)
class Status:
    """An experiment and what came of it.

    Attributes:
        n_users: By arm; of an interleaved one, by no arm.
        rows: Every metric of every arm; of an interleaved experiment the preference for the second arm.
        warnings: Sentences about what makes the numbers doubtful.
        waits: Where an effect was named and is not seen yet.
        n_lists: Of an interleaved experiment, and how many of them somebody clicked more of one arm in.
    """

    experiment: Experiment
    n_users: Mapping[str, int]
    rows: tuple[Comparison, ...]
    warnings: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    n_lists: tuple[int, int] | None = None

    def to_json(self) -> Mapping[str, object]:
        """All of it."""
        return {
            "experiment": self.experiment.model_dump(mode="json"),
            "users": dict(self.n_users),
            "rows": [_row(row) for row in self.rows],
            "warnings": list(self.warnings),
            "waits": [{"arm": w.arm, "metric": w.metric, "users": w.users, "days": w.days} for w in self.waits],
            **({"lists": self.n_lists[0], "lists_won": self.n_lists[1]} if self.n_lists else {}),
        }


def sentences(status: Status) -> tuple[str, ...]:
    """What came of it in words: who took part, what is doubtful, and every difference to the first arm."""
    users = ", ".join(f"{arm} {n}" for arm, n in status.n_users.items())
    shown = f"{status.n_lists[0]} lists, {status.n_lists[1]} won." if status.n_lists else f"Users: {users}."
    return (shown, *status.warnings, *(_told(row) for row in status.rows if row.difference is not None))


def _told(row: Comparison) -> str:
    assert row.difference is not None, "the first arm has nothing it differs from"
    low, high = row.anytime
    between = "too few users" if math.isinf(low) else f"95 % interval at any time {low:+.4f} to {high:+.4f}"
    verdict = "no difference shown" if row.verdict == "not shown" else row.verdict
    return f"{row.metric.capitalize()} of {row.arm}: {verdict} ({row.difference.value:+.4f}, {between})."


def status_of(
    experiment: Experiment,
    impressions: Sequence[Impression],
    feedback: Sequence[Feedback],
    *,
    effect: float | None,
    now: float,
) -> Status:
    """What `impressions` and `feedback` say of `experiment`.

    Args:
        experiment: Its definition.
        impressions: Of everybody; those of other experiments are passed over.
        feedback: Of everybody.
        effect: A difference that one wants to see; None for none.
        now: Seconds since 1970, for how long it takes.
    """
    if experiment.design == "interleave":
        first, second = experiment.arm_names
        return _interleaved(
            experiment,
            preference(experiment.name, (first, second), impressions, feedback, clicks=experiment.signals.clicks),
        )
    outcomes = outcomes_of(experiment.name, experiment.arm_names, impressions, feedback, signals=experiment.signals)
    rows = compared(outcomes, planned_users=experiment.planned_users, effect=effect)
    n_users = {arm: found.n_users for arm, found in outcomes.arms.items()}
    waits = [
        Wait(row.arm, row.metric, row.users_needed, days_left(outcomes, row.users_needed, now=now))
        for row in rows
        if row.users_needed is not None and row.verdict == "not shown"
    ]
    return Status(experiment, n_users, rows, _warnings(experiment, outcomes, n_users), tuple(waits))


def _interleaved(experiment: Experiment, found: Preference) -> Status:
    mean = found.mean
    row = Comparison(
        experiment.arm_names[1],
        PREFERENCE,
        mean,
        mean,  # a preference is a difference already: 0 is none
        mean.fixed_interval(),
        mean.anytime_interval(planned_users=experiment.planned_users),
    )
    return Status(experiment, {}, (row,), n_lists=(found.n_lists, found.n_won))


def _warnings(experiment: Experiment, outcomes: Outcomes, n_users: Mapping[str, int]) -> tuple[str, ...]:
    told = []
    p = uneven_split(n_users, experiment.shares)
    if p is not None:
        told.append(
            f"The arms have {', '.join(map(str, n_users.values()))} users, which chance gives once in {1 / p:,.0f}: "
            "users of an arm went missing, and no number below can be trusted."
        )
    if outcomes.n_mixed:
        told.append(f"{outcomes.n_mixed} users were shown more than one arm and are left out.")
    return tuple(told)


def _row(row: Comparison) -> Mapping[str, object]:
    return {
        "arm": row.arm,
        "metric": row.metric,
        "users": row.mean.n_users,
        "value": row.mean.value,
        "difference": None if row.difference is None else row.difference.value,
        "fixed95": row.fixed,
        "anytime95": row.anytime,
        "verdict": row.verdict if row.difference is not None else None,
        "users_needed": row.users_needed,
    }
