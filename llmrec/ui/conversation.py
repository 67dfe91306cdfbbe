"""One browser's conversation as a value, and as the JSON that the browser keeps."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.types import ItemId, Profile, Trace, Turn, UserId
from llmrec.wire import Json, profile_from_json, profile_to_json

MAX_MESSAGE_CHARS = 4_000
MAX_EXCHANGES = 200
# A reply is made here, but comes back through the browser, where anything can be put in its place.
_MAX_REPLY_CHARS = 20_000
_MAX_CARDS = 100
_MAX_EVIDENCE = 20
_MAX_VOICES = 20
_MAX_VOICE_CHARS = 60
_MAX_UNDO = 20
K_CHOICES = (3, 5, 8, 10)
DEFAULT_K = 5

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Card:
    """One recommended item; its title and facts are looked up when it is shown, never stored.

    Attributes:
        evidence: The reasons behind `why`, one phrase each.
        voices: What each voice adds to the item's score.
    """

    item_id: ItemId
    why: str
    evidence: tuple[str, ...] = ()
    voices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the user said and what came back.

    Attributes:
        text: The reply, or the sentence that says what went wrong.
        status: How it came about ("43 fit, 10 ranked, 0.8 s"), or empty.
        failed: No reply came; the recommender never hears of this exchange again.
        trace: How it came about in full; only where the owner asked to see it, and never kept by the browser.
    """

    asked: str
    text: str
    cards: tuple[Card, ...] = ()
    status: str = ""
    failed: bool = False
    trace: Trace | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All the page knows of one browser; it lives there, and on the server only while the page is open.

    Attributes:
        id: Tells this conversation from the one before, so that a late reply cannot land in the wrong one.
        user_id: Random, made for this browser; it says nothing of the person.
        k: How many items the user wants to see when a message names no number.
        with_model: Whether the language model may have a say in the order.
        earlier: The profiles before the last changes, oldest first; known while the page is open.
        candidates: What the last turn found before it chose; known while the page is open.
    """

    id: str
    user_id: UserId
    exchanges: tuple[Exchange, ...] = ()
    profile: Profile = field(default_factory=Profile)
    k: int = DEFAULT_K
    with_model: bool = True
    earlier: tuple[Profile, ...] = field(default=(), compare=False)
    candidates: tuple[ItemId, ...] = field(default=(), compare=False)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation as the recommender reads it, oldest first."""
        return tuple(
            turn
            for exchange in self.exchanges
            if not exchange.failed
            for turn in (Turn("user", exchange.asked), Turn("assistant", exchange.text))
        )

    def with_exchange(self, exchange: Exchange, profile: Profile) -> Conversation:
        """The conversation with one more exchange and the profile as it is now."""
        return replace(self.with_profile(profile), exchanges=(*self.exchanges, exchange))

    def with_profile(self, profile: Profile) -> Conversation:
        """The conversation with another profile, and a way back to the one it had."""
        if profile == self.profile:
            return self
        return replace(self, profile=profile, earlier=(*self.earlier, self.profile)[-_MAX_UNDO:])

    def undone(self) -> Conversation:
        """The conversation with the profile before the last change; what was shown since stays known as shown."""
        if not self.earlier:
            return self
        profile = replace(self.earlier[-1], shown=self.profile.shown)
        return replace(self, profile=profile, earlier=self.earlier[:-1])


def new_conversation(user_id: UserId | None = None) -> Conversation:
    """An empty conversation, of a new user when none is given."""
    return Conversation(id=str(uuid.uuid4()), user_id=user_id or UserId(str(uuid.uuid4())))


def to_browser(conversation: Conversation, catalogue: Catalogue) -> Json:
    """The conversation as JSON."""
    return {
        "id": conversation.id,
        "user_id": conversation.user_id,
        "exchanges": [_exchange_to_json(exchange) for exchange in conversation.exchanges],
        "profile": profile_to_json(conversation.profile, catalogue),
        "k": conversation.k,
        "with_model": conversation.with_model,
    }


