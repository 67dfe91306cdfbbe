"""Why an item is not shown, in words: the first step of the pipeline at which it fell behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.explanation.conditions import condition_broken
from llmrec.types import Item, ItemId, Query, Standing, WhyNot, WhyNotReason

_KEPT_OUT: Mapping[WhyNotReason, str] = {
    "unavailable": "it is not available",
    "disliked": "you do not want it",
    "seen": "you have seen it",
    "shown_before": "it was shown to you before",
    "known": "you know it already",
}
_VOICES: Mapping[str, str] = {
    "language model": "the language model",
    "hybrid": "what you met and liked",
    "dense": "likeness in content",
    "bm25": "the words you used",
    "popularity": "how many chose it",
    "log_popularity": "how many chose it",
    "retrieval": "the retrievers",
    "log_rank": "the retrievers",
}


class StandingSource(Protocol):
    """Whoever knows where items stand for a query."""

    def of(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> Sequence[Standing]:
        """Where each of `item_ids` stands when `k` items are recommended for `query`."""
        ...


class WhyNotExplainer:
    """Says why items of one catalogue are not shown; implements Justifier."""

    def __init__(self, catalogue: Catalogue, standings: StandingSource) -> None:
        """Speak of the records of `catalogue`, as `standings` finds them."""
        self._catalogue = catalogue
        self._standings = standings

    def why_not(self, query: Query, item_id: ItemId, *, k: int) -> WhyNot:
        """See Justifier."""
        query = _as_answered(query)
        (standing,) = self._standings.of(query, [item_id], k=k)
        item = self._catalogue[item_id]
        if item.id in standing.shown:
            place = standing.shown.index(item.id) + 1
            return WhyNot(item.id, "shown", f"{item.title} is shown, at place {place}.", standing)
        if not standing.is_allowed:
            return self._kept_out(query, item, standing)
        if standing.rank is None:
            return WhyNot(item.id, "not_found", _not_found(item, standing), standing)
        if standing.is_passed_over:
            text = f"{item.title} is number {standing.rank}, but enough others of its series are shown."
            return WhyNot(item.id, "series", text, standing)
        return WhyNot(item.id, "ranked_below", _ranked_below(item, standing), standing)

    def _kept_out(self, query: Query, item: Item, standing: Standing) -> WhyNot:
        reason = _personal_reason(query, item)
        if reason is not None:
            return WhyNot(item.id, reason, f"{item.title} is left out because {_KEPT_OUT[reason]}.", standing)
        stated = dict.fromkeys(query.all_constraints)
        kept = [c for c in stated if c in query.constraints or c not in standing.relaxed]
        broken = tuple(constraint for constraint in kept if not matches(item, constraint))
        told = "; ".join(dict.fromkeys(condition_broken(item, constraint) for constraint in broken))
        return WhyNot(item.id, "condition", f"{item.title} is left out: {told}.", standing, broken)


def _as_answered(query: Query) -> Query:
    """The query as it was before the last reply showed its items."""
    shown = query.profile.shown
    last = max((entry.turn for entry in shown), default=-1)
    return replace(query, profile=replace(query.profile, shown=tuple(e for e in shown if e.turn != last)))


def _personal_reason(query: Query, item: Item) -> WhyNotReason | None:
    profile = query.profile
    listed: tuple[tuple[WhyNotReason, bool], ...] = (
        ("unavailable", not item.available),
        ("disliked", any(entry.item_id == item.id for entry in profile.disliked)),
        ("seen", any(entry.item_id == item.id for entry in profile.seen)),
        ("shown_before", any(entry.item_id == item.id for entry in profile.shown)),
        ("known", query.filter_viewed and item.id in query.positive_item_ids),
    )
    return next((reason for reason, holds in listed if holds), None)


def _not_found(item: Item, standing: Standing) -> str:
    said = f"{item.title} was not among the {standing.n_candidates} items that were ranked"
    if not standing.retrieved:
        return f"{said}: nothing that is known of you leads to it."
    return f"{said}: {_best_rank(standing)}."


def _ranked_below(item: Item, standing: Standing) -> str:
    said = f"{item.title} is number {standing.rank} of {standing.n_candidates}, and {len(standing.shown)} are shown"
    ahead = {name: lead for name, lead in standing.lead.items() if lead > 0}
    if ahead:
        voice = max(ahead, key=lambda name: ahead[name])
        return f"{said}. What puts the last of these ahead of it is mostly {_VOICES.get(voice, voice)}."
    return f"{said}: {_best_rank(standing)}." if standing.retrieved else f"{said}."


def _best_rank(standing: Standing) -> str:
    name, rank = min(standing.retrieved.items(), key=lambda pair: pair[1])
    return f"by {_VOICES.get(name, name)} alone, which puts it highest, it is number {rank}"
