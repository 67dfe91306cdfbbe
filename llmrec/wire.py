"""Values as JSON and back: the shapes that the command line, the page and other programs rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeGuard, TypeVar

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import parse_where
from llmrec.errors import DataError
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Evidence,
    FactValue,
    ItemEntry,
    ItemId,
    LeaningEntry,
    Profile,
    QuestionEntry,
    Recommendation,
    Reply,
    StageTrace,
    Trace,
    WishEntry,
)

Json = Mapping[str, object]
Entry = TypeVar("Entry")

_ITEM_LISTS = ("liked", "disliked", "seen", "shown", "accepted")
_PENDING_KINDS = ("", "liked", "disliked", "seen", "accepted")
_MAX_ENTRIES = 10_000  # a conversation of 500 turns with 20 cards each
_MAX_WISH_CHARS = 20_000
_MAX_OFFERED = 10


def profile_to_json(profile: Profile, catalogue: Catalogue) -> Json:
    """The profile with titles beside the ids; `where` sums the constraints up, for reading only."""
    lists = {
        name: [_item_to_json(entry, catalogue) for entry in getattr(profile, name) if entry.item_id in catalogue]
        for name in _ITEM_LISTS
    }
    constraints = [{**_constraint_to_json(entry.constraint), "turn": entry.turn} for entry in profile.constraints]
    wishes = [{"text": wish.text, "turn": wish.turn} for wish in profile.wishes]
    return {
        **lists,
        "constraints": constraints,
        "wishes": wishes,
        "leanings": [_leaning_to_json(entry) for entry in profile.leanings],
        "where": _where(profile),
        "pending": list(profile.pending),
        "pending_as": profile.pending_as,
        "asked": [{"field": e.field, "values": list(e.values), "turn": e.turn} for e in profile.asked],
        "last_question": profile.last_question,
        "last_asked": list(profile.last_asked),
    }


def profile_from_json(data: object, catalogue: Catalogue) -> Profile:
    """The profile behind `data`, whose every part is checked, for it may come from a browser.

    Raises:
        DataError: A part is not of its shape, or names an item or a fact that the catalogue lacks.
    """
    if not isinstance(data, Mapping):
        raise DataError(f"a profile is a JSON object, not {type(data).__name__}.")
    pending_as = data.get("pending_as", "")
    if pending_as not in _PENDING_KINDS:
        raise DataError(f"profile.pending_as is {pending_as!r}; it must be one of {', '.join(_PENDING_KINDS[1:])}.")
    return Profile(
        **{name: _entries(data, name, lambda row: _item_from_json(row, catalogue)) for name in _ITEM_LISTS},
        constraints=_entries(data, "constraints", lambda row: _constraint_from_json(row, catalogue)),
        wishes=_entries(data, "wishes", _wish_from_json),
        leanings=_entries(data, "leanings", lambda row: _leaning_from_json(row, catalogue)),
        pending=tuple(_known(item_id, catalogue) for item_id in _rows(data, "pending")),
        pending_as=pending_as,
        asked=_entries(data, "asked", lambda row: _question_from_json(row, catalogue)),
        last_asked=tuple(_known(item_id, catalogue) for item_id in _rows(data, "last_asked")),
        last_question=_text(data, "last_question") if "last_question" in data else "",
    )


def recommendation_to_json(recommendation: Recommendation) -> Json:
    """One recommendation, with each piece of evidence as an object."""
    return {
        "item_id": recommendation.item_id,
        "title": recommendation.title,
        "score": recommendation.score,
        "rank": recommendation.rank,
        "ranked_by": recommendation.ranked_by,
        "explanation": recommendation.explanation,
        "evidence": [evidence_to_json(evidence) for evidence in recommendation.evidence],
        **({"voices": dict(recommendation.voices)} if recommendation.voices else {}),
    }


def reply_to_json(reply: Reply, catalogue: Catalogue) -> Json:
    """A whole turn: recommendations, the reply's text, the profile after it, and its trace."""
    return {
        "recommendations": [recommendation_to_json(r) for r in reply.recommendations],
        "reply": reply.text or None,
        "profile": profile_to_json(reply.profile, catalogue),
        "trace": trace_to_json(reply.trace),
    }


def trace_to_json(trace: Trace) -> Json:
    """How a reply came about; models that were not asked are null."""
    return {
        "stages": [stage_to_json(stage) for stage in trace.stages],
        "prompt_hash": trace.prompt_hash or None,
        "model": trace.model or None,
        "adapter": trace.adapter or None,
        "notes": list(trace.notes),
    }


def stage_to_json(stage: StageTrace) -> Json:
    """One stage of a turn."""
    return {
        "name": stage.name,
        "seconds": round(stage.seconds, 4),
        "n_in": stage.n_in,
        "n_out": stage.n_out,
        "order": list(stage.order),
    }


