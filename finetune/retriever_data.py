"""The data set a fine-tuning run learns from, cut so that nothing of its test part is ever seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Task, prepared, split
from llmrec.enrichment import described_films
from llmrec.evaluation.protocol import ProtocolRecord

CORE = 5


@dataclass(frozen=True)
class TrainingData:
    """What may be learned from, whom to stop by, and whose the data is.

    Attributes:
        validation: Its `fit_on` is learned from; its answers are asked for to stop in time.
        refit_on: The same and those answers, for whoever learns anew once all is chosen; the test's are not in it.
        record: Data, cut and code, for the model card.
        credits: Sentences about licences and sources.
    """

    catalogue: Catalogue
    validation: Task
    refit_on: Interactions
    record: ProtocolRecord
    licence: str
    credits: tuple[str, ...]


def read_training_data(name: str, directory: Path | None, store: AssetStore, *, seed: int) -> TrainingData:
    """A data set by name: its 5-core, ties shuffled, each user's last two interactions kept from learning.

    Films are described, from the directory's own encyclopedia extracts if it has them. Without an order in time, the
    two interactions are drawn by chance, and so is the history that a step follows.

    Args:
        name: As `llmrec data list` shows it.
        directory: Where the files lie; None fetches them.
        store: Where assets are cached.
        seed: Of ties and of what is drawn.

    Raises:
        ConfigError: No data set has that name.
        AssetError: It cannot be had.
        DataError: Its files are not what they should be.
    """
    info = dataset_info(name)
    read = read_dataset(name, directory or store.fetch(name, progress=TerminalProgress()))
    catalogue, sources = read.catalogue, tuple[str, ...]()
    if info.is_film:
        progress = TerminalProgress()
        catalogue, sources = described_films(catalogue, read.interactions, store, progress, given=directory)
    core = prepared(catalogue, read.interactions, core=CORE)
    cut = split(
        core.interactions,
        protocol="leave-last-out" if info.has_time else "random-one-out",
        ties="random",
        seed=seed,
        has_time=info.has_time,
    )
    record = ProtocolRecord.of([cut], name=name, part="validation", core=CORE, seeds=[seed])
    return TrainingData(
        core.catalogue, cut.validation[0], cut.test[0].fit_on, record, info.licence, (info.citation, *sources)
    )
