"""The public face: fit on your items, recommend, rank, explain, chat, save and load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

from llmrec.arguments import ItemReference, TurnLike, Where, as_references, checked_k
from llmrec.assistant import Assistant
from llmrec.build import Around, Overrides, fit
from llmrec.bundle import seal_of
from llmrec.data.where import parse_where
from llmrec.index import load, save
from llmrec.knowledge import Knowledge
from llmrec.many_users import ranked_users, require_known
from llmrec.results import Recommendations, UserRecommendations
from llmrec.serving import Serving
from llmrec.settings import Settings
from llmrec.types import Event, Explanation, Profile, Query, Reply, Turn, UserId, WhyNot
from llmrec.updating import News, read_news, updated

if TYPE_CHECKING:
    from llmrec.data.tables import TableSource


class Recommender(Knowledge):
    """A recommender over one catalogue: `Recommender().fit(items, interactions)` or `Recommender.from_pretrained(dir)`.

    It holds no user's state: profile and conversation are arguments, so one object serves everybody.
    """

    def __init__(self, settings: Settings | None = None, *, overrides: Overrides | None = None) -> None:
        """Choose settings; `overrides` replaces models, prompts or the device at run time and is never saved."""
        super().__init__()
        self.settings = settings or Settings()
        self._overrides = overrides or Overrides()
        self._serving: Serving | None = None
        self._answering: Assistant | None = None
        self._starting = Lock()

    @classmethod
    def from_pretrained(cls, directory: str | Path, *, overrides: Overrides | None = None) -> Self:
        """The recommender saved in `directory`, every file verified; nothing is fetched.

        Raises:
            ArtifactError: The directory is missing, damaged, or of another version.
            AssetError: A model it names is not on this machine.
        """
        fitted = load(Path(directory))
        recommender = cls(fitted.settings, overrides=overrides)
        recommender._fitted, recommender._directory = fitted, Path(directory)
        return recommender

    def newest(self) -> Self:
        """Itself, or what its directory holds by now; models of one name are shared. Raises as `from_pretrained`."""
        if self._directory is None or seal_of(self._directory) == self.version:
            return self
        newer = type(self).from_pretrained(self._directory, overrides=self._overrides)
        newer._serving = Serving(newer._index, newer._overrides, newer._directory, before=self._served)
        return newer

    def save_pretrained(self, directory: str | Path) -> None:
        """Write all of it to `directory`, old version or new, never a mixture. Raises ArtifactError."""
        save(self._index, Path(directory))

    def fit(
        self,
        items: TableSource,
        interactions: TableSource | None = None,
        *,
        name: str = "catalogue",
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Index `items` and learn from `interactions`.

        Args:
            items: A path (CSV, JSON Lines, Parquet), a list of dicts, a pandas or Arrow table: `item_id`, `title`, …
            interactions: The same kinds with `user_id`, `item_id` and optional `rating`, `timestamp`; None for none.
            name: Shown to users.
            columns: Our column names to the tables' own, `{"item_id": "sku"}`.

        Raises:
            DataError: A table as a whole cannot be used; rows that cannot are left out and counted in `reports`.
        """
        given = self._overrides
        self._fitted = fit(items, interactions, settings=self.settings, name=name, overrides=given, columns=columns)
        self._serving = self._answering = None
        return self

    def update(
        self,
        interactions: TableSource | None = None,
        *,
        items: TableSource | None = None,
        remove: Sequence[str] = (),
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Take in what is new: in seconds, where `fit` takes minutes; what became of each row is in `reports`.

        What it already answers goes on with what it knew; the next request loads the models anew.

        Args:
            interactions: What users did since; rows that are known are not counted twice.
            items: To add, or to put in the place of those with the same ids.
            remove: Ids of items to take out, which means learning all again.
            columns: Our column names to the tables' own.

        Raises:
            DataError: A table as a whole cannot be used.
            UnknownItemError: An item to remove is not there.
        """
        news = read_news(self._index, News(items, interactions, remove, columns))
        self._fitted = updated(self._index, news, overrides=self._overrides)
        self._serving = self._answering = None
        return self

    def warm_up(self) -> None:
        """Load the models now instead of with the first request. Raises AssetError, ModelError."""
        _ = self.assistant

    @property
    def assistant(self) -> Assistant:
        """What answers its turns; loads the models when nothing was asked yet. Raises AssetError, ModelError."""
        return self._answering or self._served.plain

    def assistant_for(self, user_id: str | None) -> Assistant:
        """What answers this user: while an experiment runs, their arm's assistant. Raises AssetError, ModelError."""
        if self._answering is not None or user_id is None:
            return self.assistant
        return self._served.for_user(UserId(str(user_id)))

    def for_user(self, user_id: str | None) -> Self:
        """The same recommender as this user gets it, also one whom it has no history of; see `assistant_for`."""
        return self.answered_by(self.assistant_for(user_id))

    def in_context(self, context: Mapping[str, str]) -> Self:
        """The same recommender for a request made there and then: `{"weekday": "saturday", "device": "phone"}`.

        The language model is told; `ranking.context` says what `weekday` and `time_of_day` (UTC) are worth beside.
        """
        if self._answering is None:
            _ = self._served  # made once, for both
        other = copy(self)
        other._context = dict(context)
        return other

    @property
    def _served(self) -> Serving:
        # Two first requests at once would load the models twice.
        with self._starting:
            if self._serving is None:
                self._serving = Serving(self._index, self._overrides, self._directory)
            return self._serving

    def answered_by(self, assistant: Assistant) -> Self:
        """The same recommender with another `assistant`; what was learned is shared, not copied."""
        other = type(self)(self.settings, overrides=self._overrides)
        other._fitted, other._answering, other._context = self._index, assistant, self._context
        return other

    def through(self, around: Around) -> Self:
        """The same recommender with `around` its stages; what was learned is shared, models are loaded anew."""
        other = type(self)(self.settings, overrides=replace(self._overrides, around=around))
        other._fitted, other._directory = self._index, self._directory
        return other

    def recommend(
        self,
        query: str = "",
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
        profile: Profile | None = None,
        k: int = 10,
        where: Where = None,
        filter_viewed: bool = True,
    ) -> Recommendations:
        """The `k` items that suit a user best; a new user is one sentence or a few liked titles.

        Args:
            query: What they feel like, in their words; read as a first turn would be.
            user_id: A user of the interactions the recommender was fitted on.
            history: What a new user liked, oldest first, or what a known one met since.
            profile: What is already believed, as `profile_of` makes it or a former result's `profile`.
            k: At least 1; more than the catalogue holds gives all that may be shown, with a note.
            where: Hard conditions, `{"year": {"$gte": 1990}}` or `["year>=1990"]`.
            filter_viewed: Whether what the user already met is left out.

        Raises:
            ConfigError: `k` or `where` is wrong.
            UnknownUserError: No interactions of `user_id`.
            UnknownItemError: A reference is not in the catalogue, or stands for several items.
        """
        k = checked_k(k)
        asked, notes = self._asked(query, user_id, history, profile)
        constraints = parse_where(where, self.catalogue.fields)
        asked = replace(asked, constraints=constraints, filter_viewed=filter_viewed)
        reply = self.assistant_for(user_id).recommend(asked, k=k)
        if not reply.recommendations:
            notes = (*notes, "Nothing in the catalogue satisfies all of that.")
        if k > len(self.catalogue):
            notes = (*notes, f"{k} were asked for; the catalogue has {len(self.catalogue)} items.")
        return Recommendations.of(reply, notes)

    def recommend_many(
        self, user_ids: Sequence[str], *, k: int = 10, where: Where = None, filter_viewed: bool = True
    ) -> Iterator[UserRecommendations]:
        """What `recommend` gives each of `user_ids`, one by one, retrieved in bulk and not explained; same errors."""
        known = require_known(user_ids, self._index.interactions)
        asked = Query(constraints=parse_where(where, self.catalogue.fields), filter_viewed=filter_viewed)
        return ranked_users(self.assistant, self._index, known, asked, k=checked_k(k))

    def rank(
        self,
        query_or_history: str | Sequence[ItemReference],
        items: Sequence[ItemReference],
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
    ) -> Recommendations:
        """The given items, all of them, best first for a wish, for somebody who liked some titles, or for a user."""
        asked, notes = self._asked_by(query_or_history, user_id, history)
        reply = self.assistant_for(user_id).rank(asked, [self.item_id(reference) for reference in items])
        return Recommendations.of(reply, notes)

    def explain(
        self,
        query_or_history: str | Sequence[ItemReference],
        item: ItemReference,
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
    ) -> Explanation:
        """Why `item` would suit this wish, these liked titles or this user, from facts that can be checked."""
        asked, _ = self._asked_by(query_or_history, user_id, history)
        return self.assistant_for(user_id).explain(asked, self.item_id(item))

    def why_not(
        self,
        query_or_history: str | Sequence[ItemReference],
        item: ItemReference,
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
        profile: Profile | None = None,
        k: int = 5,
    ) -> WhyNot:
        """Why `item` is not among the `k` recommended; with a reply's `profile`, why that reply did not show it."""
        asked, _ = self._asked_by(query_or_history, user_id, history)
        if profile is not None:
            asked = replace(asked, profile=profile)
        return self.assistant_for(user_id).why_not(asked, self.item_id(item), k=checked_k(k))

    def chat(
        self,
        turns: Sequence[TurnLike],
        profile: Profile | None = None,
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
        k: int = 5,
    ) -> Reply:
        """The reply to the last of `turns`, which is the user's; pass the reply's profile back with the next one."""
        return self.assistant_for(user_id).reply(self._conversation(turns, profile, user_id, history), k=checked_k(k))

    def chat_stream(
        self,
        turns: Sequence[TurnLike],
        profile: Profile | None = None,
        *,
        user_id: str | None = None,
        history: Sequence[ItemReference] = (),
        k: int = 5,
    ) -> Iterator[Event]:
        """The same reply in pieces: stages, cards, words, and the whole Reply last. Closing it stops the model."""
        return self.assistant_for(user_id).stream(self._conversation(turns, profile, user_id, history), k=checked_k(k))

    def _asked(
        self, text: str, user_id: str | None, history: Sequence[ItemReference], profile: Profile | None = None
    ) -> tuple[Query, tuple[str, ...]]:
        """The query behind the arguments of a call, and what the user should be told about its words."""
        query = self._conversation((), profile, user_id, history)
        if not text.strip():
            return query, ()
        understanding = self.assistant.understand(replace(query, turns=(Turn("user", text),)))
        notes = (*understanding.notes, *filter(None, [understanding.question]))
        return replace(query, profile=understanding.profile), notes

    def _asked_by(
        self, query_or_history: str | Sequence[ItemReference], user_id: str | None, history: Sequence[ItemReference]
    ) -> tuple[Query, tuple[str, ...]]:
        if isinstance(query_or_history, str):
            return self._asked(query_or_history, user_id, history)
        return self._asked("", user_id, [*as_references(history), *as_references(query_or_history)])
