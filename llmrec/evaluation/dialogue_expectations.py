"""What may be expected of a turn, by the first word of the expectation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import constraint_text, matches, parse_where
from llmrec.errors import DataError
from llmrec.types import Constraint, ItemId, Profile, Reply, Understanding

_ITEM_LISTS = ("liked", "disliked", "seen", "shown", "accepted")


@dataclass(frozen=True, slots=True)
class Played:
    """One turn that was played, and the cards of the reply that stood above it."""

    catalogue: Catalogue
    understanding: Understanding
    reply: Reply
    before: Profile
    above: tuple[ItemId, ...]

    @property
    def cards(self) -> tuple[ItemId, ...]:
        """The items the reply shows, best first."""
        return tuple(card.item_id for card in self.reply.recommendations)

    def items(self, text: str) -> list[ItemId]:
        """Items by title, or by `#n` for a card of the reply above; parted by semicolons."""
        return [self._item(part.strip()) for part in text.split(";")]

    def _item(self, text: str) -> ItemId:
        if text.startswith("#"):
            number = int(text[1:]) if text[1:].isdigit() else 0
            return self.above[number - 1] if 0 < number <= len(self.above) else ItemId(f"there was no card {text}")
        found = [item.id for item in self.catalogue.values() if item.title == text]
        if len(found) != 1:
            raise DataError(f"{len(found)} items are called {text!r}; an expectation must name one, or a card as #1.")
        return found[0]


def holds(played: Played, expectation: str) -> bool:
    """Whether the expectation is true of the turn. Raises LLMRecError for one that says nothing."""
    word, _, rest = expectation.partition(" ")
    if word not in CHECKS:
        raise DataError(f"{expectation!r} is no expectation; each begins with {', '.join(CHECKS)}.")
    return CHECKS[word](played, rest)


def _satisfies(played: Played, rest: str) -> bool:
    (constraint,) = parse_where([rest], played.catalogue.fields)
    return bool(played.cards) and all(matches(played.catalogue[i], constraint) for i in played.cards)


def _absent(played: Played, rest: str) -> bool:
    return not set(played.items(rest)) & set(played.cards)


def _shows(played: Played, rest: str) -> bool:
    return set(played.items(rest)) <= set(played.cards)


def _cards(played: Played, rest: str) -> bool:
    return len(played.cards) == int(rest) if rest else bool(played.cards)


def _no(played: Played, rest: str) -> bool:
    word, _, rest = rest.partition(" ")
    if word == "cards":
        return not played.cards
    if word == "card":
        (constraint,) = parse_where([rest.removeprefix("satisfies ")], played.catalogue.fields)
        return not any(matches(played.catalogue[i], constraint) for i in played.cards)
    if word == "repeat":
        profile = played.before
        gone = {e.item_id for e in (*profile.shown, *profile.seen, *profile.disliked)}
        return not gone & set(played.cards)
    return not holds(played, f"{word} {rest}".strip())


def _state(played: Played, rest: str) -> bool:
    name, _, rest = rest.partition(" ")
    profile = played.reply.profile
    if name == "no" and not rest.startswith("where "):
        return not _state(played, rest)
    if name == "no":
        return all(entry.constraint.field != rest.removeprefix("where ") for entry in profile.constraints)
    if name == "where":
        return _holds([entry.constraint for entry in profile.constraints], played, rest)
    if name == "leaning":
        return _holds([entry.constraint for entry in profile.leanings], played, rest)
    if name == "wish":
        texts = [wish.text.casefold() for wish in profile.wishes]
        return not texts if rest == "empty" else any(rest.casefold() in text for text in texts)
    if name not in _ITEM_LISTS:
        raise DataError(f"the state has no {name!r}; it has {', '.join((*_ITEM_LISTS, 'wish', 'where', 'leaning'))}.")
    ids = {entry.item_id for entry in getattr(profile, name)}
    return not ids if rest == "empty" else set(played.items(rest)) <= ids


def _holds(believed: Sequence[Constraint], played: Played, rest: str) -> bool:
    if rest == "empty":
        return not believed
    wanted = {constraint_text(c) for c in parse_where([rest], played.catalogue.fields)}
    return wanted <= {constraint_text(constraint) for constraint in believed}


def _says(played: Played, rest: str) -> bool:
    text = played.reply.text.casefold()
    if rest.startswith("not "):
        return rest.removeprefix("not ").casefold() not in text
    return rest.casefold() in text


def _tells(played: Played, rest: str) -> bool:
    """Whether the reply names the item and its fact: `tells #2 runtime`."""
    place, _, name = rest.partition(" ")
    (item_id,) = played.items(place)
    item = played.catalogue.get(item_id)
    fact = item.facts.get(name) if item else None
    if item is None or fact is None:
        return False
    said = ", ".join(fact) if isinstance(fact, tuple) else str(fact)
    return item.title in played.reply.text and said in played.reply.text


def _asked(played: Played, rest: str) -> bool:
    return bool(played.understanding.question)


def _asks(played: Played, rest: str) -> bool:
    """Whether something is asked beside the cards, about a field where one is named."""
    new = played.reply.profile.asked[len(played.before.asked) :]
    return any(entry.field == rest for entry in new) if rest else bool(new)


def _not(played: Played, rest: str) -> bool:
    return not holds(played, rest)


def _act(played: Played, rest: str) -> bool:
    return rest in {act.kind for act in played.understanding.acts}


CHECKS: Mapping[str, Callable[[Played, str], bool]] = {
    "satisfies": _satisfies, "absent": _absent, "shows": _shows, "cards": _cards, "no": _no, "state": _state,
    "says": _says, "tells": _tells, "asked": _asked, "asks": _asks, "not": _not, "act": _act,
}  # fmt: skip
