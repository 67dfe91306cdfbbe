"""From a stage's name to something fitted: the one table of what can retrieve, be built and be evaluated by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.interfaces import Retriever
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.held_out import FusionPlan, PartFits
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.retrieval.item_knn import ItemKNNRetriever
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.retrieval.popularity import PopularityRetriever
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.retrieval.sequential_plan import (
    Compute,
    EpochProgress,
    NetworkShape,
    TextReading,
    TrainingPlan,
)
from llmrec.retrieval.signals import Part
from llmrec.retrieval.slit import SLITPlan, SLITRetriever
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.retrieval.updates import Updating
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import ModelSettings, Settings
from llmrec.types import ItemId

_GIB = 1 << 30
_DAY_S = 86_400.0
Audience = Literal["everybody", "wishes", "strangers"]


class StoredRetriever(Retriever, HistoryScorer, Updating, Protocol):
    """A retriever that can be written to a directory."""

    def save(self, directory: Path) -> None:
        """Write all of it into `directory`."""
        ...


class FusedPart(StoredRetriever, Part, Protocol):
    """A stored retriever that can be a part of the hybrid."""


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a stage may learn from beside interactions.

    Attributes:
        catalogue: The items, in the order that every score has.
        settings: Hyper-parameters.
        vectors: Gives the encoded catalogue; a stage that reads no text never asks for it.
        on_epoch: Told of every pass of a training.
        on_part: Told the name of each part of the hybrid as its fitting begins.
    """

    catalogue: Catalogue
    settings: Settings
    vectors: Callable[[], ExactVectorStore]
    on_epoch: EpochProgress | None = None
    on_part: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A name and how to fit what it stands for.

    Attributes:
        fit: Interactions, context and seed to something that scores.
        is_seeded: Whether another seed gives another result; what has a closed form is fitted once.
        reads_text: Whether descriptions of the items matter to it.
        asked_by: To whom a recommender shows its candidates; alone it can be evaluated for all.
        beside_hybrid: The same where the hybrid, which holds what it knows at a learned weight, is asked too; None for
            no other.
    """

    fit: Callable[[Interactions, StageContext, int], HistoryScorer]
    is_seeded: bool = False
    reads_text: bool = False
    asked_by: Audience = "everybody"
    beside_hybrid: Audience | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """How to fit a retriever that is kept in a directory, and how to load it. `load` raises ArtifactError."""

    fit: Callable[[Interactions, StageContext, int], StoredRetriever]
    load: Callable[[Path, Sequence[ItemId]], StoredRetriever]


def require_stages(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ConfigError for the first of `names` that is not among `known`; it names the nearest one."""
    choices = list(known)
    for name in names:
        if name not in choices:
            near = difflib.get_close_matches(name.lower(), choices, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"no stage is called {name!r}.", hint=f"{meant}Known: {', '.join(choices)}.")


def _popularity(interactions: Interactions, context: StageContext, _seed: int) -> PopularityRetriever:
    days = context.settings.models.popularity_half_life_days
    return PopularityRetriever.fit(interactions, half_life_s=days * _DAY_S if days else None)


def _ease(interactions: Interactions, context: StageContext, _seed: int) -> EASERetriever:
    chosen = context.settings.retrieval
    return EASERetriever.fit(
        interactions,
        l2=chosen.ease_regularisation,
        half_life=chosen.ease_half_life,
        max_memory_bytes=int(chosen.max_memory_gib * _GIB),
    )


def _transitions(interactions: Interactions, context: StageContext, _seed: int) -> TransitionRetriever:
    chosen = context.settings.models
    return TransitionRetriever.fit(
        interactions,
        window=chosen.transitions_window,
        decay=chosen.transitions_decay,
        half_life=chosen.transitions_half_life,
    )


def _itemknn(interactions: Interactions, context: StageContext, _seed: int) -> ItemKNNRetriever:
    chosen = context.settings.models
    return ItemKNNRetriever.fit(
        interactions,
        n_neighbours=chosen.itemknn_neighbours,
        shrinkage=chosen.itemknn_shrinkage,
        half_life=chosen.itemknn_half_life,
        weighting=chosen.itemknn_weighting,
    )


def _bm25(_interactions: Interactions, context: StageContext, _seed: int) -> BM25Retriever:
    chosen = context.settings.models
    return BM25Retriever.fit(context.catalogue, k1=chosen.bm25_k1, b=chosen.bm25_b, n_items=chosen.bm25_n_items)


def _dense(_interactions: Interactions, context: StageContext, _seed: int) -> DenseRetriever:
    return DenseRetriever(context.vectors(), n_items=context.settings.models.dense_n_items)


def _slit(interactions: Interactions, context: StageContext, _seed: int) -> SLITRetriever:
    chosen = context.settings.models
    plan = SLITPlan(
        l2=chosen.slit_l2,
        half_life=chosen.slit_half_life,
        past=chosen.slit_past,
        future=chosen.slit_future,
        decay=chosen.slit_decay,
    )
    return SLITRetriever.fit(interactions, plan=plan)


