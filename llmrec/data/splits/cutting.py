"""The protocols: who is tested on what, what may be learned from before, and what is known when predicting.

Users with fewer than three interactions are learned from and not tested, except under `temporal`, which tests everyone
who did something before and after the cut. Whatever draws by chance takes its own stream of the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.data.splits.core import without_repeats
from llmrec.data.splits.values import Answers, Part, Protocol, Split, Task, Ties
from llmrec.errors import ConfigError, DataError
from llmrec.types import ItemMask

N_FOLDS = 10
MIN_TESTED = 3  # One to test on, one to validate on, one to know the user by.
CUTS = (0.8, 0.9)  # Shares of all interactions before which validation and test begin under `temporal`.
_TIES, _HELD, _FOLDS = range(3)
_Rows = NDArray[np.int64]


def split(
    interactions: Interactions,
    *,
    protocol: Protocol,
    ties: Ties = "file",
    seed: int = 0,
    has_time: bool = True,
    n_folds: int = N_FOLDS,
) -> Split:
    """Cut `interactions` into what is learned from, what is known when predicting, and what is asked for.

    `leave-last-out`: each user's last interaction is the test, the one before it the validation.
    `random-one-out`: the same with two interactions drawn by chance.
    `temporal`: everything after the 90 % quantile of time is the test, from 80 % to 90 % the validation; users have as
    many answers as they did things then.
    `cold-items`: `n_folds` tasks, each with another part of the items stripped of every interaction, in what is learned
    from as in what is known; tested are the users whose last item is among them, so that every user is tested once,
    with whatever history is left. For the validation, it is the item before, and all last interactions are left out.
    `user-fold`: `n_folds` tasks, each learning from the other users and asking for its own users' last item.

    Where the data has no time, `cold-items` and `user-fold` draw the last item and the one before it by chance.

    Args:
        interactions: Of which every pair of user and item stands once; see `without_repeats`.
        protocol: See above.
        ties: How interactions of one user at one moment are ordered; those without clock times keep their order.
        seed: Of everything drawn by chance.
        has_time: Whether the rows of one user stand in order of time, with or without clock times.
        n_folds: Number of parts under `cold-items` and `user-fold`; parts in which nobody is tested give no task.

    Raises:
        DataError: The data has no time for this protocol, repeats a pair, or has nobody to test.
        ConfigError: `seed` or `n_folds` is out of range.
    """
    _refuse(interactions, protocol, has_time=has_time)
    if seed < 0 or n_folds < 2:
        raise ConfigError(f"seed is {seed} and n_folds {n_folds}; they must be at least 0 and 2.")
    ordered = _with_ties_shuffled(interactions, seed) if ties == "random" else interactions
    by_chance = protocol == "random-one-out" or not has_time
    cutter = _Cutter(ordered, seed, n_folds, _held_out(ordered, seed, by_chance=by_chance))
    validation, test = cutter.tasks(protocol, "validation"), cutter.tasks(protocol, "test")
    if not validation or not test:
        raise DataError(
            f"{protocol} finds nobody to test among {len(interactions.user_ids)} users.",
            hint=f"Most protocols need users with {MIN_TESTED} interactions, temporal such as come back after its cut.",
        )
    return Split(protocol, ties, seed, ordered, validation, test, has_time)


def _refuse(interactions: Interactions, protocol: Protocol, *, has_time: bool) -> None:
    if protocol in {"leave-last-out", "temporal"} and not has_time:
        raise DataError(f"{protocol} needs the order in time, which this data does not have; use random-one-out.")
    if protocol == "temporal" and np.isnan(interactions.at).any():
        raise DataError("temporal needs clock times, which this data does not have; use leave-last-out.")
    if not len(interactions):
        raise DataError("there are no interactions to cut.")
    n_repeats = len(interactions) - len(without_repeats(interactions))
    if n_repeats:
        raise DataError(
            f"{n_repeats} interactions repeat a pair of user and item, so an answer could be known before.",
            hint="Take what `prepared` or `without_repeats` gives.",
        )


def _with_ties_shuffled(interactions: Interactions, seed: int) -> Interactions:
    """The same, those of one user at one moment in an order drawn by chance."""
    chance = np.random.default_rng([_TIES, seed]).random(len(interactions))
    # Without a clock time nothing says that two stand at one moment: the order is then all there is of time.
    key = np.where(np.isnan(interactions.at), np.arange(len(interactions)), chance)
    order = np.lexsort((key, interactions.at, interactions.users))
    return Interactions(
        interactions.user_ids,
        interactions.item_ids,
        interactions.users[order],
        interactions.items[order],
        interactions.values[order],
        interactions.at[order],
    )


@dataclass(frozen=True)
class _Held:
    """The rows kept from learning, one of each kind for each tested user; `users` ascend."""

    users: _Rows
    validation: _Rows
    test: _Rows

    def answers(self, part: Part) -> _Rows:
        return self.test if part == "test" else self.validation

    def hidden(self, part: Part) -> _Rows:
        """Rows that may not be known: at test time the validation's are."""
        return self.test if part == "test" else np.concatenate([self.validation, self.test])