def from_browser(data: object, catalogue: Catalogue) -> tuple[Conversation, str]:
    """The conversation behind what a browser sent, and a sentence if a part of it could not be used.

    Each part stands alone: a forged or outdated profile does not cost the conversation, nor the other way round.
    """
    stored = data if isinstance(data, Mapping) else {}
    complaints = [] if data is None or isinstance(data, Mapping) else ["What this browser kept was unreadable."]

    def part(name: str, read: Callable[[object], Part], default: Part, complaint: str) -> Part:
        if name not in stored:
            return default
        try:
            return read(stored[name])
        except DataError:
            complaints.append(complaint)
            return default

    fresh = new_conversation()
    conversation = Conversation(
        part("id", _uuid, fresh.id, "The stored conversation's id was unreadable."),
        part("user_id", _user_id, fresh.user_id, "This browser's id was unreadable, so it got a new one."),
        part("exchanges", lambda rows: _exchanges(rows, catalogue), (), "The stored conversation was unreadable."),
        part(
            "profile",
            lambda row: profile_from_json(row, catalogue),
            Profile(),
            "The stored profile does not fit this catalogue, so it starts empty.",
        ),
        part("k", checked_k, DEFAULT_K, "The stored number of cards was unreadable."),
        stored.get("with_model") is not False,
    )
    return conversation, " ".join(complaints)


def _exchange_to_json(exchange: Exchange) -> Json:
    return {
        "asked": exchange.asked,
        "text": exchange.text,
        "cards": [
            {"item_id": card.item_id, "why": card.why, "evidence": list(card.evidence), "voices": dict(card.voices)}
            for card in exchange.cards
        ],
        "status": exchange.status,
        "failed": exchange.failed,
    }


def checked_k(value: object) -> int:
    """One of the numbers of cards that can be chosen. Raises DataError."""
    known = next((k for k in K_CHOICES if str(k) == str(value)), None)
    if known is None:
        raise DataError(f"{str(value)[:40]!r} is no number of cards; choose one of {', '.join(map(str, K_CHOICES))}.")
    return known


def _user_id(value: object) -> UserId:
    return UserId(_uuid(value))


def _uuid(value: object) -> str:
    try:
        return str(uuid.UUID(str(value), version=4))
    except ValueError as error:
        raise DataError("an id is a random UUID.") from error


def _exchanges(rows: object, catalogue: Catalogue) -> tuple[Exchange, ...]:
    return tuple(_exchange(row, catalogue) for row in _list(rows, MAX_EXCHANGES))


def _exchange(row: object, catalogue: Catalogue) -> Exchange:
    if not isinstance(row, Mapping):
        raise DataError("an exchange is a JSON object.")
    cards = [_card(card) for card in _list(row.get("cards"), _MAX_CARDS)]
    return Exchange(
        asked=_text(row.get("asked"), MAX_MESSAGE_CHARS),
        text=_text(row.get("text"), _MAX_REPLY_CHARS),
        # An item that has left the catalogue since takes its card along, not the conversation.
        cards=tuple(card for card in cards if card.item_id in catalogue),
        status=_text(row.get("status"), _MAX_REPLY_CHARS),
        failed=row.get("failed") is True,
    )


def _card(row: object) -> Card:
    if not isinstance(row, Mapping):
        raise DataError("a card is a JSON object.")
    evidence = tuple(_text(reason, _MAX_REPLY_CHARS) for reason in _list(row.get("evidence", []), _MAX_EVIDENCE))
    item_id, why = (_text(row.get(key), _MAX_REPLY_CHARS) for key in ("item_id", "why"))
    return Card(ItemId(item_id), why, evidence, _voices(row.get("voices", {})))


def _voices(value: object) -> Mapping[str, float]:
    if not isinstance(value, Mapping) or len(value) > _MAX_VOICES:
        raise DataError(f"at most {_MAX_VOICES} voices were expected.")
    return {_text(name, _MAX_VOICE_CHARS): _finite(part) for name, part in value.items()}


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DataError("a voice's part is a finite number.")
    return float(value)


def _list(value: object, max_length: int) -> Sequence[object]:
    if not isinstance(value, list) or len(value) > max_length:
        raise DataError(f"a list of at most {max_length} rows was expected.")
    return value


def _text(value: object, max_chars: int) -> str:
    if not isinstance(value, str) or len(value) > max_chars:
        raise DataError(f"a text of at most {max_chars} characters was expected.")
    return value
