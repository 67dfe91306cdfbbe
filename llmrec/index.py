"""A catalogue with everything learned from it, in memory and as a directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from llmrec import __version__
from llmrec.bundle import new_version, open_bundle
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.reports import IngestReport
from llmrec.data.storage import load_catalogue, load_interactions, save_catalogue, save_interactions
from llmrec.dialogue.title_index import TitleIndex
from llmrec.interfaces import Retriever
from llmrec.prompting.templates import PromptLibrary
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.retrieval.popularity import PopularityRetriever
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.types import ItemId

_GIB = 1 << 30


class StoredRetriever(Retriever, Protocol):
    """A retriever that can be written to a directory."""

    def save(self, directory: Path) -> None:
        """Write all of it into `directory`."""
        ...

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote, for the same catalogue. Raises ArtifactError."""
        ...


_STORED: Mapping[str, type[StoredRetriever]] = {
    "bm25": BM25Retriever,
    "ease": EASERetriever,
    "transitions": TransitionRetriever,
    "popularity": PopularityRetriever,
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A catalogue with everything learned from it.

    Attributes:
        name: What users see as the catalogue's name.
        encoder: Name of the encoder that made `vectors`.
        retrievers: The fitted ones by name; `dense` is wired at start, from `vectors` and the encoder.
        reports: What became of the rows that were read; empty when loaded.
        notes: Sentences about the data for whoever built it.
    """

    name: str
    settings: Settings
    catalogue: Catalogue
    interactions: Interactions
    encoder: str
    vectors: ExactVectorStore
    retrievers: Mapping[str, StoredRetriever]
    prompts: PromptLibrary
    titles: TitleIndex
    reports: tuple[IngestReport, ...] = ()
    notes: tuple[str, ...] = ()


def fitted_retrievers(
    catalogue: Catalogue, interactions: Interactions, settings: Settings
) -> Mapping[str, StoredRetriever]:
    """The retrievers that `settings` give a weight, fitted. Raises DataError when one would need too much memory."""
    chosen = settings.retrieval
    fitters: Mapping[str, Callable[[], StoredRetriever]] = {
        "bm25": lambda: BM25Retriever.fit(catalogue),
        "ease": lambda: EASERetriever.fit(
            interactions,
            l2=chosen.ease_regularisation,
            half_life=chosen.ease_half_life,
            max_memory_bytes=int(chosen.max_memory_gib * _GIB),
        ),
        "transitions": lambda: TransitionRetriever.fit(interactions),
        "popularity": lambda: PopularityRetriever.fit(interactions),
    }
    return {name: fitters[name]() for name in chosen.weights if name in fitters}


def save(fitted: Fitted, directory: Path) -> None:
    """Publish `fitted` as the current version of `directory`. Raises ArtifactError."""
    about: dict[str, object] = {
        "llmrec": __version__,
        "name": fitted.name,
        "encoder": fitted.encoder,
        "retrievers": sorted({"dense", *fitted.retrievers}),
        "catalogue": fitted.catalogue.content_hash,
        "interactions": fitted.interactions.content_hash,
    }
    with new_version(directory, about) as files:
        (files / "settings.json").write_text(json.dumps(fitted.settings.model_dump(), indent=1), encoding="utf-8")
        save_catalogue(fitted.catalogue, files / "items.jsonl")
        save_interactions(fitted.interactions, files / "interactions")
        fitted.vectors.save(files / "vectors")
        for name, retriever in fitted.retrievers.items():
            retriever.save(files / name)
        (files / "prompts").mkdir()
        for template in fitted.prompts.values():
            shutil.copyfile(template.path, files / "prompts" / template.path.name)


def load(directory: Path) -> Fitted:
    """The current version of `directory`, verified. Raises ArtifactError, ConfigError."""
    bundle = open_bundle(directory)
    catalogue = load_catalogue(bundle.files / "items.jsonl")
    retrievers = [name for name in _STORED if (bundle.files / name).is_dir()]
    return Fitted(
        name=str(bundle.about["name"]),
        settings=Settings.from_file(bundle.files / "settings.json"),
        catalogue=catalogue,
        interactions=load_interactions(bundle.files / "interactions", catalogue),
        encoder=str(bundle.about["encoder"]),
        vectors=ExactVectorStore.load(bundle.files / "vectors", catalogue.ids),
        retrievers={name: _STORED[name].load(bundle.files / name, catalogue.ids) for name in retrievers},
        prompts=PromptLibrary.load(bundle.files / "prompts"),
        titles=TitleIndex(catalogue),
    )
