"""Reading tables, fitting an index, wiring an assistant: with index.py, where concrete classes are named."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.assets import AssetStore
from llmrec.assets.progress import Progress, SilentProgress, TerminalProgress
from llmrec.assistant import Assistant, Stages
from llmrec.data.catalogue import Catalogue
from llmrec.data.columns import columns_by_table
from llmrec.data.ingest import ingest_interactions, ingest_items
from llmrec.data.interactions import Interactions
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.dialogue.act_model import shipped_model
from llmrec.dialogue.asking import ValueAsker
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.hearing import Hearing
from llmrec.dialogue.leanings import Leanings
from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.dialogue.response import TemplateResponder
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.dialogue.vague import LikenessReader
from llmrec.dialogue.vague_words import vocabulary_concepts, word_readers
from llmrec.dialogue.vocabulary import Vocabulary
from llmrec.enrichment import described_films
from llmrec.errors import ArtifactError, DataError
from llmrec.explanation.evidence import EvidenceExplainer
from llmrec.explanation.why import ReasonTeller
from llmrec.index import Fitted, fitted_retrievers, retrievers_of
from llmrec.interfaces import ChatModel, Embedder, Phraser, Ranker
from llmrec.models import load_encoder, load_language_model
from llmrec.phrasers import phraser_of
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import fused_ranker, held_ranker, user_counts
from llmrec.ranking.contributions import LeaveOneOut, Pipeline
from llmrec.ranking.standing import Standings
from llmrec.retrieval.filters import HardFilter
from llmrec.retrieval.fusion import ReciprocalRankFusion
from llmrec.retrieval.item_vectors import embed_resumable, embedding_bar
from llmrec.retrieval.leanings import LeaningRetriever
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Vectors

if TYPE_CHECKING:
    from llmrec.data.tables import TableSource

_SHARD = 512


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the stages that ask the language model, wherever they are asked from."""

    ranker: Callable[[Ranker], Ranker]
    phraser: Callable[[Phraser], Phraser]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one run uses instead of what settings say; never stored.

    Attributes:
        settings: `room.key=value` assignments on top of the stored settings.
        prompts: A directory of own templates.
        encoder: Instead of the sentence encoder that settings name.
        language_model: Instead of the language model that settings name.
        around: Put around the ranker and the phraser; None for nothing.
        store: Where models are cached; the environment's by default.
        work_directory: Where encoded items are kept, so that a cut run goes on and an update encodes only changes.
        progress: Whether to show progress bars on a terminal.
    """

    settings: tuple[str, ...] = ()
    prompts: Path | None = None
    encoder: Embedder | None = None
    language_model: ChatModel | None = None
    around: Around | None = None
    store: AssetStore = field(default_factory=AssetStore.from_environment)
    work_directory: Path | None = None
    progress: bool = False

    @property
    def fetching(self) -> Progress:
        """Where the bytes of a download are shown."""
        return TerminalProgress() if self.progress else SilentProgress()


def fit(
    items: TableSource,
    interactions: TableSource | None,
    *,
    settings: Settings,
    name: str,
    overrides: Overrides,
    columns: Mapping[str, str] | None = None,
) -> Fitted:
    """Read two tables and learn from them.

    Args:
        items: Items; see `ingest_items`.
        interactions: Interactions; None for a catalogue that nobody has used yet.
        settings: What to fit.
        name: What users see as the catalogue's name.
        overrides: Models and progress of this run.
        columns: Our column names to the tables' own.

    Raises:
        DataError: A table as a whole cannot be used, or no item is left.
        AssetError: The encoder cannot be had.
    """
    item_columns, interaction_columns = columns_by_table(columns)
    read_items = ingest_items(items, columns=item_columns)
    catalogue = read_items.catalogue
    reports = [read_items.report]
    known = Interactions.from_rows((), catalogue)
    if interactions is not None:
        read_interactions = ingest_interactions(interactions, catalogue, columns=interaction_columns)
        known = read_interactions.interactions
        reports.append(read_interactions.report)
    fitted = fit_tables(catalogue, known, settings=settings, name=name, overrides=overrides)
    return replace(fitted, reports=tuple(reports))


def fit_dataset(
    dataset: str, directory: Path | None, *, settings: Settings, name: str | None, overrides: Overrides
) -> Fitted:
    """Learn from a data set known by name.

    Args:
        dataset: As `llmrec data list` shows it.
        directory: Where its files lie; None fetches it.
        settings: What to fit.
        name: What users see as the catalogue's name; the data set's by default.
        overrides: Models and progress of this run.

    Raises:
        ConfigError: No data set has that name.
        AssetError: It cannot be had.
        DataError: Its files are not what they should be.
    """
    info = dataset_info(dataset)
    store, progress = overrides.store, overrides.fetching
    read = read_dataset(dataset, directory or store.fetch(dataset, progress=progress))
    catalogue = read.catalogue
    notes: tuple[str, ...] = (f"{info.licence} {info.citation}",)
    if info.is_film:
        catalogue, sources = described_films(catalogue, read.interactions, store, progress, given=directory)
        notes += sources
    fitted = fit_tables(catalogue, read.interactions, settings=settings, name=name or dataset, overrides=overrides)
    return replace(fitted, reports=read.reports, notes=notes, has_time=read.has_time)


def fit_tables(
    catalogue: Catalogue, interactions: Interactions, *, settings: Settings, name: str, overrides: Overrides
) -> Fitted:
    """Learn from tables in memory. Raises DataError, AssetError, ModelError."""
    if not len(catalogue):
        raise DataError("there is no item to recommend.", hint="Give a table with at least one valid row.")
    encoder = encoder_of(settings.changed(overrides.settings), overrides, fetch=True)
    vectors = ExactVectorStore(catalogue.ids, embedded(catalogue, encoder, overrides))
    context = StageContext(catalogue, settings, vectors=lambda: vectors)
    return Fitted(
        name=name,
        settings=settings,
        catalogue=catalogue,
        interactions=interactions,
        encoder=encoder.name,
        vectors=vectors,
        retrievers=fitted_retrievers(interactions, context, progress=overrides.progress),
        prompts=PromptLibrary.load(overrides.prompts),
        titles=TitleIndex(catalogue),
        has_time=interactions.has_clock_times,
    )


def assemble(fitted: Fitted, overrides: Overrides) -> Assistant:
    """An assistant over `fitted`; loads the models. Raises AssetError, ModelError, ConfigError."""
    settings = fitted.settings.changed(overrides.settings)
    encoder = encoder_of(settings, overrides, fetch=False)
    require_encoder(fitted, encoder)
    model = overrides.language_model or load_language_model(settings.language_model, overrides.store)
    prompts = PromptLibrary.load(overrides.prompts) if overrides.prompts else fitted.prompts
    popularity = user_counts(fitted.interactions)
    fusion = fitted.fusion_for(settings.language_model.adapter)
    ranker = fused_ranker(fitted.catalogue, settings.ranking, model, prompts, fusion=fusion, popularity=popularity)
    pipeline = Pipeline(
        item_filter=HardFilter(fitted.catalogue),
        retrievers=(*retrievers_of(fitted, settings, encoder), LeaningRetriever(fitted.catalogue, popularity)),
        fusion=ReciprocalRankFusion(settings.retrieval.weights),
        ranker=overrides.around.ranker(ranker) if overrides.around else ranker,
        n_candidates=settings.retrieval.n_candidates,
    )
    phraser = phraser_of(fitted.catalogue, settings, model, prompts)
    held = partial(held_ranker, ranker, settings=settings.ranking, fusion=fusion, popularity=popularity)
    meter = LeaveOneOut(pipeline, held, n_rereads=settings.explanation.n_rereads)
    explainer = EvidenceExplainer(fitted.catalogue, fitted.vectors, popularity, meter=meter)
    standings = Standings(pipeline, fitted.catalogue.position)
    return Assistant(
        Stages(
            catalogue=fitted.catalogue,
            tracker=_tracker(fitted, encoder),
            item_filter=pipeline.item_filter,
            retrievers=pipeline.retrievers,
            fusion=pipeline.fusion,
            ranker=pipeline.ranker,
            explainer=explainer,
            justifier=ReasonTeller(fitted.catalogue, standings, explainer),
            phraser=overrides.around.phraser(phraser) if phraser and overrides.around else phraser,
            responder=TemplateResponder(fitted.catalogue),
            n_candidates=pipeline.n_candidates,
            asker=ValueAsker(fitted.catalogue, cost_bits=settings.dialogue.question_cost_bits),
        )
    )


def _tracker(fitted: Fitted, encoder: Embedder) -> GrammarTracker:
    """What reads messages: exact readers, then what learned to hear reactions and to read vague words."""
    vocabulary = Vocabulary.of(fitted.catalogue, vocabulary_concepts())
    likeness = LikenessReader(vocabulary, concepts_in(DEFAULT_LANGUAGE), encoder)
    leanings = Leanings(fitted.catalogue, vocabulary, [likeness], others=word_readers(vocabulary))
    hearing = Hearing(shipped_model())
    return GrammarTracker(fitted.catalogue, fitted.titles, hearing=hearing, leanings=leanings)


def encoder_of(settings: Settings, overrides: Overrides, *, fetch: bool) -> Embedder:
    """The sentence encoder; a missing asset is fetched where `fetch` allows. Raises AssetError, ModelError."""
    if overrides.encoder is not None:
        return overrides.encoder
    return load_encoder(settings.encoder, overrides.store, fetch=overrides.fetching if fetch else None)


def require_encoder(fitted: Fitted, encoder: Embedder) -> None:
    """Raise ArtifactError when `encoder` is not the one that the items were encoded by."""
    if encoder.name != fitted.encoder or encoder.dim != fitted.vectors.dim:
        raise ArtifactError(
            f"the items were encoded by {fitted.encoder}, not by {encoder.name}.",
            hint="Build again to change encoders.",
        )


def embedded(catalogue: Catalogue, encoder: Embedder, overrides: Overrides) -> Vectors:
    """Vectors of all items, float32 [n_items, dim]; texts already encoded in the work directory are not again."""
    with (
        tempfile.TemporaryDirectory(prefix="llmrec-") as scratch,
        embedding_bar(len(catalogue), shown=overrides.progress) as progress,
    ):
        kept = overrides.work_directory
        directory = kept / ".vectors" if kept is not None else Path(scratch)
        return embed_resumable(catalogue, encoder, directory, shard_size=_SHARD, progress=progress)
