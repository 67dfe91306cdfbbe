"""The training examples: a table on disk, written once and mapped into memory, and slates drawn from its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from datasets import Dataset
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from finetune.ranker_candidates import Row
from finetune.whole_files import whole_or_absent
from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.evaluation.fused_stages import query_of
from llmrec.types import ItemId, Query

_SCHEMA = pa.schema(
    [
        ("user", pa.int32()),
        ("history", pa.list_(pa.int32())),
        ("items", pa.list_(pa.int32())),
        ("scores", pa.list_(pa.float32())),
        ("length", pa.int32()),
    ]
)
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class RankExample:
    """One step of one user as it is shown this time.

    Attributes:
        query: What was known before it, as a ranker is told.
        item_ids: The candidates in the order in which they are shown.
        target: Place of what came next among `item_ids`.
        teacher: float32 [n_candidates], the retriever's scores.
    """

    query: Query
    item_ids: tuple[ItemId, ...]
    target: int
    teacher: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draw:
    """Which example is wanted, and in which pass over the data."""

    index: int
    epoch: int


def write_examples(rows: Iterable[Row], path: Path, *, schema: pa.Schema = _SCHEMA) -> None:
    """Write `rows` to `path`, unless it is there already; what is there is whole.

    Raises:
        DataError: There are none.
        ArtifactError: The disk is full or the like.
    """
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    n_rows, source = 0, iter(rows)
    with (
        whole_or_absent(partial),
        pa.OSFile(str(partial), "wb") as file,
        pa.ipc.new_stream(file, schema) as writer,
    ):
        while chunk := list(islice(source, _ROWS_AT_ONCE)):
            writer.write_batch(pa.RecordBatch.from_pylist(chunk, schema=schema))
            n_rows += len(chunk)
    if not n_rows:
        partial.unlink()
        raise DataError(
            "there is nothing to learn from: no user has two interactions left beside the last two.",
            hint="Give data with longer histories.",
        )
    partial.replace(path)


def sha256_of(path: Path) -> str:
    """sha256 of the examples' file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ExampleSet(TorchDataset[RankExample]):
    """The examples of a file; each draw of one shows other wrong candidates in another order."""

    def __init__(self, path: Path, catalogue: Catalogue, *, slate_size: int, seed: int) -> None:
        """Map `path`, which `write_examples` made over `catalogue`, into memory."""
        self._rows = Dataset.from_file(str(path))
        self._ids = catalogue.ids
        self._slate_size = slate_size
        self._seed = seed

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._rows)

    @property
    def lengths(self) -> Sequence[int]:
        """How long each one's text is, about."""
        return list(self._rows["length"])

    def __getitem__(self, draw: Draw) -> RankExample:
        """The example as it is shown in that pass; the same draw always gives the same."""
        row = self._rows[draw.index]
        rng = np.random.default_rng([self._seed, draw.epoch, draw.index])
        wrong = rng.permutation(np.arange(1, len(row["items"])))[: self._slate_size - 1]
        places = rng.permutation(np.concatenate([[0], wrong]))
        items, scores = np.asarray(row["items"]), np.asarray(row["scores"], dtype=np.float32)
        return RankExample(
            query=query_of(np.asarray(row["history"], dtype=np.int32), self._ids),
            item_ids=tuple(self._ids[item] for item in items[places].tolist()),
            target=int(np.flatnonzero(places == 0)[0]),
            teacher=scores[places],
        )


class LengthGroups(Sampler[Draw]):
    """Every example once a pass, like lengths in one batch; the order is drawn from seed and pass alone.

    So a run that goes on in the middle of a pass meets what it would have met. Batches of the same length wait beside
    each other for all processes and for all parts of one step.
    """

    def __init__(self, lengths: Sequence[int], *, group: int, seed: int) -> None:
        """Keep what orders them.

        Args:
            lengths: Of each example.
            group: Examples of one step, over all processes and accumulated batches.
            seed: Of the order.
        """
        self._lengths = np.asarray(lengths)
        self._group = group
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[Draw]:
        """The draws of the pass `epoch`."""
        rng = np.random.default_rng([self._seed, self.epoch])
        order = rng.permutation(len(self._lengths))
        span = self._group * _GROUPS_SORTED_TOGETHER
        runs = [order[start : start + span] for start in range(0, len(order), span)]
        ordered = np.concatenate([run[np.argsort(-self._lengths[run], kind="stable")] for run in runs])
        steps = [ordered[start : start + self._group] for start in range(0, len(ordered), self._group)]
        # The one step that may be smaller stays last, or processes would run out of step.
        whole = [step for step in steps if len(step) == self._group]
        rest = steps[len(whole) :]
        for step in [*(whole[place] for place in rng.permutation(len(whole))), *rest]:
            yield from (Draw(int(index), self.epoch) for index in step)


_GROUPS_SORTED_TOGETHER = 50  # as in transformers' own sampler by length: near enough, and still shuffled
