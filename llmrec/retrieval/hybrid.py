"""Retrieval by all signals at once, each worth what held-out interactions said it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.content import ContentSignals, nearest_items
from llmrec.retrieval.fusion_weights import safe_weights
from llmrec.retrieval.held_out import FusionPlan, PartFits, has_cold_items, held_out_examples, signals_of
from llmrec.retrieval.hybrid_storage import PartLoaders, load_signals, save_signals
from llmrec.retrieval.item_to_item import position_of
from llmrec.retrieval.recency import TimedPopularity
from llmrec.retrieval.scoring import ScoreTable, query_histories
from llmrec.retrieval.signals import Part, Signals, scales
from llmrec.retrieval.updates import Widening, grown
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts, Vectors

LEARNED = "weights"
_MAX_BEHIND = 0.05  # of all interactions; what it costs is in docs/updating.md
# Too few interactions to learn from: what most people met, nearest to what the user met.
_UNLEARNED: Mapping[str, float] = {"popularity": 1.0, "ease@20": 1.0, "text@5": 1.0, "cold:text@5": 1.0}


@runtime_checkable
class _WidePart(Part, Widening, Protocol):
    """A part that can take more items."""


class HybridRetriever:
    """Weighted sum of standardised signals: of other retrievers, of demand over time, of content.

    Weights come from a penalised multinomial logit over each user's newest interactions, predicted by parts that were
    fitted without them; then the parts are fitted again on everything. Where one signal alone does better in
    cross-validation, it alone is kept. From too few of them (`FusionPlan.min_examples`) nothing is learned, and demand,
    `ease` and text count alike.

    Cold user: nothing is retrieved; demand and content still score. Cold item: reached by its content, and by what its
    nearest items get from users; how much that counts is learned on items made cold for the purpose.

    Large catalogue: weights are learned from fewer users (`FusionPlan.max_scores`), `slit` knows the items most met
    (`SLITPlan.max_items`), `ease` becomes cosines (`EASERetriever`), and beyond 30,000 items nothing is taken from
    nearest items (`nearest_items`). 100,000 items and 1,000,000 interactions are fitted within 3 GB.
    """

    name = "hybrid"

    def __init__(
        self,
        item_ids: Sequence[ItemId],
        signals: Signals,
        weights: Mapping[str, float],
        *,
        came_since: Mapping[str, int] | None = None,
    ) -> None:
        """Weigh fitted `signals`; use `fit` to learn the weights.

        Args:
            item_ids: All ids, in catalogue order.
            signals: What is weighed.
            weights: By signal.
            came_since: How many interactions came since a part of that name was fitted; `LEARNED` for the weights.
        """
        self._ids = tuple(item_ids)
        self._signals = signals
        self._weights = dict(weights)
        self._came_since = dict(came_since or {})
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        catalogue: Catalogue,
        part_fits: PartFits,
        *,
        vectors: Vectors | None = None,
        plan: FusionPlan | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn weights on held-out interactions, then everything from all of them.

        Args:
            interactions: All that may be learned from.
            catalogue: Its items, for their facts.
            part_fits: How to fit the retrievers that are fused.
            vectors: The encoded items, float32 [n_items, dim], nan where there is none; None leaves texts out.
            plan: How weights are learned.
            seed: Draws the users who are held out, the folds and the items made cold.
        """
        plan = plan or FusionPlan()
        content = ContentSignals.fit(catalogue, vectors)
        examples = held_out_examples(interactions, part_fits, content, plan=plan, seed=seed)
        weights, with_cold = dict(_UNLEARNED), has_cold_items(interactions)
        if len(examples.users) >= plan.min_examples:
            weights = dict(safe_weights(examples, l2=plan.l2, seed=seed))
            weights |= {"cold": weights["cold"] + plan.cold_bonus} if with_cold else {}
        parts = {**part_fits.fit_closed(interactions), **part_fits.fit_trained(interactions)}
        signals = signals_of(interactions, parts, content, plan=plan, with_cold=with_cold)
        return cls(catalogue.ids, signals, weights)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight by signal, for whoever wants to know what counts."""
        return dict(self._weights)

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]."""
        return np.asarray(self.score_histories(query_histories(query, self._positions))[0], dtype=np.float32)

    def score_histories(self, histories: Histories) -> ScoreTable:
        """The same for many users, float32 [n_users, n_items]; scores of one user are comparable, 0 is the mean."""
        total = np.zeros((len(histories), len(self._ids)), dtype=np.float32)
        for _, table in self.voices(histories):
            total += table
        return total

    def voices(self, histories: Histories) -> Iterator[tuple[str, ScoreTable]]:
        """Name of each signal and its weighted table, which sum to `score_histories`, one after the other."""
        for name, table in self._signals.tables(histories):
            yield name, np.float32(self._weights.get(name, 0.0)) * table

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates, best first; none without a known item in the history."""
        return self.retrieve_many([query], k, allowed=[allowed])[0]

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask | None]
    ) -> Sequence[Sequence[Candidate]]:
        """The same for several queries, each with its own `allowed`; their histories are scored together."""
        require_k(k)
        each = [query_histories(query, self._positions) for query in queries]
        if not any(len(histories.items) for histories in each):
            return [[] for _ in queries]
        table = self.score_histories(Histories.joined(each))
        return [
            best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=mask)
            if len(histories.items)
            else []
            for scores, histories, mask in zip(table, each, allowed, strict=True)
        ]

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """What each of the user's items adds through the linear parts; the rest is everything else.

        Means and spreads over the catalogue are taken as given. Raises UnknownItemError.
        """
        position = position_of(item_id, self._positions)
        shares: dict[ItemId, float] = {}
        for name, part in self._signals.linear.items():
            if weight := self._weights.get(name, 0.0):
                scale = float(scales(part.scores(query)[None, :])[0])
                for seed, share in part.explain(query, item_id).items.items():
                    shares[seed] = shares.get(seed, 0.0) + weight * scale * share
        score = float(self.scores(query)[position])
        return ScoreParts(score, shares, rest=score - sum(shares.values()))

    def update(self, before: Interactions, added: Interactions) -> Self:
        """Every part updated, popularity counted anew, weights as they were; an item may stop being cold.

        A part whose update costs a fit of minutes is fitted again once a twentieth of all interactions came since.

        Raises:
            DataError: When the items are not the same.
        """
        growth = grown(before, added, self._ids)
        came = {name: self._came_since.get(name, 0) + len(added) for name in (*self._signals.parts, LEARNED)}
        parts = dict(self._signals.parts)
        for name, part in parts.items():
            if not part.costs_a_fit or came[name] > _MAX_BEHIND * len(growth.after):
                parts[name], came[name] = part.update(before, added), 0
        met = np.bincount(growth.after.items, minlength=len(self._ids)) > 0
        popularity = TimedPopularity.fit(growth.after)
        signals = replace(self._signals, parts=parts, popularity=popularity, cold=~met)
        return type(self)(self._ids, signals, self._weights, came_since=came)

    @property
    def came_since(self) -> Mapping[str, int]:
        """How many interactions came since each part was fitted; `LEARNED` stands for the weights."""
        return dict(self._came_since)

    @property
    def widens(self) -> bool:
        """Whether all parts can take more items without being fitted again."""
        return len(self._wide_parts) == len(self._signals.parts)

    @property
    def _wide_parts(self) -> Mapping[str, _WidePart]:
        return {name: part for name, part in self._signals.parts.items() if isinstance(part, _WidePart)}

    def described_by(self, catalogue: Catalogue, vectors: Vectors | None) -> Self:
        """The same over edited items, and more of them at the end; weights stay.

        Args:
            catalogue: Begins with the items that it has.
            vectors: The encoded items, as for `fit`.

        Raises:
            DataError: When it does not widen.
        """
        if not self.widens:
            raise DataError("a part of the hybrid cannot take more items.", hint="Fit anew when the catalogue changes.")
        cold = np.ones(len(catalogue), dtype=np.bool_)
        cold[: len(self._ids)] = self._signals.cold
        content = ContentSignals.fit(catalogue, vectors)
        signals = replace(
            self._signals,
            parts={name: part.over(catalogue.ids) for name, part in self._wide_parts.items()},
            popularity=self._signals.popularity.over(len(catalogue)),
            content=content,
            nearest=nearest_items(content.texts, ~cold, n=FusionPlan().n_neighbours),
            cold=cold,
        )
        return type(self)(catalogue.ids, signals, self._weights, came_since=self._came_since)

    def save(self, directory: Path) -> None:
        """Write the parts, each in a directory of its own, the signals and the weights."""
        save_signals(directory, self.name, self._ids, self._signals, self._weights, self._came_since)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId], loaders: PartLoaders) -> Self:
        """What `save` wrote, each part read by its own of `loaders`. Raises ArtifactError."""
        kept = load_signals(directory, cls.name, item_ids, loaders)
        return cls(item_ids, kept.signals, kept.weights, came_since=kept.came_since)
