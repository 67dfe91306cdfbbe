"""Scripted conversations played against an assistant: what held of what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmrec.assistant import Assistant
from llmrec.build import Overrides, assemble, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.where import matches
from llmrec.evaluation.dialogue_expectations import Played, holds
from llmrec.evaluation.dialogue_scripts import Expectation, Script, Step
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import ItemId, Query, Turn

N_CARDS = 3
SAFE = "every card obeys the state and none is seen, rejected or repeated"
_EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation of a dialogue, whether it held, and what was said."""

    script: Script
    said: str
    expectation: Expectation
    held: bool
    reply: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How many dialogues were played, and how many of their expectations held."""

    n_dialogues: int
    must: tuple[int, int]
    should: tuple[int, int]

    def to_json(self) -> Mapping[str, object]:
        """Counts and rates; the rate of nothing is null."""
        return {
            "dialogues": self.n_dialogues,
            **{
                name: {"held": held, "of": n, "rate": held / n if n else None}
                for name, (held, n) in (("must", self.must), ("should", self.should))
            },
        }


def weightless_assistant(catalogue: Catalogue, *, name: str) -> Assistant:
    """An assistant over `catalogue` that needs no model: what is read and obeyed does not depend on one."""
    settings = Settings().changed(["language_model.model=none"])
    overrides = Overrides(encoder=HashingEmbedder())
    interactions = Interactions.from_rows((), catalogue)
    return assemble(fit_tables(catalogue, interactions, settings=settings, name=name, overrides=overrides), overrides)


def play(script: Script, catalogue: Catalogue, assistant: Assistant) -> Iterator[Outcome]:
    """Every expectation of the script, with whether it held; after each turn also that nothing unsafe was shown."""
    return outcomes_of(script, turns_of(script, catalogue, assistant))


def outcomes_of(script: Script, turns: Iterable[tuple[Step, Played]]) -> Iterator[Outcome]:
    """What held of what `script` expects, where it was played as `turns`."""
    for step, played in turns:
        for expectation in step.expectations:
            yield Outcome(script, step.says, expectation, holds(played, expectation.text), played.reply.text)
        yield Outcome(script, step.says, Expectation(SAFE, must=True), _is_safe(played), played.reply.text)


def turns_of(script: Script, catalogue: Catalogue, assistant: Assistant) -> Iterator[tuple[Step, Played]]:
    """Every step of the script with what was understood and replied, each going on from the one before."""
    query = Query()
    above: tuple[ItemId, ...] = ()
    for step in script.steps:
        query = replace(query, turns=(*query.turns, Turn("user", step.says)))
        understanding = assistant.understand(query)
        reply = assistant.reply(query, k=N_CARDS)
        played = Played(catalogue, understanding, reply, understanding.profile, above)
        yield step, played
        above = played.cards or above
        query = replace(query, turns=(*query.turns, Turn("assistant", reply.text)), profile=reply.profile)


def rates(outcomes: Sequence[Outcome]) -> Mapping[str, Rates]:
    """Rates by catalogue, and of all together."""
    names = dict.fromkeys(outcome.script.catalogue for outcome in outcomes)
    by_name = {name: _rates(o for o in outcomes if o.script.catalogue == name) for name in names}
    return {**by_name, _EVERYTHING: _rates(outcomes)}


def told(outcome: Outcome) -> str:
    """The outcome in a line: where it stands, what was said, what was expected, what was replied."""
    mark = "!" if outcome.expectation.must else "-"
    place = f"{Path(outcome.script.file).name}:{outcome.expectation.line}"
    return f"{mark} {place} > {outcome.said} | {outcome.expectation.text} | {outcome.reply}"


def _rates(outcomes: Iterable[Outcome]) -> Rates:
    outcomes = list(outcomes)
    must = [outcome.held for outcome in outcomes if outcome.expectation.must]
    should = [outcome.held for outcome in outcomes if not outcome.expectation.must]
    n_dialogues = len({(o.script.catalogue, o.script.file, o.script.name) for o in outcomes})
    return Rates(n_dialogues, (sum(must), len(must)), (sum(should), len(should)))


def _is_safe(played: Played) -> bool:
    if not holds(played, "no repeat"):
        return False
    given_up = [note for note in played.reply.trace.notes if note.startswith("dropped ")]
    broken = [
        entry.constraint
        for entry in played.reply.profile.constraints
        for item_id in played.cards
        if not matches(played.catalogue[item_id], entry.constraint)
    ]
    return all(any(f"dropped {c.field} {c.op} {c.value}:" in note for note in given_up) for c in broken)