def _held_out(interactions: Interactions, seed: int, *, by_chance: bool) -> _Held:
    """The last row of each user and the one before it, in the order of the rows or in one drawn by chance."""
    order = np.arange(len(interactions))
    if by_chance:
        chance = np.random.default_rng([_HELD, seed]).random(len(interactions))
        order = np.lexsort((chance, interactions.users))
    counts = np.bincount(interactions.users, minlength=len(interactions.user_ids))
    users = np.flatnonzero(counts >= MIN_TESTED)
    ends = np.cumsum(counts)[users]
    return _Held(users, order[ends - 2], order[ends - 1])


@dataclass(frozen=True)
class _Cutter:
    """Makes the tasks of a protocol."""

    interactions: Interactions
    seed: int
    n_folds: int
    held: _Held

    def tasks(self, protocol: Protocol, part: Part) -> tuple[Task, ...]:
        """All tasks of one part in which somebody is tested."""
        if protocol == "temporal":
            made = [self._temporal(part)]
        elif protocol == "cold-items":
            folds = self._folds(len(self.interactions.item_ids))
            made = [self._cold_items(part, folds == fold) for fold in range(self.n_folds)]
        elif protocol == "user-fold":
            folds = self._folds(len(self.interactions.user_ids))
            made = [self._user_fold(part, folds == fold) for fold in range(self.n_folds)]
        else:
            made = [self._task(self._known(part), self.held.answers(part))]
        return tuple(task for task in made if len(task.users))

    def _temporal(self, part: Part) -> Task:
        at = self.interactions.at
        from_validation, from_test = np.quantile(at, CUTS)
        begin, end = (from_test, np.inf) if part == "test" else (from_validation, from_test)
        # What happened at the very moment of a cut is known.
        known, after = at <= begin, (at > begin) & (at <= end)
        asked = after & np.isin(self.interactions.users, self.interactions.users[known])
        return self._task(known, np.flatnonzero(asked))

    def _cold_items(self, part: Part, cold: ItemMask) -> Task:
        answers = self.held.answers(part)
        in_fold = cold[self.interactions.items[answers]]
        warm = ~cold[self.interactions.items]
        return self._task(warm & self._learnable(part), answers[in_fold], cold=cold)

    def _user_fold(self, part: Part, own: NDArray[np.bool_]) -> Task:
        known, answers = self._known(part), self.held.answers(part)
        is_own = own[self.interactions.users]
        return self._task(known & is_own, answers[is_own[answers]], fit=self._learnable(part) & ~is_own)

    def _learnable(self, part: Part) -> NDArray[np.bool_]:
        """Rows of those whom a fold does not test: all of them, but for validation none that any test asks for."""
        learnable = np.ones(len(self.interactions), dtype=bool)
        if part == "validation":
            learnable[self.held.test] = False
        return learnable

    def _known(self, part: Part) -> NDArray[np.bool_]:
        """Rows without those that are asked for, or must not be known yet."""
        known = np.ones(len(self.interactions), dtype=bool)
        known[self.held.hidden(part)] = False
        return known

    def _folds(self, n: int) -> NDArray[np.int64]:
        """The fold of each of `n`, as even as can be."""
        return np.random.default_rng([_FOLDS, self.seed]).permutation(n) % self.n_folds

    def _task(
        self,
        known: NDArray[np.bool_],
        answers: _Rows,
        *,
        fit: NDArray[np.bool_] | None = None,
        cold: ItemMask | None = None,
    ) -> Task:
        """Learn from the rows of `fit` (those `known` by default), ask for the rows `answers`."""
        users = np.unique(self.interactions.users[answers]).astype(np.int64)
        kept = self.interactions.where(known)
        return Task(
            fit_on=kept if fit is None else self.interactions.where(fit),
            users=users,
            histories=kept.histories(users),
            answers=Answers(
                np.searchsorted(users, self.interactions.users[answers]).astype(np.int64),
                self.interactions.items[answers],
            ),
            cold=cold,
        )
