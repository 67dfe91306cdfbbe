"""One browser's conversation as a value."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llmrec.dialogue.messages import DEFAULT_LANGUAGE, language_of
from llmrec.errors import DataError
from llmrec.types import ItemId, Profile, Trace, Turn, UserId
from llmrec.ui.words import FOLLOW, LANGUAGES

MAX_MESSAGE_CHARS = 4_000
MAX_EXCHANGES = 200
MAX_UNDO = 20
K_CHOICES = (3, 5, 8, 10)
DEFAULT_K = 5


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
        language: What the page and the answers speak: one of LANGUAGES, or FOLLOW for what the user writes in.
        heard: The language the user wrote in last; before that, the browser's.
        earlier: The profiles before the last changes, oldest first.
        candidates: What the last turn found before it chose.
        framed_in: The language that the page around the conversation was printed in; empty where that is not known.
    """

    id: str
    user_id: UserId
    exchanges: tuple[Exchange, ...] = ()
    profile: Profile = field(default_factory=Profile)
    k: int = DEFAULT_K
    with_model: bool = True
    language: str = FOLLOW
    heard: str = DEFAULT_LANGUAGE
    earlier: tuple[Profile, ...] = ()
    candidates: tuple[ItemId, ...] = ()
    framed_in: str = field(default="", compare=False)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation as the recommender reads it, oldest first."""
        return tuple(
            turn
            for exchange in self.exchanges
            if not exchange.failed
            for turn in (Turn("user", exchange.asked), Turn("assistant", exchange.text))
        )

    @property
    def speaks(self) -> str:
        """The language of the page, one of LANGUAGES."""
        return self.heard if self.language == FOLLOW else self.language

    def with_exchange(self, exchange: Exchange, profile: Profile) -> Conversation:
        """The conversation with one more exchange and the profile as it is now."""
        exchanges = (*self.exchanges, exchange)
        return replace(self.with_profile(profile), exchanges=exchanges, heard=language_of(exchange.asked))

    def with_profile(self, profile: Profile) -> Conversation:
        """The conversation with another profile, and a way back to the one it had."""
        if profile == self.profile:
            return self
        return replace(self, profile=profile, earlier=(*self.earlier, self.profile)[-MAX_UNDO:])

    def undone(self) -> Conversation:
        """The conversation with the profile before the last change; what was shown since stays known as shown."""
        if not self.earlier:
            return self
        profile = replace(self.earlier[-1], shown=self.profile.shown)
        return replace(self, profile=profile, earlier=self.earlier[:-1])

    def again(self) -> Conversation:
        """An empty conversation of the same user with the same settings."""
        settings = replace(new_conversation(self.user_id), k=self.k, with_model=self.with_model)
        return replace(settings, language=self.language, heard=self.heard, framed_in=self.framed_in)


def new_conversation(user_id: UserId | None = None) -> Conversation:
    """An empty conversation, of a new user when none is given."""
    return Conversation(id=str(uuid.uuid4()), user_id=user_id or UserId(str(uuid.uuid4())))


def checked_k(value: object) -> int:
    """One of the numbers of cards that can be chosen. Raises DataError."""
    known = next((k for k in K_CHOICES if str(k) == str(value)), None)
    if known is None:
        raise DataError(f"{str(value)[:40]!r} is no number of cards; choose one of {', '.join(map(str, K_CHOICES))}.")
    return known


def checked_language(value: object) -> str:
    """One of the languages that can be chosen, or FOLLOW. Raises DataError."""
    if not isinstance(value, str) or value not in {FOLLOW, *LANGUAGES}:
        raise DataError(f"{str(value)[:40]!r} is no language of the page; choose one of {', '.join(LANGUAGES)}.")
    return value
