"""What the page asks of a recommender; `llmrec.Recommender` has it, and so has the fake of the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.types import Event, Profile, Turn


class Chat(Protocol):
    """Answers turns."""

    def for_user(self, user_id: str) -> Chat:
        """The same as this user gets it while an experiment runs."""
        ...

    def chat_stream(self, turns: Sequence[Turn], profile: Profile, *, k: int) -> Iterator[Event]:
        """The reply to the last of `turns` in pieces, the whole Reply last. Closing the iterator stops the model."""
        ...


class ChatRecommender(Chat, Protocol):
    """A recommender that holds a conversation."""

    @property
    def name(self) -> str:
        """What the owner called it; shown on the page."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """The items that cards can show."""
        ...


class Variants(Protocol):
    """The chat as a visitor may set it."""

    def of(self, language: str | None, *, with_model: bool) -> Chat:
        """The chat in `language` (None: the user's own), with the language model's voice or without."""
        ...
