"""The benchmarks of quality: a data set, a protocol and a rule for ties, cut the same way for everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.film_texts import describe_films
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Part, Prepared, Protocol, Split, Task, Ties, prepared, split
from llmrec.evaluation.run import limited

MAX_VALIDATION_USERS = 10_000  # enough to choose on; the test is always on everyone
LARGE = 300_000  # interactions; from here on a peer's search stays with the cheaper choices of systems.toml
_SEED = 0
_EXTRACTS = "wikipedia-films"


@dataclass(frozen=True)
class Bench:
    """One table of results.

    Attributes:
        core: Interactions that every user and item has at least; 0 where the set was cut by its makers.
        split_seeds: One split each; several where the order of ties is drawn by chance.
    """

    dataset: str
    protocol: Protocol
    ties: Ties = "file"
    core: int = 5
    split_seeds: tuple[int, ...] = (0,)

    @property
    def has_peers(self) -> bool:
        """Whether others can be measured on it: protocols with one task; for cold items there are ten."""
        return self.protocol != "cold-items"

    @property
    def name(self) -> str:
        """Name of its file of results."""
        return f"{self.dataset}-{self.protocol}" + ("-random-ties" if self.ties == "random" else "")


_ALL = (
    Bench("movielens-100k", "leave-last-out"),
    Bench("movielens-latest-small", "leave-last-out"),
    Bench("movielens-latest-small", "leave-last-out", ties="random", split_seeds=(0, 1, 2, 3, 4)),
    Bench("amazon-games", "leave-last-out", core=0),
    Bench("goodbooks-10k", "random-one-out", core=0),
    Bench("movielens-100k", "cold-items"),
    Bench("movielens-latest-small", "cold-items", ties="random"),
)
BENCHES: Mapping[str, Bench] = {bench.name: bench for bench in _ALL}


@dataclass(frozen=True)
class Cut:
    """A benchmark's data, read and cut.

    Attributes:
        splits: One for each of the benchmark's split seeds.
    """

    bench: Bench
    data: Prepared
    splits: tuple[Split, ...]
    has_order: bool

    @property
    def is_large(self) -> bool:
        """Whether searches stay with the cheaper choices."""
        return len(self.data.interactions) > LARGE

    def task(self, number: int, part: Part) -> Task:
        """The one task of a part of split `number`; a validation of very many users is on some of them, drawn once."""
        tasks = self.splits[number].validation if part == "validation" else self.splits[number].test
        if len(tasks) != 1:
            raise SystemExit(f"{self.bench.protocol} has {len(tasks)} tasks; peers are measured on protocols with one")
        task = tasks[0]
        if part == "test" or len(task.users) <= MAX_VALIDATION_USERS:
            return task
        return limited(task, np.random.default_rng(_SEED).permutation(task.users)[:MAX_VALIDATION_USERS])


def read_and_cut(bench: Bench, directory: Path) -> Cut:
    """Read the data set from `directory`, filter it to its core and split it; films get their descriptions."""
    dataset = read_dataset(bench.dataset, directory)
    catalogue = _described(dataset.catalogue, directory) if dataset_info(bench.dataset).is_film else dataset.catalogue
    data = prepared(catalogue, dataset.interactions, core=bench.core)
    splits = tuple(
        split(data.interactions, protocol=bench.protocol, ties=bench.ties, seed=seed, has_time=dataset.has_time)
        for seed in bench.split_seeds
    )
    return Cut(bench, data, splits, dataset.has_time)


@cache
def _extracts(directory: Path) -> tuple[Path, ...]:
    return tuple(sorted((directory / _EXTRACTS).glob("movies-*.json*")))


def _described(catalogue: Catalogue, directory: Path) -> Catalogue:
    return describe_films(catalogue, extracts=_extracts(directory), summaries=None)[0]
