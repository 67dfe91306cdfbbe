"""Small worlds for learned fusion, and a part that remembers what it was shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.held_out import PartFits
from llmrec.retrieval.item_knn import ItemKNNRetriever
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.slit import SLITPlan, SLITRetriever
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.types import Histories, Item, ItemId, UserId, Vectors

SPY = "text_sequential"  # a part of this name is also read for items that nobody met
CLOSED = PartFits(
    closed={
        "ease": lambda interactions: EASERetriever.fit(interactions, l2=20.0),
        "transitions": TransitionRetriever.fit,
        "slit": lambda interactions: SLITRetriever.fit(interactions, plan=SLITPlan(l2=20.0)),
        "itemknn": ItemKNNRetriever.fit,
    },
    trained={},
)
LOADERS = {
    "ease": EASERetriever.load,
    "transitions": TransitionRetriever.load,
    "slit": SLITRetriever.load,
    "itemknn": ItemKNNRetriever.load,
}


@dataclass(frozen=True)
class World:
    """Items of few groups, and users who meet mostly those of one."""

    catalogue: Catalogue
    interactions: Interactions
    vectors: Vectors

    def permuted(self, seed: int) -> tuple[World, NDArray[np.int64]]:
        """The same with other ids in another order, and where each item went."""
        order = np.random.default_rng(seed).permutation(len(self.catalogue))
        items = [self.catalogue[self.catalogue.ids[place]] for place in order.tolist()]
        catalogue = Catalogue(replace(item, id=ItemId(f"other {n}")) for n, item in enumerate(items))
        places = np.argsort(order)
        moved = places[self.interactions.items].astype(np.int32)
        interactions = replace(self.interactions, item_ids=catalogue.ids, items=moved)
        return World(catalogue, interactions, self.vectors[order]), places


def world(n_items: int = 40, n_users: int = 60, *, n_cold: int = 0, timed: bool = True, seed: int = 0) -> World:
    """Drawn by seed; the last `n_cold` items are met by nobody, all others by somebody."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n_items) % 4
    catalogue = Catalogue(
        Item(ItemId(f"i{n}"), f"item {n}", {"year": 1980 + int(rng.integers(30)), "genres": (f"g{group}",)})
        for n, group in enumerate(groups.tolist())
    )
    n_met = n_items - n_cold
    users, items = [], []
    for user in range(n_users):
        taste = np.where(groups[:n_met] == user % 4, 6.0, 1.0) / np.arange(3, n_met + 3)
        length = int(rng.integers(4, 9))
        drawn = rng.choice(n_met, min(length, n_met), replace=False, p=taste / taste.sum()).tolist()
        users += [user] * len(drawn)
        items += drawn
    # One more user met whatever nobody else did.
    missed = np.setdiff1d(np.arange(n_met), items).tolist()
    users += [n_users] * len(missed)
    items += missed
    at = 1e9 + rng.random(len(users)) * 1e8 if timed else np.full(len(users), np.nan)
    interactions = Interactions.from_columns(
        tuple(UserId(f"u{n}") for n in range(n_users + 1)),
        catalogue,
        users=np.array(users, dtype=np.int32),
        items=np.array(items, dtype=np.int32),
        values=np.ones(len(users), dtype=np.float32),
        at=at,
    )
    vectors = np.eye(4)[groups] + rng.normal(0, 0.5, (n_items, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return World(catalogue, interactions, vectors.astype(np.float32))


@dataclass(frozen=True)
class PlacePart:
    """Scores an item by its place in the catalogue, for everybody, and remembers the histories it was asked about."""

    fitted_on: Interactions
    asked: list[Histories] = field(default_factory=list)
    name: str = SPY
    costs_a_fit: bool = False

    def score_histories(self, histories: Histories) -> ScoreTable:
        self.asked.append(histories)
        return np.tile(np.arange(len(self.fitted_on.item_ids), dtype=np.float32), (len(histories), 1))

    def update(self, before: Interactions, added: Interactions) -> Self:
        return replace(self, fitted_on=added)

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True)


def spying(made: list[PlacePart]) -> Callable[[Interactions], PlacePart]:
    """A fit that keeps every part it makes."""

    def fit(interactions: Interactions) -> PlacePart:
        made.append(PlacePart(interactions))
        return made[-1]

    return fit
