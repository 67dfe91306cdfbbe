"""What is believed of the user, changed by pure functions: every one returns a new profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.data.where import contradiction
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages, messages_in
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    FactValue,
    ItemEntry,
    ItemId,
    LeaningEntry,
    Profile,
    WishEntry,
)

Stance = Literal["liked", "disliked", "seen", "accepted"]
STANCES: tuple[Stance, ...] = get_args(Stance)
_OPPOSITE: Mapping[Stance, Stance] = {"liked": "disliked", "disliked": "liked"}
MAX_WISHES = 3


def add_items(profile: Profile, stance: Stance, item_ids: Sequence[ItemId], *, turn: int) -> Profile:
    """The profile with the items on the list of `stance`; liking ends disliking and the other way round."""
    without = remove_items(profile, item_ids, (stance, _OPPOSITE[stance]) if stance in _OPPOSITE else (stance,))
    entries = tuple(ItemEntry(item_id, turn) for item_id in dict.fromkeys(item_ids))
    return _with_list(without, stance, _list(without, stance) + entries)


def remove_items(profile: Profile, item_ids: Iterable[ItemId], stances: Iterable[Stance]) -> Profile:
    """The profile without the items on the lists of `stances`."""
    gone = set(item_ids)
    for stance in stances:
        kept = tuple(entry for entry in _list(profile, stance) if entry.item_id not in gone)
        profile = _with_list(profile, stance, kept)
    return profile


def add_constraints(
    profile: Profile,
    constraints: Sequence[Constraint],
    *,
    turn: int,
    refines: bool,
    fields: Mapping[str, FactField],
) -> Profile:
    """The profile with `constraints`, which win over what they contradict.

    On a number field they replace the older ones; as the kind wanted they replace the older kinds. When the message
    refines the one before ("and before 1995"), older ones stay as far as both can hold.
    """
    new = tuple(dict.fromkeys(constraints))
    kept = profile.constraints
    for name in dict.fromkeys(constraint.field for constraint in new):
        stated = [constraint for constraint in new if constraint.field == name]
        kept = tuple(
            survivor for entry in kept for survivor in _outlived(entry, stated, refines=refines, fields=fields)
        )
    known = {entry.constraint for entry in kept}
    added = tuple(ConstraintEntry(constraint, turn) for constraint in new if constraint not in known)
    return replace(profile, constraints=kept + added)


def drop_constraints(profile: Profile, field: str) -> Profile:
    """The profile without conditions on `field`."""
    return replace(profile, constraints=tuple(e for e in profile.constraints if e.constraint.field != field))


def forget_constraints(
    profile: Profile, constraints: Sequence[Constraint], *, fields: Mapping[str, FactField]
) -> Profile:
    """The profile without `constraints`: on a number all of its field go, on words those with the same value."""
    numbers = {c.field for c in constraints if fields[c.field].kind == "number"}
    worded = {(c.field, c.value) for c in constraints}
    kept = [
        entry
        for entry in profile.constraints
        if entry.constraint.field not in numbers and (entry.constraint.field, entry.constraint.value) not in worded
    ]
    return replace(profile, constraints=tuple(kept))


def add_wish(profile: Profile, text: str, *, turn: int, refines: bool) -> Profile:
    """The profile with the wish; a new one replaces the older, a refinement joins the last few."""
    kept = profile if refines else without_wishes(profile, before=turn)
    older = profile.wishes if refines else ()
    return replace(kept, wishes=(*older, WishEntry(text, turn))[-MAX_WISHES:])


def without_wishes(profile: Profile, *, before: int) -> Profile:
    """The profile without wishes, and without what vague words of turns before `before` were taken to mean."""
    return replace(profile, wishes=(), leanings=tuple(e for e in profile.leanings if e.turn >= before))


def add_leanings(profile: Profile, leanings: Sequence[LeaningEntry]) -> Profile:
    """The profile with `leanings`; each replaces an older one on the same value or the same number."""
    new = {_leans_on(entry.constraint) for entry in leanings}
    kept = tuple(entry for entry in profile.leanings if _leans_on(entry.constraint) not in new)
    return replace(profile, leanings=kept + tuple(leanings))


def without_contradicted(profile: Profile, *, fields: Mapping[str, FactField]) -> Profile:
    """The profile without leanings that cannot hold beside its conditions: what was said exactly counts."""
    stated = [entry.constraint for entry in profile.constraints]
    kept = tuple(e for e in profile.leanings if not contradicts(e.constraint, stated, fields=fields))
    return replace(profile, leanings=kept)


def contradicts(leaning: Constraint, stated: Sequence[Constraint], *, fields: Mapping[str, FactField]) -> bool:
    """Whether nothing can be as `leaning` says and satisfy what is `stated` of the same field."""
    same = [constraint for constraint in stated if constraint.field == leaning.field]
    return bool(same and not contradiction(same, fields=fields) and contradiction([*same, leaning], fields=fields))


def undo(profile: Profile) -> Profile:
    """The profile without what the last turn that changed something had added; shown items stay shown."""
    turns = [entry.turn for stance in STANCES for entry in _list(profile, stance)]
    turns += [entry.turn for entry in profile.constraints] + [entry.turn for entry in profile.wishes]
    turns += [entry.turn for entry in profile.leanings]
    if not turns:
        return profile
    last = max(turns)
    for stance in STANCES:
        profile = _with_list(profile, stance, tuple(e for e in _list(profile, stance) if e.turn != last))
    return replace(
        profile,
        constraints=tuple(e for e in profile.constraints if e.turn != last),
        wishes=tuple(e for e in profile.wishes if e.turn != last),
        leanings=tuple(e for e in profile.leanings if e.turn != last),
    )


def is_blank(profile: Profile) -> bool:
    """Whether nothing is known that could steer a recommendation."""
    return not (profile.liked or profile.disliked or profile.constraints or profile.wishes or profile.leanings)


def summary(profile: Profile, catalogue: Catalogue, words: Messages | None = None) -> tuple[str, ...]:
    """What is believed, one sentence each, for display; English unless `words` says otherwise."""
    words = words or messages_in(DEFAULT_LANGUAGE)
    comma = words.say("comma")
    sentences = [words.say("believe_wish", wish=wish.text) for wish in profile.wishes]
    phrases = ConstraintPhrases(catalogue, words).phrases(entry.constraint for entry in profile.constraints)
    if phrases:
        sentences.append(words.say("believe_must", phrases=comma.join(phrases)))
    for said in dict.fromkeys(entry.words for entry in profile.leanings):
        leant = [entry.constraint for entry in profile.leanings if entry.words == said]
        values = comma.join(ConstraintPhrases(catalogue, words).phrases(leant))
        sentences.append(words.say("leaning", words=said, values=values))
    for stance in STANCES:
        titles = [catalogue[e.item_id].title for e in _list(profile, stance) if e.item_id in catalogue]
        if titles:
            sentences.append(words.say(f"believe_{stance}", titles=comma.join(titles)))
    return tuple(sentences)


def _outlived(
    entry: ConstraintEntry,
    stated: Sequence[Constraint],
    *,
    refines: bool,
    fields: Mapping[str, FactField],
) -> list[ConstraintEntry]:
    """What is left of an older condition once `stated` holds on its field."""
    old = entry.constraint
    if all(constraint.field != old.field for constraint in stated):
        return [entry]
    if fields[old.field].kind == "number":
        return [entry] if refines and not contradiction([old, *stated], fields=fields) else []
    wanted = {value for c in stated if c.op in {"$eq", "$in"} for value in _values(c)}
    excluded = {value for c in stated if c.op in {"$ne", "$nin"} for value in _values(c)}
    if old.op in {"$eq", "$in"}:
        if wanted and (not refines or contradiction([old, *stated], fields=fields)):
            return []
        return _without(entry, excluded)
    return _without(entry, wanted)


def _without(entry: ConstraintEntry, values: set[FactValue]) -> list[ConstraintEntry]:
    left = tuple(value for value in _values(entry.constraint) if value not in values)
    if not left:
        return []
    if len(left) == len(_values(entry.constraint)):
        return [entry]
    return [replace(entry, constraint=replace(entry.constraint, value=left))]


def _leans_on(constraint: Constraint) -> tuple[str, object]:
    """What a leaning speaks of: a value, or a number as a whole."""
    return (constraint.field, constraint.value if constraint.op in {"$eq", "$ne"} else None)


def _values(constraint: Constraint) -> tuple[FactValue, ...]:
    return constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)


def _list(profile: Profile, stance: Stance) -> tuple[ItemEntry, ...]:
    lists = {
        "liked": profile.liked, "disliked": profile.disliked, "seen": profile.seen, "accepted": profile.accepted,
    }  # fmt: skip
    return lists[stance]


def _with_list(profile: Profile, stance: Stance, entries: tuple[ItemEntry, ...]) -> Profile:
    if stance == "liked":
        return replace(profile, liked=entries)
    if stance == "disliked":
        return replace(profile, disliked=entries)
    if stance == "seen":
        return replace(profile, seen=entries)
    return replace(profile, accepted=entries)
