"""Whether experiments tell the truth: intervals on simulated users whose behaviour is known.

Run: `python -m benchmarks.loop_experiments [--n 1000] [--seed 0] [--json]`; about a minute on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from llmrec.experiments.comparing import users_needed
from llmrec.experiments.means import Mean
from llmrec.experiments.off_policy import Logged, doubly_robust, ips, snips
from llmrec.experiments.outcomes import ArmOutcomes

Interval = tuple[float, float]
_METRICS = ("click rate", "conversion")
_USERS = 1000  # of each arm where one looks once
_PLANNED = 2000
_PLACES = 10  # of one list
_CONVERSION = (0.05, 0.065)
_EAGERNESS = (2.0, 18.0), (2.0, 15.0)  # of the Beta distribution of users' click probabilities, by arm
_RETURNS = 40.0  # lists after the first, for each unit of click probability: who clicks more comes back more


@dataclass(frozen=True, slots=True)
class Row:
    """One number beside what it must reach.

    Attributes:
        what: In words.
        value: A share of the simulated experiments.
        low: The least it may be.
        high: The most it may be.
        n: How many were simulated.
    """

    what: str
    value: float
    low: float
    high: float
    n: int

    @property
    def is_met(self) -> bool:
        """Whether the value is in its range."""
        return self.low <= self.value <= self.high


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="experiments simulated for each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.process_time()
    found = rows(given.n, seed=given.seed)
    if given.json:
        print(json.dumps({"rows": [{**asdict(row), "is_met": row.is_met} for row in found]}, indent=1))
    else:
        for row in found:
            print(f"{row.what:86} {row.value:6.1%}  {row.low:.0%} to {row.high:.0%}  {'' if row.is_met else 'MISSED'}")
    print(f"{time.process_time() - started:.0f} CPU seconds", file=sys.stderr)


def rows(n: int, *, seed: int) -> Sequence[Row]:
    """All rows, each of `n` simulated experiments."""
    return [*_coverage(n, seed), *_peeking(n, seed), _power(n, seed), *_off_policy(n, seed)]


def _coverage(n: int, seed: int) -> Iterator[Row]:
    """Of A/B experiments in which the second arm is truly better, looked at once."""
    rng = np.random.default_rng([seed, 0])
    truths = {"click rate": _click_rate(1) - _click_rate(0), "conversion": _CONVERSION[1] - _CONVERSION[0]}
    held: dict[str, list[bool]] = {metric: [] for metric in _METRICS}
    for _ in range(n):
        first, second = (_arm(rng, arm, _USERS).metrics for arm in (0, 1))
        for metric in _METRICS:
            held[metric].append(_holds(second[metric].minus(first[metric]).fixed_interval(), truths[metric]))
    for metric in _METRICS:
        yield Row(
            f"95 % fixed interval of the difference in {metric} holds the truth", _share(held[metric]), 0.93, 0.97, n
        )


def _peeking(n: int, seed: int) -> Iterator[Row]:
    """Of A/A experiments that are looked at all the time and would be stopped at the first difference."""
    sources: dict[str, Callable[[np.random.Generator], Iterator[Mean]]] = {
        "conversion, a look every 20 of 4,000 users": _new_users,
        "click rate of 1,000 users who return, a look every 100 of 5,000 lists": _returning_users,
    }
    for number, (what, looks) in enumerate(sources.items()):
        rng = np.random.default_rng([seed, 1, number])
        found = [_false_alarms(looks(rng)) for _ in range(n)]
        yield Row(f"always-valid: false positives, {what}", _share([anytime for _, anytime in found]), 0.0, 0.05, n)
        yield Row(f"fixed, for contrast: false positives, {what}", _share([fixed for fixed, _ in found]), 0.0, 1.0, n)


def _false_alarms(looks: Iterator[Mean]) -> tuple[bool, bool]:
    """Whether any look at a difference that is 0 left out 0, by the fixed and by the always-valid interval."""
    fixed = anytime = False
    for difference in looks:
        # The fixed interval gets no smaller samples than the other is given.
        is_early = not _holds(difference.anytime_interval(planned_users=_PLANNED), 0.0)
        anytime |= is_early
        fixed |= difference.n_smaller >= 50 and not _holds(difference.fixed_interval(), 0.0)
    return fixed, anytime


def _new_users(rng: np.random.Generator) -> Iterator[Mean]:
    arms, converted = rng.integers(2, size=4000), (rng.random(4000) < _CONVERSION[0]).astype(np.float64)
    for n in range(20, 4001, 20):
        parts = [converted[:n][arms[:n] == arm] for arm in (0, 1)]
        first, second = (ArmOutcomes(np.ones(len(part)), part, part).metrics["conversion"] for part in parts)
        yield second.minus(first)


def _returning_users(rng: np.random.Generator) -> Iterator[Mean]:
    eagerness, arms = rng.beta(*_EAGERNESS[0], size=1000), rng.integers(2, size=1000)
    users = rng.integers(1000, size=5000)
    clicks = rng.binomial(_PLACES, eagerness[users])
    for n in range(100, 5001, 100):
        shown = _PLACES * np.bincount(users[:n], minlength=1000).astype(np.float64)
        clicked = np.bincount(users[:n], weights=clicks[:n], minlength=1000)
        first, second = (
            ArmOutcomes(shown[came], clicked[came], clicked[came]).metrics["click rate"]
            for came in ((arms == arm) & (shown > 0) for arm in (0, 1))
        )
        yield second.minus(first)


def _power(n: int, seed: int) -> Row:
    """Of A/B experiments, run for as many users as were foretold from a first thousand."""
    rng = np.random.default_rng([seed, 2])
    effect, seen = _CONVERSION[1] - _CONVERSION[0], []
    for _ in range(n):
        first, second = (_arm(rng, arm, 500).metrics["conversion"] for arm in (0, 1))
        wanted = users_needed(second.minus(first), effect, planned_users=_PLANNED)
        first, second = (_arm(rng, arm, (wanted or 0) // 2).metrics["conversion"] for arm in (0, 1))
        seen.append(not _holds(second.minus(first).anytime_interval(planned_users=_PLANNED), 0.0))
    # The spread is foretold from 1,000 users, so the power is about 80 %, not exactly.
    return Row(
        "always-valid: a true effect is seen at the number of users foretold for power 80 %", _share(seen), 0.75, 1.0, n
    )


def _off_policy(n: int, seed: int) -> Iterator[Row]:
    """Of a logged policy over five actions whose rewards differ between two kinds of users."""
    rng = np.random.default_rng([seed, 3])
    logged_as = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    target = np.array([[0.1, 0.1, 0.1, 0.1, 0.6], [0.05, 0.05, 0.1, 0.7, 0.1]])
    earns = np.array([[0.05, 0.1, 0.1, 0.15, 0.3], [0.1, 0.05, 0.2, 0.3, 0.1]])
    model = np.full((2, 5), 0.15)  # a model of rewards that knows their mean and nothing else
    truth = float((target * earns).sum(axis=1).mean())
    held: dict[str, list[bool]] = {"IPS": [], "SNIPS": [], "doubly robust": []}
    for _ in range(n):
        kinds, actions = rng.integers(2, size=3000), rng.choice(5, size=3000, p=logged_as)
        rewards = (rng.random(3000) < earns[kinds, actions]).astype(np.float64)
        log = Logged(rewards, logged_as[actions], target[kinds, actions])
        expected = (target * model).sum(axis=1)[kinds]
        estimates = {
            "IPS": ips(log),
            "SNIPS": snips(log),
            "doubly robust": doubly_robust(log, predicted=model[kinds, actions], predicted_by_target=expected),
        }
        for name, mean in estimates.items():
            held[name].append(_holds(mean.fixed_interval(), truth))
    for name, each in held.items():
        yield Row(f"{name}: 95 % interval holds the truth", _share(each), 0.93, 0.97, n)


def _arm(rng: np.random.Generator, arm: int, n_users: int) -> ArmOutcomes:
    eagerness = rng.beta(*_EAGERNESS[arm], size=n_users)
    shown = _PLACES * (1 + rng.poisson(_RETURNS * eagerness))
    clicked = rng.binomial(shown, eagerness).astype(np.float64)
    converted = (rng.random(n_users) < _CONVERSION[arm]).astype(np.float64)
    return ArmOutcomes(shown.astype(np.float64), clicked, converted)


def _click_rate(arm: int) -> float:
    """E[shown * p] / E[shown] with shown = places * (1 + Poisson(returns * p))."""
    a, b = _EAGERNESS[arm]
    mean = a / (a + b)
    square = mean * (a + 1) / (a + b + 1)
    return (mean + _RETURNS * square) / (1 + _RETURNS * mean)


def _holds(interval: Interval, truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def _share(flags: Sequence[bool]) -> float:
    return float(np.mean(flags))


if __name__ == "__main__":
    main()
