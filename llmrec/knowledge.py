"""What a recommender knows of its items and users, for which no language model is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from llmrec.arguments import ItemReference, TurnLike, as_references, as_turn, checked_k, rating_of
from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.index import Fitted
from llmrec.references import referenced_item
from llmrec.results import SimilarItem
from llmrec.types import History, Interaction, ItemEntry, ItemId, Profile, Query, UserId, Vectors

if TYPE_CHECKING:
    from llmrec.data.reports import IngestReport

_SOMEBODY = UserId("")


class Knowledge:
    """Items, users and what was learned of them; names and ids that a caller writes are looked up here."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._fitted: Fitted | None = None
        self._context: Mapping[str, str] = {}
        self._directory: Path | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The items."""
        return self._index.catalogue

    @property
    def name(self) -> str:
        """What the owner called it."""
        return self._index.name

    @property
    def learned(self) -> Fitted:
        """The catalogue with everything learned from it, for whoever draws or measures it."""
        return self._index

    @property
    def directory(self) -> Path | None:
        """Where it was loaded from, None where it was not."""
        return self._directory

    @property
    def version(self) -> str:
        """What tells the version of its directory from any other; empty where it was not loaded."""
        return self._index.version

    @property
    def user_ids(self) -> tuple[UserId, ...]:
        """The users whose interactions it has."""
        return self._index.interactions.user_ids

    def history(self, user_id: str) -> History:
        """What this user did before it was fitted, oldest first. Raises UnknownUserError."""
        return self._index.interactions.history(UserId(user_id))

    @property
    def reports(self) -> tuple[IngestReport, ...]:
        """What became of each row that was read to build this; empty for one that was loaded."""
        return self._index.reports

    def similar(self, item: ItemReference, k: int = 10, *, unlike: Sequence[ItemReference] = ()) -> list[SimilarItem]:
        """The `k` available items closest to `item` in content, best first; far from those in `unlike`, if any."""
        others = [self.item_id(other) for other in unlike]
        mask = np.fromiter((other.available for other in self.catalogue.values()), dtype=np.bool_)
        found = self._index.vectors.recommend([self.item_id(item)], others, checked_k(k), where=mask)
        titled = ((item_id, self.catalogue[item_id].title, cosine) for item_id, cosine in found)
        return [SimilarItem(*one, rank) for rank, one in enumerate(titled, start=1)]

    def item_vector(self, item: ItemReference) -> Vectors:
        """float32 [dim], unit length: the sentence embedding of the item's title, facts and description."""
        return self._mean_vector([self.item_id(item)])

    def user_vector(self, user_id: str | None = None, *, history: Sequence[ItemReference] = ()) -> Vectors:
        """float32 [dim], unit length: the mean of the vectors of what the user met. Raises ConfigError if nothing."""
        item_ids = self._conversation((), None, user_id, history).positive_item_ids
        if not item_ids:
            raise ConfigError("a user vector needs a user id or a history; both are empty.")
        return self._mean_vector(item_ids)

    def item_id(self, reference: ItemReference) -> ItemId:
        """The id behind an id, a title, or a mapping with one of them.

        Raises:
            UnknownItemError: Nothing, or more than one item, is called that; names the nearest.
        """
        return referenced_item(reference, self.catalogue, self._index.titles)

    def profile_of(
        self,
        *,
        liked: Sequence[ItemReference] = (),
        disliked: Sequence[ItemReference] = (),
        seen: Sequence[ItemReference] = (),
    ) -> Profile:
        """A profile that holds these items from the first turn on."""
        return Profile(liked=self._entries(liked), disliked=self._entries(disliked), seen=self._entries(seen))

    def _entries(self, references: Sequence[ItemReference]) -> tuple[ItemEntry, ...]:
        return tuple(ItemEntry(self.item_id(reference), 0) for reference in as_references(references))

    def _mean_vector(self, item_ids: Sequence[ItemId]) -> Vectors:
        mean = self._index.vectors.vectors(item_ids).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _conversation(
        self, turns: Sequence[TurnLike], profile: Profile | None, user_id: str | None, history: Sequence[ItemReference]
    ) -> Query:
        known = self.history(str(user_id)).interactions if user_id is not None else ()
        met = tuple(Interaction(_SOMEBODY, self.item_id(row), rating_of(row)) for row in as_references(history))
        return Query(
            turns=tuple(map(as_turn, turns)),
            profile=profile or Profile(),
            history=History(known + met),
            context=self._context,
        )

    @property
    def _index(self) -> Fitted:
        if self._fitted is None:
            raise ConfigError(
                "this recommender has no items yet; call fit(items, interactions) or from_pretrained(dir)."
            )
        return self._fitted
