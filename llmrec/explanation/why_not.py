"""Why an item is not shown, in words: the first step of the pipeline at which it fell behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.explanation.conditions import condition_broken
from llmrec.explanation.telling import Telling, telling_in
from llmrec.types import Item, ItemId, Query, Standing, WhyNot, WhyNotReason


class StandingSource(Protocol):
    """Whoever knows where items stand for a query."""

    def of(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> Sequence[Standing]:
        """Where each of `item_ids` stands when `k` items are recommended for `query`."""
        ...


class WhyNotExplainer:
    """Says why items of one catalogue are not shown."""

    def __init__(self, catalogue: Catalogue, standings: StandingSource) -> None:
        """Speak of the records of `catalogue`, as `standings` finds them."""
        self._catalogue = catalogue
        self._standings = standings

    def why_not(self, query: Query, item_id: ItemId, *, k: int, language: str = "en") -> WhyNot:
        """See Justifier."""
        query, words = _as_answered(query), telling_in(language)
        (standing,) = self._standings.of(query, [item_id], k=k)
        item = self._catalogue[item_id]
        if item.id in standing.shown:
            text = words.say("shown", title=item.title, place=standing.shown.index(item.id) + 1)
            return WhyNot(item.id, "shown", text, standing)
        if not standing.is_allowed:
            return self._kept_out(query, item, standing, words)
        if standing.rank is None:
            return WhyNot(item.id, "not_found", _not_found(item, standing, words), standing)
        if standing.is_passed_over:
            text = words.say("series", title=item.title, rank=standing.rank)
            return WhyNot(item.id, "series", text, standing)
        return WhyNot(item.id, "ranked_below", _ranked_below(item, standing, words), standing)

    def _kept_out(self, query: Query, item: Item, standing: Standing, words: Telling) -> WhyNot:
        reason = _personal_reason(query, item)
        if reason is not None:
            return WhyNot(item.id, reason, words.say("left_out", title=item.title, reason=words.say(reason)), standing)
        stated = dict.fromkeys(query.all_constraints)
        kept = [c for c in stated if c in query.constraints or c not in standing.relaxed]
        broken = tuple(constraint for constraint in kept if not matches(item, constraint))
        told = dict.fromkeys(condition_broken(item, constraint, words) for constraint in broken)
        text = words.say("left_out_by", title=item.title, told=words.joined(list(told), "semicolon"))
        return WhyNot(item.id, "condition", text, standing, broken)


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


def _not_found(item: Item, standing: Standing, words: Telling) -> str:
    told = _best_rank(standing, words) if standing.retrieved else words.say("leads_nowhere")
    return words.say("not_found", title=item.title, n=standing.n_candidates, told=told)


def _ranked_below(item: Item, standing: Standing, words: Telling) -> str:
    ahead = {name: lead for name, lead in standing.lead.items() if lead > 0}
    told = ""
    if ahead:
        told = words.say("ahead", voice=words.voice(max(ahead, key=lambda name: ahead[name])))
    elif standing.retrieved:
        told = words.say("and_so", told=_best_rank(standing, words))
    n, shown = standing.n_candidates, len(standing.shown)
    return words.say("ranked_below", title=item.title, rank=standing.rank, n=n, shown=shown, told=told)


def _best_rank(standing: Standing, words: Telling) -> str:
    name, rank = min(standing.retrieved.items(), key=lambda pair: pair[1])
    return words.say("best_rank", voice=words.voice(name), rank=rank)
