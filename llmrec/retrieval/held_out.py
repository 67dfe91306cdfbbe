"""Held-out interactions to learn fusion from: each user's newest, predicted by parts that never saw them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.content import ContentSignals, nearest_items
from llmrec.retrieval.fusion_weights import Examples, joined
from llmrec.retrieval.recency import TimedPopularity
from llmrec.retrieval.scoring import ScoreTable, batches
from llmrec.retrieval.signals import Part, Signals
from llmrec.types import Histories

_MAX_USERS_AT_ONCE, _SCORES_AT_ONCE = 128, 2_000_000  # of one signal; some forty are held at once


@dataclass(frozen=True, slots=True)
class FusionPlan:
    """How weights are learned.

    Attributes:
        l2: Penalty on the weights.
        max_held_out: How many of each user's newest interactions are held out at most, each predicted from all that
            came before it; fewer where `max_examples` users give enough.
        n_candidates: Competitors per held-out interaction: one half those with the highest mean signal, the other drawn
            from the rest by seed, each of these standing for as many as were not drawn.
        min_examples: With fewer held-out interactions no weights are learned.
        max_examples: Held-out interactions used at most, of users drawn by seed.
        max_scores: Scores of each signal that are computed at most, and so a second bound on held-out interactions:
            with 100,000 items there are 600.
        n_neighbours: Items whose mean stands in for what an item without interactions lacks.
        cold_share: Share of items made cold while learning, when the data has cold items.
        cold_bonus: Added to the log-odds of items that nobody met. Learned weights alone give each the chance that it
            had among items made cold, which is too small for a first place; what the bonus costs other items is in
            docs/experiments.md.
    """

    l2: float = 3e-3
    max_held_out: int = 3
    n_candidates: int = 400
    min_examples: int = 30
    max_examples: int = 6_000
    max_scores: int = 60_000_000
    n_neighbours: int = 20
    cold_share: float = 0.1
    cold_bonus: float = 1.0

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if self.l2 < 0 or self.n_candidates < 2 or not 0 <= self.cold_share < 1:
            raise ConfigError(
                f"l2 is {self.l2}, n_candidates {self.n_candidates}, cold_share {self.cold_share}; l2 must be at least "
                "0, n_candidates at least 2, cold_share in [0, 1)."
            )
        if min(self.max_held_out, self.min_examples, self.max_examples, self.max_scores, self.n_neighbours) < 1:
            raise ConfigError(
                f"max_held_out is {self.max_held_out}, min_examples {self.min_examples}, max_examples "
                f"{self.max_examples}, max_scores {self.max_scores}, n_neighbours {self.n_neighbours}; each must be at "
                "least 1."
            )

    def n_examples(self, n_items: int) -> int:
        """Held-out interactions used at most, with so many items."""
        return max(min(self.max_examples, self.max_scores // max(n_items, 1)), 1)

    def n_held_out(self, n_users: int, n_items: int) -> int:
        """Interactions held out per user."""
        return int(np.clip(self.n_examples(n_items) // max(n_users, 1), 1, self.max_held_out))


@dataclass(frozen=True)
class PartFits:
    """How to fit the retrievers that are fused.

    Attributes:
        closed: Those with a closed form; cheap, so fitted anew for every interaction back that is held out.
        trained: Those trained by gradient; fitted once without anything that is held out, and once on everything.
    """

    closed: Mapping[str, Callable[[Interactions], Part]]
    trained: Mapping[str, Callable[[Interactions], Part]]

    def fit_closed(self, interactions: Interactions) -> Mapping[str, Part]:
        """The closed forms by name."""
        return {name: fit(interactions) for name, fit in self.closed.items()}

    def fit_trained(self, interactions: Interactions) -> Mapping[str, Part]:
        """The trained ones by name."""
        return {name: fit(interactions) for name, fit in self.trained.items()}


def signals_of(
    interactions: Interactions,
    parts: Mapping[str, Part],
    content: ContentSignals,
    *,
    plan: FusionPlan,
    with_cold: bool,
) -> Signals:
    """Fitted `parts` beside what else is known of `interactions`."""
    met = _met(interactions)
    return Signals(
        parts=parts,
        popularity=TimedPopularity.fit(interactions),
        content=content,
        nearest=nearest_items(content.texts, met, n=plan.n_neighbours),
        cold=~met,
        with_cold=with_cold,
    )


def has_cold_items(interactions: Interactions) -> bool:
    """Whether there are items that nobody met."""
    return not bool(_met(interactions).all())


def held_out_examples(
    interactions: Interactions, part_fits: PartFits, content: ContentSignals, *, plan: FusionPlan, seed: int
) -> Examples:
    """Examples of users drawn by seed.

    An interaction with nothing known before it, or with an item that the user had met before, is no example: such an
    item is not to be found again.
    """
    rng, n_items = np.random.default_rng(seed), len(interactions.item_ids)
    with_cold = has_cold_items(interactions)
    hidden = _hidden(interactions, plan.cold_share if with_cold else 0.0, rng)
    n_held_out = plan.n_held_out(len(interactions.user_ids), n_items)
    visible, ages = ~hidden[interactions.items], interactions.histories().ages
    trained = part_fits.fit_trained(interactions.where(visible & (ages >= n_held_out)))
    users = _drawn_users(interactions, n_held_out, plan.n_examples(n_items), rng)
    pieces: list[Examples] = []
    for age in range(n_held_out):
        known = interactions.where(visible & (ages > age))
        parts = {**part_fits.fit_closed(known), **trained}
        signals = signals_of(known, parts, content, plan=plan, with_cold=with_cold)
        held_out = _held_out(interactions, users, age=age, hidden=hidden)
        pieces += _examples(signals, held_out, plan.n_candidates, rng)
    return joined(pieces)


def _hidden(interactions: Interactions, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Items made cold, bool [n_items]; drawn in the order in which they were first met, so that no id decides."""
    first = np.sort(np.unique(interactions.items, return_index=True)[1])
    hidden = np.zeros(len(interactions.item_ids), dtype=np.bool_)
    hidden[interactions.items[first]] = rng.random(len(hidden))[: len(first)] < share
    return hidden


