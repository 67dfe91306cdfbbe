"""What every route needs, put together once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from llmrec.feedback import SQLFeedbackStore, open_store
from llmrec.recommender import Recommender
from llmrec.service.impressions import ImpressionLog
from llmrec.service.keys import KEYS_FILE, KeyFile
from llmrec.service.metrics import Metrics
from llmrec.service.models import ProfileModel
from llmrec.service.people import Identity, Known, People
from llmrec.service.working import Done, Workshop
from llmrec.types import Profile
from llmrec.wire import profile_from_json

T = TypeVar("T")
_N_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Stores:
    """What a service keeps."""

    keys: KeyFile
    feedback: SQLFeedbackStore

    @classmethod
    def in_directory(cls, directory: Path, *, store: str = "") -> Stores:
        """Keys in `directory`, and the rest there or at the address `store`; begun where they are not there.

        Raises:
            ConfigError, FeedbackError: `store` is no address, or the store cannot be opened.
        """
        return cls(KeyFile(directory / KEYS_FILE), open_store(store or directory))

    def close(self) -> None:
        """Let go of them."""
        self.feedback.close()


@dataclass(frozen=True, slots=True)
class House:
    """A recommender whose model the workshop's engine owns, and all around it.

    A request keeps the house that it came into: where a new version moves in, the next one finds another house.
    """

    recommender: Recommender
    people: People
    workshop: Workshop
    metrics: Metrics
    impressions: ImpressionLog

    @property
    def version(self) -> str:
        """What tells its recommender from another version, in a few characters."""
        return self.recommender.version[:_N_SHOWN]

    async def answer(
        self, request: Request, identity: Identity, work: Callable[[], T], *, deadline_s: float | None
    ) -> Done[T]:
        """The result of `work`, done in turn with other callers'."""
        return await self.workshop.do(request, work, owner=identity.caller, deadline_s=deadline_s)

    def known(self, identity: Identity, user_id: str | None) -> Known:
        """What is known of whom `identity` asks for. Raises ForbiddenError, UnknownUserError, FeedbackError."""
        acting = identity.acts_for(user_id)
        # Somebody whose own key it is may be new here; a name that an application got wrong should not pass.
        return self.people.known(acting, must_exist=acting is not None and acting != identity.user_id)

    def serving(self, identity: Identity, user_id: str | None, context: Mapping[str, str]) -> Recommender:
        """The recommender as whom `identity` asks for gets it there and then. Raises ForbiddenError."""
        return self.recommender.for_user(identity.acts_for(user_id)).in_context(context)

    def profile(self, model: ProfileModel | None, known: Known) -> Profile:
        """The profile that was sent, with what is known. Raises DataError when it is not of this catalogue."""
        sent = model.model_dump() if model is not None else {}
        return known.added_to(profile_from_json(sent, self.recommender.catalogue))


# Both are coroutines that wait for nothing: a plain function would be called in a thread, and cost more than the rest.
async def house_of(request: Request) -> House:
    """The house of this app."""
    house = request.app.state.house
    assert isinstance(house, House)
    return house


async def identity_of(request: Request) -> Identity:
    """Who asks; the gate has seen to it that somebody does."""
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity


InHouse = Annotated[House, Depends(house_of)]
Asking = Annotated[Identity, Depends(identity_of)]
