"""A user who knows what they want by its attributes only, never its title: answers, criticises, says what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmrec.assistant import Assistant
from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.dimensions import DIMENSIONS, field_of
from llmrec.evaluation.estimates import Estimate, bootstrap_means
from llmrec.types import Explanation, FactValue, Item, ItemId, Query, QuestionEntry, Ranking, Reply, Turn

MAX_TURNS = 10
N_CARDS = 5
_MAX_KINDS = 30  # a user wishes for kinds; fields with more values hold names
_SEEN = 0.2  # of what is shown; in annotated dialogues 18.6 % of what users do is to say so (docs/dialogue.md)
_ANNOYED = 0.5  # of half or more of the cards: from there on a kind is complained of


class SimulatedUser:
    """Looks for one item of a catalogue and speaks of its facts. Chance decides what is said, seeded."""

    def __init__(self, target: Item, catalogue: Catalogue, rng: np.random.Generator) -> None:
        """Look for `target`."""
        self._facts = target.facts
        self._catalogue = catalogue
        self._rng = rng
        self._kinds = [
            f.name for f in catalogue.fields.values() if f.kind in {"text", "list"} and len(f.values) <= _MAX_KINDS
        ]
        self._measures = [(d, name) for d in DIMENSIONS if (name := field_of(d, catalogue))]
        self._said: set[str] = set()

    def open(self) -> str:
        """The first message: one kind that the item is of, or that anything will do."""
        own = [value for name in self._kinds for value in _values(self._facts.get(name))]
        return f"I'd like {self._one(own)}" if own else "recommend something"

    def react(self, asked: QuestionEntry | None, cards: Sequence[Item]) -> str:
        """What is said to `cards`, none of which is the item, and to the question beside them."""
        if asked is not None:
            return self._answer(asked)
        if cards and self._rng.random() < _SEEN:
            return f"I've seen number {self._rng.integers(len(cards)) + 1}"
        complaints = [said for said in self._complaints(cards) if said not in self._said]
        if not complaints:
            return "more"
        said = self._one(complaints)
        self._said.add(said)
        return said

    def _answer(self, asked: QuestionEntry) -> str:
        fact, first = self._facts.get(asked.field), asked.values[0]
        if fact is None:
            return "I don't mind"
        if isinstance(fact, bool):
            return "yes" if fact else "no"
        if isinstance(fact, (int, float)) and isinstance(first, (int, float)):
            return f"up to {first:g}" if fact <= first else f"over {first:g}"
        own = [value for value in asked.values if value in _values(fact)]
        return str(self._one(own)) if own else "none of these"

    def _complaints(self, cards: Sequence[Item]) -> Iterator[str]:
        for dimension, name in self._measures:
            own = self._facts.get(name)
            values = [v for card in cards if isinstance(v := card.facts.get(name), (int, float))]
            if isinstance(own, (int, float)) and values:
                if own > max(values):
                    yield dimension.more[0]
                if own < min(values):
                    yield dimension.less[0]
        for name in self._kinds:
            own_kinds = _values(self._facts.get(name))
            shown = [value for card in cards for value in _values(card.facts.get(name))]
            yield from (
                f"no {value}"
                for value in dict.fromkeys(shown)
                if own_kinds and value not in own_kinds and shown.count(value) >= _ANNOYED * len(cards)
            )

    def _one(self, texts: Sequence[FactValue]) -> str:
        return str(texts[int(self._rng.integers(len(texts)))])


class NoExplanations:
    """Explains nothing, for conversations that nobody reads; implements Explainer."""

    def explain(self, query: Query, ranking: Ranking, *, language: str = "en") -> Sequence[Explanation]:
        """One empty explanation per item."""
        return [Explanation(item_id, "", ()) for item_id in ranking.item_ids]


def turns_to_success(assistant: Assistant, catalogue: Catalogue, target: ItemId, *, seed: int) -> float:
    """At which reply, from 1, `target` is shown to a user who looks for it; nan if not within MAX_TURNS."""
    user = SimulatedUser(catalogue[target], catalogue, np.random.default_rng(seed))
    query, said = Query(), user.open()
    for turn in range(1, MAX_TURNS + 1):
        query = replace(query, turns=(*query.turns, Turn("user", said)))
        reply = assistant.reply(query, k=N_CARDS)
        cards = [catalogue[card.item_id] for card in reply.recommendations]
        if target in {card.id for card in cards}:
            return float(turn)
        said = user.react(_new_question(query, reply), cards)
        query = replace(query, turns=(*query.turns, Turn("assistant", reply.text)), profile=reply.profile)
    return float("nan")


def turns_by_popularity(order: Sequence[ItemId], target: ItemId) -> float:
    """At which reply `target` is shown by who shows everybody the next of `order`; nan if not within MAX_TURNS."""
    turn = order.index(target) // N_CARDS + 1
    return float(turn) if turn <= MAX_TURNS else float("nan")


def success_estimates(turns: Mapping[str, NDArray[np.float64]], *, seed: int) -> Mapping[tuple[str, str], Estimate]:
    """Of each system the share of users who succeed and their turns, a failure counted as one more than the most.

    Also what each system is above the first, user by user. `turns` is float64 [n_users], nan for a failure, the same
    users in the same order for all systems.
    """
    values: dict[tuple[str, str], NDArray[np.float64]] = {}
    first = next(iter(turns), "")
    for name, found in turns.items():
        success, spent = (~np.isnan(found)).astype(np.float64), np.where(np.isnan(found), MAX_TURNS + 1, found)
        values[name, "success"], values[name, "turns"] = success, spent
        values[name, "success - first"] = success - values[first, "success"]
        values[name, "turns - first"] = spent - values[first, "turns"]
    return bootstrap_means(values, seed=seed)


def _new_question(query: Query, reply: Reply) -> QuestionEntry | None:
    new = reply.profile.asked[len(query.profile.asked) :]
    return new[-1] if new else None


def _values(fact: FactValue | None) -> tuple[FactValue, ...]:
    if fact is None:
        return ()
    return fact if isinstance(fact, tuple) else (fact,)
