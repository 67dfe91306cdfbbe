"""A conversation as the JSON that a browser keeps, and back, with every part checked."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.errors import DataError
from llmrec.types import ItemId, Profile, UserId
from llmrec.ui.conversation import (
    DEFAULT_K,
    MAX_EXCHANGES,
    MAX_MESSAGE_CHARS,
    MAX_UNDO,
    Card,
    Conversation,
    Exchange,
    checked_k,
    checked_language,
    new_conversation,
)
from llmrec.ui.words import FOLLOW, LANGUAGES
from llmrec.wire import Json, profile_from_json, profile_to_json

# A reply is made here, but comes back through the browser, where anything can be put in its place.
_MAX_REPLY_CHARS = 20_000
_MAX_CARDS = 100
_MAX_EVIDENCE = 20
_MAX_VOICES = 20
_MAX_VOICE_CHARS = 60
_MAX_CANDIDATES = 100

Part = TypeVar("Part")


def to_browser(conversation: Conversation, catalogue: Catalogue) -> Json:
    """The conversation as JSON."""
    return {
        "id": conversation.id,
        "user_id": conversation.user_id,
        "exchanges": [_exchange_to_json(exchange) for exchange in conversation.exchanges],
        "profile": profile_to_json(conversation.profile, catalogue),
        # Undoing leaves what was shown as it is, so that it need not be kept so many times.
        "earlier": [profile_to_json(replace(profile, shown=()), catalogue) for profile in conversation.earlier],
        "candidates": list(conversation.candidates[:_MAX_CANDIDATES]),
        "k": conversation.k,
        "with_model": conversation.with_model,
        "language": conversation.language,
        "heard": conversation.heard,
    }


def from_browser(data: object, catalogue: Catalogue) -> tuple[Conversation, tuple[str, ...]]:
    """The conversation behind what a browser sent, and the keys of phrases that say which parts could not be used.

    Each part stands alone: a forged or outdated profile does not cost the conversation, nor the other way round.
    """
    stored = data if isinstance(data, Mapping) else {}
    complaints = [] if data is None or isinstance(data, Mapping) else ["bad_store"]

    def part(name: str, read: Callable[[object], Part], default: Part) -> Part:
        if name not in stored:
            return default
        try:
            return read(stored[name])
        except DataError:
            complaints.append(f"bad_{name}")
            return default

    def profile(row: object) -> Profile:
        return profile_from_json(row, catalogue)

    fresh = new_conversation()
    conversation = Conversation(
        id=part("id", _uuid, fresh.id),
        user_id=part("user_id", _user_id, fresh.user_id),
        exchanges=part("exchanges", lambda rows: _exchanges(rows, catalogue), ()),
        profile=part("profile", profile, Profile()),
        k=part("k", checked_k, DEFAULT_K),
        with_model=stored.get("with_model") is not False,
        language=part("language", checked_language, FOLLOW),
        heard=next((code for code in LANGUAGES if code == stored.get("heard")), DEFAULT_LANGUAGE),
        earlier=part("earlier", lambda rows: tuple(map(profile, _list(rows, MAX_UNDO))), ()),
        candidates=_known_ids(stored.get("candidates"), catalogue),
    )
    return conversation, tuple(complaints)


def _known_ids(rows: object, catalogue: Catalogue) -> tuple[ItemId, ...]:
    """Only a map is drawn from them, so that what cannot be read is not missed."""
    known = rows[:_MAX_CANDIDATES] if isinstance(rows, list) else ()
    return tuple(ItemId(row) for row in known if isinstance(row, str) and row in catalogue)


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