def _hybrid(interactions: Interactions, context: StageContext, seed: int) -> HybridRetriever:
    chosen = context.settings.models
    fits = {name: partial(_part, name, context, seed) for name in chosen.hybrid_parts}
    part_fits = PartFits(
        closed={name: fit for name, fit in fits.items() if name not in _TRAINED},
        trained={name: fit for name, fit in fits.items() if name in _TRAINED},
    )
    plan = FusionPlan(l2=chosen.hybrid_l2, cold_bonus=chosen.hybrid_cold_bonus)
    vectors = context.vectors().matrix
    return HybridRetriever.fit(interactions, context.catalogue, part_fits, vectors=vectors, plan=plan, seed=seed)


def _part(name: str, context: StageContext, seed: int, interactions: Interactions) -> FusedPart:
    if context.on_part is not None:
        context.on_part(name)
    return _PARTS[name].fit(interactions, context, seed)


def _load_hybrid(directory: Path, item_ids: Sequence[ItemId]) -> HybridRetriever:
    loaders = {name: stored.load for name, stored in _PARTS.items()}
    return HybridRetriever.load(directory, item_ids, loaders)


def _sasrec(interactions: Interactions, context: StageContext, seed: int) -> FusedPart:
    # Imported here, so that closed forms need no torch.
    from llmrec.retrieval.sequential import SASRecRetriever

    shape, training, compute = _sequential_plan(context.settings.models)
    return SASRecRetriever.fit(
        interactions, seed=seed, shape=shape, training=training, compute=compute, progress=context.on_epoch
    )


def _text_sequential(interactions: Interactions, context: StageContext, seed: int) -> FusedPart:
    from llmrec.retrieval.sequential import TextSequentialRetriever

    shape, training, compute = _sequential_plan(context.settings.models)
    return TextSequentialRetriever.fit(
        interactions,
        context.vectors().matrix,
        seed=seed,
        shape=shape,
        reading=TextReading(
            context.settings.models.sequential_id_dropout, context.settings.models.sequential_cold_bonus
        ),
        training=training,
        compute=compute,
        progress=context.on_epoch,
    )


def _sequential_plan(chosen: ModelSettings) -> tuple[NetworkShape, TrainingPlan, Compute]:
    shape = NetworkShape(
        dim=chosen.sequential_dim,
        n_blocks=chosen.sequential_n_blocks,
        n_heads=chosen.sequential_n_heads,
        max_length=chosen.sequential_max_length,
        dropout=chosen.sequential_dropout,
    )
    training = TrainingPlan(
        max_epochs=chosen.sequential_max_epochs,
        patience=chosen.sequential_patience,
        batch_size=chosen.sequential_batch_size,
        learning_rate=chosen.sequential_learning_rate,
        label_smoothing=chosen.sequential_label_smoothing,
        n_negatives=chosen.sequential_n_negatives,
    )
    return shape, training, Compute(device=chosen.sequential_device)


def _load_sasrec(directory: Path, item_ids: Sequence[ItemId]) -> FusedPart:
    from llmrec.retrieval.sequential import SASRecRetriever

    return SASRecRetriever.load(directory, item_ids)


def _load_text_sequential(directory: Path, item_ids: Sequence[ItemId]) -> FusedPart:
    from llmrec.retrieval.sequential import TextSequentialRetriever

    return TextSequentialRetriever.load(directory, item_ids)


@dataclass(frozen=True, slots=True)
class _StoredPart:
    """Like Stored, for what the hybrid may fuse."""

    fit: Callable[[Interactions, StageContext, int], FusedPart]
    load: Callable[[Path, Sequence[ItemId]], FusedPart]


_PARTS: Mapping[str, _StoredPart] = {
    "itemknn": _StoredPart(_itemknn, ItemKNNRetriever.load),
    "ease": _StoredPart(_ease, EASERetriever.load),
    "transitions": _StoredPart(_transitions, TransitionRetriever.load),
    "slit": _StoredPart(_slit, SLITRetriever.load),
    "sasrec": _StoredPart(_sasrec, _load_sasrec),
    "text_sequential": _StoredPart(_text_sequential, _load_text_sequential),
}
_TRAINED = ("sasrec", "text_sequential")

STORED: Mapping[str, Stored] = {
    "popularity": Stored(_popularity, PopularityRetriever.load),
    **{name: Stored(part.fit, part.load) for name, part in _PARTS.items()},
    "bm25": Stored(_bm25, BM25Retriever.load),
    "hybrid": Stored(_hybrid, _load_hybrid),
}
"""What a recommender directory keeps; `dense` is wired from its vectors at start."""

STAGES: Mapping[str, Stage] = {
    "popularity": Stage(_popularity, beside_hybrid="strangers"),
    "itemknn": Stage(_itemknn),
    "ease": Stage(_ease),
    "transitions": Stage(_transitions),
    "slit": Stage(_slit),
    "sasrec": Stage(_sasrec, is_seeded=True),
    "bm25": Stage(_bm25, reads_text=True, asked_by="wishes"),
    "dense": Stage(_dense, reads_text=True, beside_hybrid="wishes"),
    "text_sequential": Stage(_text_sequential, is_seeded=True, reads_text=True),
    "hybrid": Stage(_hybrid, is_seeded=True, reads_text=True),
}
"""What can be evaluated by name."""


def audience(name: str, beside: Container[str]) -> Audience:
    """Who gets candidates of the retriever `name`, with those `beside` it: all, or only some users.

    `wishes` are of users who say something, `strangers` have no item that is known.
    """
    stage = STAGES[name]
    return stage.beside_hybrid or stage.asked_by if "hybrid" in beside else stage.asked_by