@dataclass(frozen=True)
class _HeldOut:
    """Users, what came before one of their interactions, and that interaction's item."""

    users: NDArray[np.int64]
    histories: Histories
    answers: NDArray[np.int32]


def _drawn_users(
    interactions: Interactions, n_held_out: int, max_examples: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    usable = np.flatnonzero(interactions.histories().lengths > n_held_out)
    n_wanted = max(max_examples // n_held_out, 1)
    return usable if len(usable) <= n_wanted else np.sort(rng.choice(usable, n_wanted, replace=False))


def _held_out(interactions: Interactions, users: NDArray[np.int64], *, age: int, hidden: NDArray[np.bool_]) -> _HeldOut:
    everyone = interactions.histories()
    answers = everyone.items[everyone.starts[1:][users] - 1 - age]
    histories = everyone.where((everyone.ages > age) & ~hidden[everyone.items]).of(users)
    met_before = histories.users[histories.items == answers[histories.users]]
    usable = np.setdiff1d(np.flatnonzero(histories.lengths), met_before)
    return _HeldOut(users[usable], histories.of(usable), answers[usable])


def _examples(signals: Signals, held_out: _HeldOut, n_candidates: int, rng: np.random.Generator) -> Iterator[Examples]:
    n_at_once = min(_MAX_USERS_AT_ONCE, _SCORES_AT_ONCE // max(len(signals.cold), 1) + 1)
    for rows, histories in batches(held_out.histories, n_at_once):
        named = list(signals.tables(histories))
        tables = [table for _, table in named]
        candidates, log_shares = _competitors(tables, histories, held_out.answers[rows], n_candidates, rng)
        each_row = np.arange(len(candidates))[:, None]
        chosen = np.stack([table[each_row, candidates] for table in tables], axis=-1)
        yield Examples(tuple(name for name, _ in named), chosen, log_shares, held_out.users[rows])


def _competitors(
    tables: Sequence[ScoreTable],
    histories: Histories,
    answers: NDArray[np.int32],
    n: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The answer first, then items outside the history, int64 [n_users, n], and the log of how many each stands for.

    An item of the history that had to fill a place stands for none.
    """
    total: ScoreTable = tables[0].copy()
    for table in tables[1:]:
        total += table
    total[histories.users, histories.items] = -np.inf
    each = np.arange(len(answers))
    total[each, answers] = np.inf
    order = np.argsort(-total, axis=1, kind="stable")
    n_items, n_best = total.shape[1], total.shape[1] if total.shape[1] <= n else n // 2
    drawn = n_best + rng.permuted(np.broadcast_to(np.arange(n_items - n_best), (len(each), n_items - n_best)), axis=1)
    places = np.concatenate([np.broadcast_to(np.arange(n_best), (len(each), n_best)), drawn[:, : n - n_best]], axis=1)
    chosen = np.take_along_axis(order, places, axis=1)
    shares = np.ones(places.shape[1])
    shares[n_best:] = (n_items - n_best) / max(n - n_best, 1)
    known = np.isneginf(np.take_along_axis(total, chosen, axis=1))
    return chosen, np.where(known, -np.inf, np.log(shares)[None, :]).astype(np.float32)


def _met(interactions: Interactions) -> NDArray[np.bool_]:
    return np.asarray(np.bincount(interactions.items, minlength=len(interactions.item_ids)) > 0, dtype=np.bool_)