def evidence_to_json(evidence: Evidence) -> Json:
    """One piece of evidence; fields that it does not have are left out."""
    shown = {"field": evidence.field, "value": evidence.value, "item_id": evidence.item_id}
    measured = {} if evidence.contribution is None else {"contribution": evidence.contribution}
    given = {key: value for key, value in shown.items() if value}
    return {"kind": evidence.kind, "text": evidence.text, **given, **measured}


def _item_to_json(entry: ItemEntry, catalogue: Catalogue) -> Json:
    return {"item_id": entry.item_id, "title": catalogue[entry.item_id].title, "turn": entry.turn}


def _constraint_to_json(constraint: Constraint) -> Json:
    value = list(constraint.value) if isinstance(constraint.value, tuple) else constraint.value
    return {"field": constraint.field, "op": constraint.op, "value": value}


def _where(profile: Profile) -> Json:
    summed: dict[str, dict[str, object]] = {}
    for entry in profile.constraints:
        ops = summed.setdefault(entry.constraint.field, {})
        op, value = entry.constraint.op, _constraint_to_json(entry.constraint)["value"]
        # Two of a kind on one field ("not horror, not war") would hide each other.
        ops[op] = [*_listed(ops[op]), *_listed(value)] if op in ops else value
    return summed


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _rows(data: Json, name: str) -> Sequence[object]:
    rows = data.get(name, ())
    if not isinstance(rows, (list, tuple)) or len(rows) > _MAX_ENTRIES:
        raise DataError(f"profile.{name} must be a list of at most {_MAX_ENTRIES} entries.")
    return rows


def _entries(data: Json, name: str, read: Callable[[Json], Entry]) -> tuple[Entry, ...]:
    entries = []
    for number, row in enumerate(_rows(data, name)):
        if not isinstance(row, Mapping):
            raise DataError(f"profile.{name}[{number}] must be an object, not {type(row).__name__}.")
        entries.append(read(row))
    return tuple(entries)


def _known(item_id: object, catalogue: Catalogue) -> ItemId:
    if not isinstance(item_id, str) or item_id not in catalogue:
        raise DataError(f"the profile names an item {str(item_id)[:80]!r} that this catalogue does not have.")
    return ItemId(item_id)


def _turn(row: Json) -> int:
    turn = row.get("turn", 0)
    if not isinstance(turn, int) or isinstance(turn, bool) or turn < 0:
        raise DataError(f"a profile entry's turn is {str(turn)[:40]!r}; it must be a whole number from 0.")
    return turn


def _item_from_json(row: Json, catalogue: Catalogue) -> ItemEntry:
    return ItemEntry(_known(row.get("item_id"), catalogue), _turn(row))


def _constraint_from_json(row: Json, catalogue: Catalogue) -> ConstraintEntry:
    where = {str(row.get("field")): {str(row.get("op")): row.get("value")}}
    (constraint,) = parse_where(where, catalogue.fields)
    return ConstraintEntry(constraint, _turn(row))


def _leaning_to_json(entry: LeaningEntry) -> Json:
    return {**_constraint_to_json(entry.constraint), "turn": entry.turn, "words": entry.words, "read_by": entry.read_by}


def _leaning_from_json(row: Json, catalogue: Catalogue) -> LeaningEntry:
    stated, voice = _constraint_from_json(row, catalogue), row.get("read_by")
    if voice != "model" and voice != "encoder" and voice != "words":
        raise DataError(f"a leaning's read_by is {str(voice)[:40]!r}; it must be model, encoder or words.")
    return LeaningEntry(stated.constraint, stated.turn, _text(row, "words"), voice)


def _question_from_json(row: Json, catalogue: Catalogue) -> QuestionEntry:
    field, values = row.get("field"), row.get("values", ())
    if not isinstance(field, str) or field not in catalogue.fields:
        raise DataError(f"the profile names a fact {str(field)[:80]!r} that this catalogue does not have.")
    if not isinstance(values, (list, tuple)) or not 1 <= len(values) <= _MAX_OFFERED or not all(map(_is_value, values)):
        raise DataError(f"a question's values must be a list of 1 to {_MAX_OFFERED} texts, numbers or flags.")
    return QuestionEntry(field, tuple(values), _turn(row))


def _is_value(value: object) -> TypeGuard[FactValue]:
    return isinstance(value, (str, int, float))


def _wish_from_json(row: Json) -> WishEntry:
    return WishEntry(_text(row, "text"), _turn(row))


def _text(row: Json, name: str) -> str:
    text = row.get(name)
    if not isinstance(text, str) or len(text) > _MAX_WISH_CHARS:
        raise DataError(f"a profile's {name} must be a string of at most {_MAX_WISH_CHARS} characters.")
    return text
