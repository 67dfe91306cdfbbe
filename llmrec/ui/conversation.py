"""One browser's conversation as a value, and as the JSON that the browser keeps."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.types import ItemId, Profile, Turn, UserId
from llmrec.wire import Json, profile_from_json, profile_to_json

MAX_MESSAGE_CHARS = 4_000
MAX_EXCHANGES = 200
# A reply is made here, but comes back through the browser, where anything can be put in its place.
_MAX_REPLY_CHARS = 20_000
_MAX_CARDS = 100

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Card:
    """One recommended item; its title and facts are looked up when it is shown, never stored."""

    item_id: ItemId
    why: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the user said and what came back.

    Attributes:
        text: The reply, or the sentence that says what went wrong.
        status: How it came about ("43 fit, 10 ranked, 0.8 s"), or empty.
        failed: No reply came; the recommender never hears of this exchange again.
    """

    asked: str
    text: str
    cards: tuple[Card, ...] = ()
    status: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """All the page knows of one browser; it lives there, and on the server only while the page is open.

    Attributes:
        id: Tells this conversation from the one before, so that a late reply cannot land in the wrong one.
        user_id: Random, made for this browser; it says nothing of the person.
    """

    id: str
    user_id: UserId
    exchanges: tuple[Exchange, ...] = ()
    profile: Profile = field(default_factory=Profile)

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
        return replace(self, exchanges=(*self.exchanges, exchange), profile=profile)


def new_conversation(user_id: UserId | None = None) -> Conversation:
    """An empty conversation, of a new user when none is given."""
    return Conversation(id=str(uuid.uuid4()), user_id=user_id or UserId(str(uuid.uuid4())))


def to_browser(conversation: Conversation, catalogue: Catalogue) -> Json:
    """The conversation as JSON."""
    return {
        "user_id": conversation.user_id,
        "exchanges": [_exchange_to_json(exchange) for exchange in conversation.exchanges],
        "profile": profile_to_json(conversation.profile, catalogue),
    }


def from_browser(data: object, catalogue: Catalogue) -> tuple[Conversation, str]:
    """The conversation behind what a browser sent, and a sentence if a part of it could not be used.

    Each part stands alone: a forged or outdated profile does not cost the conversation, nor the other way round.
    """
    stored = data if isinstance(data, Mapping) else {}
    complaints: list[str] = []

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
        fresh.id,
        part("user_id", _user_id, fresh.user_id, "This browser's id was unreadable, so it got a new one."),
        part("exchanges", lambda rows: _exchanges(rows, catalogue), (), "The stored conversation was unreadable."),
        part(
            "profile",
            lambda row: profile_from_json(row, catalogue),
            Profile(),
            "The stored profile does not fit this catalogue, so it starts empty.",
        ),
    )
    return conversation, " ".join(complaints)


def _exchange_to_json(exchange: Exchange) -> Json:
    return {
        "asked": exchange.asked,
        "text": exchange.text,
        "cards": [{"item_id": card.item_id, "why": card.why} for card in exchange.cards],
        "status": exchange.status,
        "failed": exchange.failed,
    }


def _user_id(value: object) -> UserId:
    try:
        return UserId(str(uuid.UUID(str(value), version=4)))
    except ValueError as error:
        raise DataError("a user id is a random UUID.") from error


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
    return Card(ItemId(_text(row.get("item_id"), _MAX_REPLY_CHARS)), _text(row.get("why"), _MAX_REPLY_CHARS))


def _list(value: object, max_length: int) -> Sequence[object]:
    if not isinstance(value, list) or len(value) > max_length:
        raise DataError(f"a list of at most {max_length} rows was expected.")
    return value


def _text(value: object, max_chars: int) -> str:
    if not isinstance(value, str) or len(value) > max_chars:
        raise DataError(f"a text of at most {max_chars} characters was expected.")
    return value
