"""Plays scripts against an assistant without a language model, and keeps what held and what did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from llmrec.assistant import Assistant
from llmrec.build import Overrides, assemble, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.where import matches
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import ItemId, Query, Turn
from tests.behaviour.catalogues import catalogue
from tests.behaviour.expectations import Played, holds
from tests.behaviour.script import Expectation, Script

N_CARDS = 3
SAFE = "every card obeys the state and none is seen, rejected or repeated"


@dataclass(frozen=True, slots=True)
class Outcome:
    script: Script
    said: str
    expectation: Expectation
    held: bool
    reply: str


@cache
def assistant_over(name: str) -> tuple[Catalogue, Assistant]:
    """The catalogue of that name and an assistant over it that needs no weights."""
    items = catalogue(name)
    settings = Settings().changed(["language_model.model=none"])
    overrides = Overrides(encoder=HashingEmbedder())
    fitted = fit_tables(items, Interactions.from_rows((), items), settings=settings, name=name, overrides=overrides)
    return items, assemble(fitted, overrides)


def play(script: Script) -> Iterator[Outcome]:
    """Every expectation of the script, with whether it held; after each turn also that nothing unsafe was shown."""
    items, assistant = assistant_over(script.catalogue)
    query = Query()
    above: tuple[ItemId, ...] = ()
    for step in script.steps:
        query = replace(query, turns=(*query.turns, Turn("user", step.says)))
        understanding = assistant.understand(query)
        reply = assistant.reply(query, k=N_CARDS)
        played = Played(items, understanding, reply, understanding.profile, above)
        for expectation in step.expectations:
            yield Outcome(script, step.says, expectation, holds(played, expectation.text), reply.text)
        yield Outcome(script, step.says, Expectation(SAFE, must=True, line=0), _is_safe(played), reply.text)
        above = played.cards or above
        query = replace(query, turns=(*query.turns, Turn("assistant", reply.text)), profile=reply.profile)


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
