"""Dialogues made from a catalogue by chance and a seed; what is expected of them follows from how they were made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.data.titles import split_year, title_key
from llmrec.data.where import constraint_text, matches
from llmrec.dialogue.values import value_key
from llmrec.dialogue.years import year_field
from llmrec.errors import DataError
from llmrec.evaluation.behaviour import N_CARDS
from llmrec.evaluation.dialogue_scripts import Expectation, Script, Step
from llmrec.types import Constraint, Item

_MAX_KINDS = 30  # fields with more values name things rather than kinds
_MIN_LETTERS = 4
_N_REACTIONS = 4
_WANTED = ("find me {value}", "I'd like {value}", "{value} please", "show me {value}", "I feel like {value}")
_UNWANTED = ("no {value}", "but no {value} please", "without {value}", "I don't want {value}", "nothing with {value}")
_BETWEEN = ("from {low} to {high}", "between {low} and {high}", "{low}-{high}")
_SEEN = ("I've seen the {place} one", "seen number {n}", "I already know the {place} one, seen it")
_DISLIKED = ("I hated the {place} one", "I didn't like the {place} one")
_LIKED = ("I loved {title}", "something like {title}")
_PLACES = ("first", "second", "third")


@dataclass(slots=True)
class _Draft:
    """A dialogue while it is made: what holds so far, and how many cards there may have been at most."""

    steps: list[Step] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    n_shown: int = 0
    n_before: int = 0

    def say(self, text: str, *expectations: str) -> None:
        self.steps.append(Step(text, tuple(Expectation(expected, must=True) for expected in expectations)))


class DialogueGenerator:
    """Makes dialogues about one catalogue."""

    def __init__(self, catalogue: Catalogue, *, name: str) -> None:
        """Know which values and titles mean one thing only; `name` is what the dialogues call the catalogue.

        Raises:
            DataError: No field tells kinds of items apart.
        """
        self._catalogue = catalogue
        self._name = name
        self._years = year_field(catalogue)
        self._kinds = _unmistakable_kinds(catalogue)
        keys = Counter(title_key(item.title) for item in catalogue.values())
        if not self._kinds:
            raise DataError(f"the catalogue {name} has no kinds of items that dialogues could ask for.")
        self._titled = [item for item in catalogue.values() if _is_clear_title(item.title) and keys[_key(item)] == 1]

    def generate(self, n: int, *, seed: int) -> list[Script]:
        """`n` dialogues; the same seed gives the same ones."""
        rng = np.random.default_rng(seed)
        file = f"generated with seed {seed}"
        return [Script(f"dialogue {number}", self._name, file, self._dialogue(rng)) for number in range(1, n + 1)]

    def _dialogue(self, rng: np.random.Generator) -> tuple[Step, ...]:
        draft = _Draft()
        self._open(draft, rng)
        reactions = (self._seen, self._disliked, self._refine, self._more, self._like, self._undo)
        for number in rng.permutation(len(reactions))[:_N_REACTIONS]:
            reactions[number](draft, rng)
        draft.say("that's all, thanks", "no cards")
        return tuple(draft.steps)

    def _open(self, draft: _Draft, rng: np.random.Generator) -> None:
        kind, value = self._kinds[rng.integers(len(self._kinds))]
        self._demand(draft, _one(_WANTED, rng).format(value=value), (Constraint(kind.name, "$eq", value),))

    def _refine(self, draft: _Draft, rng: np.random.Generator) -> None:
        """A further condition that some item still meets."""
        if self._years is not None and rng.random() < 0.5:
            low, high = _range(self._years, rng)
            bounds = (Constraint(self._years.name, "$gte", low), Constraint(self._years.name, "$lte", high))
            self._demand(draft, f"and {_one(_BETWEEN, rng).format(low=low, high=high)}", bounds)
            return
        wanted = {constraint.value for constraint in draft.constraints}
        others = [(kind, value) for kind, value in self._kinds if value not in wanted]
        if others:
            kind, value = others[rng.integers(len(others))]
            self._demand(draft, _one(_UNWANTED, rng).format(value=value), (Constraint(kind.name, "$ne", value),))

    def _demand(self, draft: _Draft, text: str, constraints: Sequence[Constraint]) -> None:
        fields = {constraint.field for constraint in constraints if constraint.op in {"$gte", "$lte"}}
        kept = [constraint for constraint in draft.constraints if constraint.field not in fields]
        left = sum(all(matches(i, c) for c in (*kept, *constraints)) for i in self._catalogue.values())
        if left <= draft.n_shown:
            return
        draft.constraints = [*kept, *constraints]
        states = [f"state where {constraint_text(c)}" for c in constraints]
        draft.say(text, *states, *(f"satisfies {constraint_text(c)}" for c in draft.constraints))
        self._count(draft, left)

    def _seen(self, draft: _Draft, rng: np.random.Generator) -> None:
        self._react(draft, rng, _SEEN, "seen")

    def _disliked(self, draft: _Draft, rng: np.random.Generator) -> None:
        self._react(draft, rng, _DISLIKED, "disliked")

    def _react(self, draft: _Draft, rng: np.random.Generator, texts: Sequence[str], stance: str) -> None:
        """Something is said of a card that was certainly there."""
        if not draft.n_before:
            return
        place = int(rng.integers(draft.n_before))
        text = _one(texts, rng).format(place=_PLACES[place], n=place + 1)
        draft.say(text, f"state {stance} #{place + 1}", f"absent #{place + 1}", "no repeat")
        self._count(draft, self._left(draft))

    def _more(self, draft: _Draft, rng: np.random.Generator) -> None:
        draft.say(_one(("more", "show me others", "anything else?"), rng), "no repeat")
        self._count(draft, self._left(draft))

    def _like(self, draft: _Draft, rng: np.random.Generator) -> None:
        if not self._titled:
            return
        item = self._titled[rng.integers(len(self._titled))]
        draft.say(
            _one(_LIKED, rng).format(title=split_year(item.title)[0]),
            f"state liked {item.title}",
            f"absent {item.title}",
        )
        self._count(draft, self._left(draft) - 1)

    def _undo(self, draft: _Draft, rng: np.random.Generator) -> None:
        """A condition is stated and taken back."""
        n_steps, held = len(draft.steps), list(draft.constraints)
        self._refine(draft, rng)
        if len(draft.steps) > n_steps and draft.constraints[: len(held)] == held:
            draft.constraints = held
            draft.say("undo", *(f"state where {constraint_text(c)}" for c in held))
            self._count(draft, self._left(draft))

    def _left(self, draft: _Draft) -> int:
        return sum(all(matches(item, c) for c in draft.constraints) for item in self._catalogue.values())

    def _count(self, draft: _Draft, n_fitting: int) -> None:
        """How many cards the reply certainly has, and how many have been shown at most."""
        draft.n_before = max(0, min(N_CARDS, n_fitting - draft.n_shown))
        draft.n_shown += N_CARDS


def _unmistakable_kinds(catalogue: Catalogue) -> list[tuple[FactField, str]]:
    """Values that one field alone has and that no other word of the grammar is near to."""
    kinds = [f for f in catalogue.fields.values() if f.kind in {"text", "list"} and len(f.values) <= _MAX_KINDS]
    fields = Counter(value_key(value) for kind in kinds for value in {*kind.values})
    titles = {title_key(item.title) for item in catalogue.values()}
    return [
        (kind, value)
        for kind in kinds
        for value in kind.values
        if fields[value_key(value)] == 1 and _is_long(value) and title_key(value) not in titles
    ]


def _is_long(value: str) -> bool:
    return len(value) >= (_MIN_LETTERS if value.isascii() else 2)


def _is_clear_title(title: str) -> bool:
    """Whether a title of several capitalised words cannot be taken for anything else."""
    words = split_year(title)[0].split()
    return len(words) > 1 and all(word[:1].isupper() and word.isalpha() for word in words)


def _key(item: Item) -> str:
    return title_key(item.title)


def _range(years: FactField, rng: np.random.Generator) -> tuple[int, int]:
    low, high = math.floor(years.low), math.ceil(years.high)
    ends = sorted(int(year) for year in rng.integers(low, high + 1, size=2))
    return ends[0], max(ends[1], ends[0] + 1)


def _one(texts: Sequence[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(len(texts)))]
