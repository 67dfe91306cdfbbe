"""The data sets known by name: where their files are, how they are read, whose they are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.data.film_sets import read_1m, read_100k, read_csv_release, read_redial
from llmrec.data.ingest import ingest_interactions, ingest_items
from llmrec.data.interactions import Interactions
from llmrec.data.other_sets import read_amazon_games, read_goodbooks
from llmrec.data.reports import IngestReport, Progress
from llmrec.data.set_files import RawRows
from llmrec.errors import ConfigError, DataError

_HARPER_KONSTAN = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4: 19. https://doi.org/10.1145/2827872"
)


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a named data set before it is read.

    Attributes:
        folder: Name of the folder its archive unpacks to.
        has_time: Whether the rows of one user stand in order of time, with or without clock times.
        is_film: Whether its items are films, for which descriptions can be had elsewhere.
        core: Interactions that users and items have at least when it is evaluated; 0 takes it as published.
    """

    name: str
    folder: str
    licence: str
    citation: str
    has_time: bool
    is_film: bool = False
    core: int = 5


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named data set, read.

    Attributes:
        reports: Of the items, then of the interactions.
        has_time: Whether the rows of one user stand in order of time, with or without clock times.
    """

    name: str
    catalogue: Catalogue
    interactions: Interactions
    reports: tuple[IngestReport, IngestReport]
    licence: str
    citation: str
    has_time: bool


_GROUPLENS_OPEN = "GroupLens: redistribution under the same conditions; no commercial use without permission."
_INFOS = (
    DatasetInfo(
        "movielens-100k",
        "ml-100k",
        "GroupLens: research use; no redistribution without permission; no commercial use.",
        _HARPER_KONSTAN,
        has_time=True,
        is_film=True,
    ),
    DatasetInfo(
        "movielens-latest-small",
        "ml-latest-small",
        _GROUPLENS_OPEN,
        _HARPER_KONSTAN,
        has_time=True,
        is_film=True,
    ),
    DatasetInfo(
        "movielens-1m",
        "ml-1m",
        "GroupLens: research use; no redistribution without permission; no commercial use.",
        _HARPER_KONSTAN,
        has_time=True,
        is_film=True,
    ),
    DatasetInfo("movielens-20m", "ml-20m", _GROUPLENS_OPEN, _HARPER_KONSTAN, has_time=True, is_film=True),
    DatasetInfo("movielens-25m", "ml-25m", _GROUPLENS_OPEN, _HARPER_KONSTAN, has_time=True, is_film=True),
    DatasetInfo(
        "goodbooks-10k",
        "goodbooks-10k",
        "CC BY-SA 4.0",
        "Zygmunt Zając. 2017. Goodbooks-10k: a new dataset for book recommendations. FastML. https://fastml.com/goodbooks-10k",
        has_time=False,
    ),
    DatasetInfo(
        "amazon-games",
        "amazon-games",
        "Amazon review data: research use. This selection: MIT (LLMRank).",
        "Yupeng Hou et al. 2024. Large Language Models are Zero-Shot Rankers for Recommender Systems. ECIR. "
        "Reviews: Jianmo Ni, Jiacheng Li, Julian McAuley. 2019. EMNLP.",
        has_time=True,
        core=0,
    ),
    DatasetInfo(
        "redial",
        "redial",
        "Dialogues: CC BY 4.0. Plots of the films: IMDb; for local use, not to be passed on.",
        "Raymond Li et al. 2018. Towards Deep Conversational Recommendations. NeurIPS. https://arxiv.org/abs/1812.07617",
        has_time=False,
        is_film=True,
    ),
)
DATASETS: Mapping[str, DatasetInfo] = {info.name: info for info in _INFOS}
_READERS: Mapping[str, Callable[[Path], RawRows]] = {
    "movielens-100k": read_100k,
    "movielens-latest-small": read_csv_release,
    "movielens-1m": read_1m,
    "movielens-20m": read_csv_release,
    "movielens-25m": read_csv_release,
    "goodbooks-10k": read_goodbooks,
    "amazon-games": read_amazon_games,
    "redial": read_redial,
}


def dataset_info(name: str) -> DatasetInfo:
    """What is known of the data set `name`. Raises ConfigError that lists the names and the nearest one."""
    if name not in DATASETS:
        near = difflib.get_close_matches(name.lower(), DATASETS, n=1, cutoff=0.3)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise ConfigError(f"there is no data set called {name!r}.", hint=f"{meant}Known: {', '.join(DATASETS)}.")
    return DATASETS[name]


def read_dataset(name: str, directory: Path, *, progress: Progress | None = None) -> Dataset:
    """Read the named data set from `directory`, or from its own folder in there.

    Args:
        name: One of `DATASETS`.
        directory: Where its files are, in any layout that occurs, each file plain, `.gz` or `.zip`.
        progress: Told the number of interactions read so far.

    Raises:
        ConfigError: There is no such data set.
        DataError: A file is missing or damaged; it names the file and the known layouts.
    """
    info = dataset_info(name)
    if not directory.is_dir():
        raise DataError(f"there is no directory {directory}.", hint=f"It should hold the files of {name}.")
    nested = directory / info.folder
    rows = _READERS[name](nested if nested.is_dir() else directory)
    items = ingest_items(rows.items, name=f"{name} items")
    met = ingest_interactions(rows.interactions, items.catalogue, name=f"{name} interactions", progress=progress)
    return Dataset(
        name=name,
        catalogue=items.catalogue,
        interactions=met.interactions,
        reports=(items.report, met.report),
        licence=info.licence,
        citation=info.citation,
        has_time=info.has_time,
    )
