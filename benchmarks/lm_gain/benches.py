"""The benchmarks of the gain: the same cuts as the table of quality, some with fewer users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.side_by_side.bench import Bench, Cut, read_and_cut
from benchmarks.side_by_side.own_stages import settings_of
from llmrec.data.splits import Split
from llmrec.evaluation.run import limited
from llmrec.settings import Settings

_SEED = 0  # of the users who are tested


@dataclass(frozen=True)
class GainBench:
    """One table.

    Attributes:
        limit_users: How many users are tested, drawn once; None for all.
        preset: Name of the adapters' configuration, chosen on validation rows.
    """

    bench: Bench
    limit_users: int | None = None
    preset: str = "ranker-item-tokens"

    @property
    def name(self) -> str:
        """Name of its directory of runs, and of its file of results after `ranker-`."""
        return self.bench.name

    def cut(self, directory: Path) -> Cut:
        """The data set from `directory`, cut; users beyond the limit are learned from, and neither tested nor asked."""
        return with_fewer_users(read_and_cut(self.bench, directory), self.limit_users)


_ALL = (
    GainBench(Bench("movielens-100k", "leave-last-out")),
    GainBench(Bench("movielens-latest-small", "leave-last-out", ties="random")),
    GainBench(Bench("amazon-games", "leave-last-out", core=0), 3000, "ranker-item-tokens-short"),
)
GAIN_BENCHES: Mapping[str, GainBench] = {bench.name: bench for bench in _ALL}


def with_fewer_users(cut: Cut, limit: int | None) -> Cut:
    """The same with at most `limit` of the tested users, the same ones for validation and test."""
    tested = np.unique(np.concatenate([task.users for task in cut.splits[0].test]))
    if limit is None or limit >= len(tested):
        return cut
    users = np.random.default_rng(_SEED).permutation(tested)[:limit]
    return replace(cut, splits=tuple(_limited(split, users) for split in cut.splits))


def retriever_settings(cut: Cut, file: Path | None) -> Settings:
    """Those of `file`; without one, those chosen on this benchmark, with the hybrid of a fresh install.

    What a fresh install fuses has closed forms only: the language model is not to gain over what nobody serves, nor
    hide behind a second network.
    """
    if file is not None:
        return Settings.from_file(file)
    chosen = settings_of(cut)
    models = chosen.models.model_copy(update={"hybrid_parts": Settings().models.hybrid_parts})
    return chosen.model_copy(update={"models": models})


def _limited(split: Split, users: NDArray[np.int64]) -> Split:
    validation, test = (tuple(limited(task, users) for task in tasks) for tasks in (split.validation, split.test))
    return replace(split, validation=validation, test=test)
