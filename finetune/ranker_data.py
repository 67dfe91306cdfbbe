"""What the ranking model learns from: a named data set, or a recommender's own catalogue and interactions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.retriever_data import TrainingData, read_training_data
from llmrec import index
from llmrec.assets import AssetStore
from llmrec.build import Overrides, embedded, encoder_of
from llmrec.data.catalogue import Catalogue
from llmrec.data.splits import prepared, split
from llmrec.errors import DataError
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.index import Fitted
from llmrec.prompting.templates import PromptLibrary
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext

_OWN_LICENCE = "that of the recommender's own catalogue and interactions"


@dataclass(frozen=True)
class RankerData:
    """What may be learned from, whom to stop by, and everything that candidates and prompts are made with.

    Attributes:
        training: The cut data; its `validation.fit_on` is learned from.
        context: What retrievers are fitted with.
        prompts: The templates that will serve.
    """

    training: TrainingData
    context: StageContext
    prompts: PromptLibrary


def of_dataset(name: str, directory: Path | None, store: AssetStore, *, seed: int) -> RankerData:
    """A data set by name, see `read_training_data`; its retrievers have the default settings.

    Raises:
        ConfigError: No data set has that name.
        AssetError: It, or the sentence encoder, cannot be had.
        DataError: Its files are not what they should be, or one item is all there is.
    """
    training = read_training_data(name, directory, store, seed=seed)
    settings, catalogue = Settings(), training.catalogue
    _require_two(catalogue)

    def vectors() -> ExactVectorStore:
        overrides = Overrides(store=store, progress=True)
        encoder = encoder_of(settings, overrides, fetch=True)
        return ExactVectorStore(catalogue.ids, embedded(catalogue, encoder, overrides))

    return RankerData(training, StageContext(catalogue, settings, vectors), PromptLibrary.load())


def of_recommender(fitted: Fitted, *, seed: int) -> RankerData:
    """A recommender's own catalogue and interactions; nothing that it has learned is used, for it has seen the answers.

    Raises:
        DataError: There are no interactions to learn from, or one item is all there is.
    """
    _require_two(fitted.catalogue)
    whole = prepared(fitted.catalogue, fitted.interactions, core=0)
    cut = split(
        whole.interactions,
        protocol="leave-last-out" if fitted.has_time else "random-one-out",
        ties="random",
        seed=seed,
        has_time=fitted.has_time,
    )
    record = ProtocolRecord.of([cut], name=fitted.name, part="validation", core=0, seeds=[seed])
    training = TrainingData(whole.catalogue, cut.validation[0], cut.test[0].fit_on, record, _OWN_LICENCE, fitted.notes)
    context = StageContext(whole.catalogue, fitted.settings, vectors=lambda: fitted.vectors)
    return RankerData(training, context, fitted.prompts)


def read_recommender(directory: Path) -> Fitted:
    """A recommender's directory, verified. Raises ArtifactError, ConfigError."""
    return index.load(directory)


def _require_two(catalogue: Catalogue) -> None:
    if len(catalogue) < 2:
        raise DataError(
            f"the catalogue has {len(catalogue)} item: there is nothing to tell apart.", hint="Give two items or more."
        )
