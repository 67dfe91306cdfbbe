"""What can be evaluated: a data set known by name or a recommender directory, cut down to its core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from llmrec.build import Overrides, embedded, encoder_of
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Prepared, Protocol, Split, Ties, prepared, split
from llmrec.enrichment import described_films
from llmrec.evaluation.fitting import Workshop
from llmrec.evaluation.lm_voices import language_model_voices
from llmrec.evaluation.wording import counted
from llmrec.index import load
from llmrec.prompting.templates import PromptLibrary
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext


@dataclass(frozen=True)
class Subject:
    """Data to evaluate on, and what its stages are made with.

    Attributes:
        interactions: After the core filter, every pair of user and item once.
        core: Of that filter.
        has_time: Whether the rows of one user stand in order of time.
        notes: Sentences about the data.
    """

    name: str
    interactions: Interactions
    core: int
    has_time: bool
    workshop: Workshop
    notes: tuple[str, ...] = ()

    def cut(self, protocol: Protocol, *, ties: Ties, seeds: Sequence[int]) -> tuple[Split, ...]:
        """The data cut once, or with ties at random once for each seed. Raises DataError."""
        return tuple(
            split(self.interactions, protocol=protocol, ties=ties, seed=seed, has_time=self.has_time)
            for seed in (seeds if ties == "random" else seeds[:1])
        )


def dataset_subject(
    dataset: str,
    directory: Path | None,
    *,
    core: int,
    settings: Settings,
    with_texts: bool,
    overrides: Overrides,
    answers: Path | None = None,
) -> Subject:
    """A data set known by name.

    Args:
        dataset: As `llmrec data list` shows it.
        directory: Where its files lie; None fetches it.
        core: Interactions that every user and item must have.
        settings: Hyper-parameters and models.
        with_texts: Whether descriptions of films are looked for, as a build does.
        overrides: Models, cache and progress of this run.
        answers: Where the language model's are kept; by default in the cache.

    Raises:
        ConfigError: No data set has that name.
        AssetError: It cannot be had.
        DataError: Its files are not what they should be, or nothing is left of them.
    """
    info = dataset_info(dataset)
    store, progress = overrides.store, overrides.fetching
    read = read_dataset(dataset, directory or store.fetch(dataset, progress=progress))
    catalogue = read.catalogue
    notes: tuple[str, ...] = ()
    if info.is_film and with_texts:
        catalogue, notes = described_films(catalogue, read.interactions, store, progress, given=directory)
    kept = prepared(catalogue, read.interactions, core=core)
    overrides = replace(overrides, work_directory=store.cache_dir / "vectors" / dataset)
    context = StageContext(kept.catalogue, settings, vectors=_encoded(kept.catalogue, settings, overrides))
    prompts = PromptLibrary.load(overrides.prompts)
    voices = language_model_voices(kept.catalogue, settings, prompts, overrides, directory=answers)
    notes = (*notes, *_repeats(kept))
    return Subject(dataset, kept.interactions, core, read.has_time, Workshop(context, voices), notes)


def directory_subject(
    directory: Path,
    *,
    core: int,
    settings: Callable[[Settings], Settings],
    overrides: Overrides,
    answers: Path | None = None,
) -> Subject:
    """The catalogue and interactions of a recommender directory.

    Args:
        directory: Made by `llmrec build`.
        core: Interactions that every user and item must have.
        settings: What becomes of the directory's own settings.
        overrides: Models and progress of this run.
        answers: Where the language model's are kept; by default in the cache.

    Raises:
        ArtifactError: The directory is missing or damaged.
        DataError: Nothing is left of its interactions.
    """
    fitted = load(directory)
    chosen = settings(fitted.settings)
    kept = prepared(fitted.catalogue, fitted.interactions, core=core)
    if chosen.encoder.model == fitted.settings.encoder.model:
        ready = _of_these(fitted.vectors, kept.catalogue)
        context = StageContext(kept.catalogue, chosen, vectors=lambda: ready)
    else:
        overrides = replace(overrides, work_directory=overrides.store.cache_dir / "vectors" / fitted.name)
        context = StageContext(kept.catalogue, chosen, vectors=_encoded(kept.catalogue, chosen, overrides))
    voices = language_model_voices(kept.catalogue, chosen, fitted.prompts, overrides, directory=answers)
    workshop = Workshop(context, voices)
    return Subject(fitted.name, kept.interactions, core, fitted.has_time, workshop, tuple(_repeats(kept)))


def _repeats(kept: Prepared) -> Iterator[str]:
    if kept.n_repeats:
        yield f"{counted(kept.n_repeats, 'interaction')} left out: the user had met the item before."


def _of_these(store: ExactVectorStore, catalogue: Catalogue) -> ExactVectorStore:
    """The vectors of the items of `catalogue`, which is a part of the store's."""
    return ExactVectorStore(catalogue.ids, store.vectors(catalogue.ids))


def _encoded(catalogue: Catalogue, settings: Settings, overrides: Overrides) -> Callable[[], ExactVectorStore]:
    @cache
    def vectors() -> ExactVectorStore:
        encoder = encoder_of(settings, overrides, fetch=True)
        return ExactVectorStore(catalogue.ids, embedded(catalogue, encoder, overrides))

    return vectors
