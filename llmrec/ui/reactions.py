"""Changes to a profile that come from buttons rather than from words."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeVar

from llmrec.types import ItemEntry, ItemId, Profile, Signal

ItemList = Literal["liked", "disliked", "seen"]
Section = Literal["liked", "disliked", "seen", "constraints", "wishes", "leanings"]
Entry = TypeVar("Entry")

LIST_OF: dict[Signal, ItemList] = {"like": "liked", "dislike": "disliked", "seen": "seen"}
_OPPOSITE: dict[ItemList, ItemList] = {"liked": "disliked", "disliked": "liked"}


def holds(profile: Profile, signal: Signal, item_id: ItemId) -> bool:
    """Whether the profile has the item under this signal."""
    return any(entry.item_id == item_id for entry in items_of(profile, LIST_OF[signal]))


def react(profile: Profile, signal: Signal, item_id: ItemId, *, turn: int) -> Profile:
    """The profile after the button was pressed: once to say it, again to take it back."""
    name = LIST_OF[signal]
    if holds(profile, signal, item_id):
        return _with_items(profile, name, _without(items_of(profile, name), item_id))
    if name in _OPPOSITE:
        opposite = _OPPOSITE[name]
        profile = _with_items(profile, opposite, _without(items_of(profile, opposite), item_id))
    return _with_items(profile, name, (*items_of(profile, name), ItemEntry(item_id, turn)))


def remove(profile: Profile, section: Section, index: int) -> Profile:
    """The profile without entry number `index` (from 0) of a section; unchanged when there is no such entry."""
    if section == "constraints":
        return replace(profile, constraints=_cut(profile.constraints, index))
    if section == "wishes":
        return replace(profile, wishes=_cut(profile.wishes, index))
    if section == "leanings":
        return replace(profile, leanings=_cut(profile.leanings, index))
    return _with_items(profile, section, _cut(items_of(profile, section), index))


def carry_over(before: Profile, now: Profile, after: Profile) -> Profile:
    """`after`, with what the user changed by hand (`before` -> `now`) while the turn that made it was running."""
    return replace(
        after,
        liked=_merge(before.liked, now.liked, after.liked),
        disliked=_merge(before.disliked, now.disliked, after.disliked),
        seen=_merge(before.seen, now.seen, after.seen),
        constraints=_merge(before.constraints, now.constraints, after.constraints),
        wishes=_merge(before.wishes, now.wishes, after.wishes),
        leanings=_merge(before.leanings, now.leanings, after.leanings),
    )


def items_of(profile: Profile, name: ItemList) -> tuple[ItemEntry, ...]:
    """The entries of one of the three lists of items."""
    return {"liked": profile.liked, "disliked": profile.disliked, "seen": profile.seen}[name]


def _with_items(profile: Profile, name: ItemList, entries: tuple[ItemEntry, ...]) -> Profile:
    if name == "liked":
        return replace(profile, liked=entries)
    if name == "disliked":
        return replace(profile, disliked=entries)
    return replace(profile, seen=entries)


def _without(entries: tuple[ItemEntry, ...], item_id: ItemId) -> tuple[ItemEntry, ...]:
    return tuple(entry for entry in entries if entry.item_id != item_id)


def _cut(entries: tuple[Entry, ...], index: int) -> tuple[Entry, ...]:
    return tuple(entry for number, entry in enumerate(entries) if number != index)


def _merge(before: tuple[Entry, ...], now: tuple[Entry, ...], after: tuple[Entry, ...]) -> tuple[Entry, ...]:
    kept = [entry for entry in after if entry not in before or entry in now]
    added = [entry for entry in now if entry not in before and entry not in kept]
    return tuple(kept + added)
