"""A catalogue with everything learned from it, in memory and as a directory."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from llmrec import __version__
from llmrec.bundle import new_version, open_bundle, seal_of
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.reports import IngestReport
from llmrec.data.storage import load_catalogue, load_interactions, save_catalogue, save_interactions
from llmrec.dialogue.title_index import TitleIndex
from llmrec.errors import ConfigError
from llmrec.interfaces import Embedder, Retriever
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.fusion_model import FUSION_FILE, FusionModel
from llmrec.retrieval.audiences import StrangerRetriever, WishRetriever
from llmrec.retrieval.dense import DenseRetriever, ItemVectorStore
from llmrec.retrieval.sequential_plan import EpochReport
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import STORED, Audience, StageContext, StoredRetriever, audience

logger = logging.getLogger(__name__)
SEED = 0  # of what is trained by gradient


@dataclass(frozen=True, slots=True)
class Fitted:
    """A catalogue with everything learned from it.

    Attributes:
        name: What users see as the catalogue's name.
        encoder: Name of the encoder that made `vectors`.
        has_time: Whether the rows of one user stand in order of time. Clock times say so, and for a data set without
            any its name; the order in which a table of one's own was read does not.
        retrievers: The fitted ones by name; `dense` is wired at start, from `vectors` and the encoder.
        reports: What became of the rows that were read; empty when loaded.
        notes: Sentences about the data for whoever built it.
        version: What tells the version of a directory that it was loaded from; empty where it was not loaded.
        fusion: What the voices of the adapter in `settings` were found to be worth since; None for its own weights.
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
    has_time: bool
    reports: tuple[IngestReport, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = ""
    fusion: FusionModel | None = None

    def fusion_for(self, adapter: str) -> FusionModel | None:
        """What the voices are worth with `adapter`; None where nothing was learned. Raises ArtifactError."""
        if self.fusion is not None and adapter == self.settings.language_model.adapter:
            return self.fusion
        return FusionModel.of_adapter(Path(adapter)) if adapter else None


def fitted_retrievers(
    interactions: Interactions, context: StageContext, *, progress: bool = False
) -> Mapping[str, StoredRetriever]:
    """The retrievers that settings give a weight, fitted.

    Args:
        interactions: What users did. Without any, no signal can be weighed, and there is no hybrid.
        context: What else is learned from.
        progress: Whether to show a bar on a terminal.

    Raises:
        DataError: One would need too much memory.
    """
    wanted = [name for name in context.settings.retrieval.weights if name in STORED]
    if not len(interactions):
        wanted = [name for name in wanted if name != "hybrid"]
    fitted: dict[str, StoredRetriever] = {}
    with tqdm(total=len(wanted), desc="learning", unit="retriever", disable=None if progress else True) as bar:
        telling = shown_on(bar, context)
        for name in wanted:
            bar.set_description(f"learning {name}")
            started = time.perf_counter()
            fitted[name] = STORED[name].fit(interactions, telling, SEED)
            logger.info("fitted", extra={"retriever": name, "seconds": round(time.perf_counter() - started, 1)})
            bar.update()
    return fitted


def shown_on(bar: tqdm, context: StageContext) -> StageContext:
    """The same context; what it is told of trainings and of the hybrid's parts stands beside `bar`."""

    def tell(report: EpochReport) -> None:
        bar.set_postfix_str(f"epoch {report.epoch}, loss {report.loss:.3f}, held out NDCG@10 {report.ndcg:.4f}")

    return replace(context, on_epoch=tell, on_part=bar.set_postfix_str)


def retrievers_of(fitted: Fitted, settings: Settings, encoder: Embedder) -> Sequence[Retriever]:
    """The retrievers that `settings` give a weight and that are there, `dense` wired from the vectors and `encoder`.

    Beside the hybrid, which weighs likeness of texts and popularity itself, `dense` answers users with a wish only,
    `popularity` those of whom no item is known.
    """
    weights = settings.retrieval.weights
    store = vector_store_of(fitted, settings) if "dense" in weights else fitted.vectors
    dense = DenseRetriever(store, encoder, n_items=settings.models.dense_n_items)
    available: Mapping[str, Retriever] = {"dense": dense, **fitted.retrievers}
    wanted = [name for name in weights if name in available]
    narrowed: Mapping[Audience, Callable[[Retriever], Retriever]] = {
        "everybody": lambda retriever: retriever,
        "wishes": WishRetriever,
        "strangers": lambda retriever: StrangerRetriever(retriever, fitted.catalogue),
    }
    return [narrowed[audience(name, wanted)](available[name]) for name in wanted]


def vector_store_of(fitted: Fitted, settings: Settings) -> ItemVectorStore:
    """Where `settings` have vectors searched; a database is filled where it does not have these yet.

    Raises:
        ConfigError: Nothing is called that, or what it needs is not installed.
        VectorStoreError: The database cannot be reached.
    """
    setting = settings.retrieval.vector_store
    if setting == "exact":
        return fitted.vectors
    try:
        from llmrec.retrieval.vector_stores_qdrant import QdrantVectorStore
    except ImportError as error:
        raise ConfigError(
            "retrieval.vector_store names a Qdrant database, and qdrant-client is not installed.",
            hint="Install it with `pip install 'llmrec[qdrant]'`.",
        ) from error
    return QdrantVectorStore.connect(setting, fitted.vectors, fitted.catalogue, encoder=fitted.encoder)


def save(fitted: Fitted, directory: Path, *, check: Callable[[Fitted], None] | None = None) -> None:
    """Publish `fitted` as the current version of `directory`.

    Args:
        fitted: What is written.
        directory: Where; the version before stays beside the new one.
        check: Given what was written, read back; when it raises, nothing is published.

    Raises:
        ArtifactError: It cannot be written, or read back.
    """
    about: dict[str, object] = {
        "llmrec": __version__,
        "name": fitted.name,
        "encoder": fitted.encoder,
        "retrievers": sorted({"dense", *fitted.retrievers}),
        "catalogue": fitted.catalogue.content_hash,
        "interactions": fitted.interactions.content_hash,
        "has_time": fitted.has_time,
    }
    with new_version(directory, about) as files:
        settings = _movable(fitted.settings, directory).model_dump()
        (files / "settings.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
        save_catalogue(fitted.catalogue, files / "items.jsonl")
        save_interactions(fitted.interactions, files / "interactions")
        fitted.vectors.save(files / "vectors")
        for name, retriever in fitted.retrievers.items():
            retriever.save(files / name)
        if fitted.fusion is not None:
            fitted.fusion.save(files / FUSION_FILE)
        (files / "prompts").mkdir()
        for template in fitted.prompts.values():
            shutil.copyfile(template.path, files / "prompts" / template.path.name)
        if check is not None:
            check(_read(files, about, directory))


def load(directory: Path) -> Fitted:
    """The current version of `directory`, verified. Raises ArtifactError, ConfigError."""
    # Before it is read: whatever is published meanwhile is another version, for whoever looks again.
    version = seal_of(directory)
    bundle = open_bundle(directory)
    return replace(_read(bundle.files, bundle.about, directory), version=version)


def _read(files: Path, about: Mapping[str, object], directory: Path) -> Fitted:
    catalogue = load_catalogue(files / "items.jsonl")
    interactions = load_interactions(files / "interactions", catalogue)
    retrievers = [name for name in STORED if (files / name).is_dir()]
    return Fitted(
        name=str(about["name"]),
        settings=_in_place(_stored_settings(files / "settings.json"), directory),
        catalogue=catalogue,
        interactions=interactions,
        encoder=str(about["encoder"]),
        vectors=ExactVectorStore.load(files / "vectors", catalogue.ids),
        retrievers={name: STORED[name].load(files / name, catalogue.ids) for name in retrievers},
        prompts=PromptLibrary.load(files / "prompts"),
        titles=TitleIndex(catalogue),
        has_time=bool(about.get("has_time", interactions.has_clock_times)),
        fusion=FusionModel.load(files / FUSION_FILE) if (files / FUSION_FILE).is_file() else None,
    )


def _stored_settings(path: Path) -> Settings:
    settings = Settings.from_file(path)
    # A directory from before the hybrid has its parts at weights of their own; an update shall not add a second vote.
    return settings if "hybrid" in settings.retrieval.model_fields_set else settings.changed(["retrieval.hybrid=0"])


def _movable(settings: Settings, directory: Path) -> Settings:
    """`settings` as they are stored: an adapter inside `directory` is named from there, so that it moves along."""
    if not settings.language_model.adapter:
        return settings
    adapter, root = Path(settings.language_model.adapter).resolve(), directory.resolve()
    is_inside = adapter.is_relative_to(root)
    return _with_adapter(settings, adapter.relative_to(root).as_posix() if is_inside else str(adapter))


def _in_place(settings: Settings, directory: Path) -> Settings:
    """What `_movable` stored, with the adapter's place on this machine."""
    stored = settings.language_model.adapter
    inside = directory.resolve() / stored
    # A directory from before adapters moved along may name one from where commands were run.
    if not stored or (Path(stored).is_dir() and not inside.is_dir()):
        return settings
    return _with_adapter(settings, str(inside))


def _with_adapter(settings: Settings, adapter: str) -> Settings:
    model = settings.language_model.model_copy(update={"adapter": adapter})
    return settings.model_copy(update={"language_model": model})
