"""What item tokens learn from: pieces of histories, in which each item comes next once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from finetune.ranker_examples import Draw
from finetune.ranker_objectives import Batch, padded
from llmrec.data.interactions import Interactions
from llmrec.language_model.item_token_network import IGNORED

PIECES = pa.schema([("user", pa.int32()), ("items", pa.list_(pa.int32())), ("length", pa.int32())])


def first_met(interactions: Interactions) -> NDArray[np.int64]:
    """Catalogue positions of all items that anybody met, in order of their first interaction, int64 [n_met].

    Numbered so, what is learned does not depend on ids or on the order of the catalogue.
    """
    met, at = np.unique(interactions.items, return_index=True)
    return met[np.argsort(at)].astype(np.int64)


def pieces(interactions: Interactions, max_length: int) -> Iterator[Mapping[str, object]]:
    """Each user's history in pieces of 2 to `max_length + 1` items, catalogue positions, newest piece first.

    A piece begins with the last item of the one before, so all but a user's oldest item come next exactly once.
    """
    starts = interactions.histories().starts
    for user in range(len(starts) - 1):
        items = interactions.items[starts[user] : starts[user + 1]].tolist()
        end = len(items)
        while end > 1:
            begin = max(0, end - max_length - 1)
            yield {"user": user, "items": items[begin:end], "length": end - begin}
            end = begin + 1


class PieceSet(TorchDataset[Sequence[int]]):
    """The pieces of a file, in the network's numbers."""

    def __init__(self, path: Path, numbers: NDArray[np.int64]) -> None:
        """Map `path`, written from `pieces`, into memory; `numbers` are those of the catalogue's positions."""
        self._rows = Dataset.from_file(str(path))
        self._numbers = numbers

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._rows)

    @property
    def lengths(self) -> Sequence[int]:
        """Items of each."""
        return list(self._rows["length"])

    def __getitem__(self, draw: Draw) -> Sequence[int]:
        """One piece; it is the same in every pass."""
        found: list[int] = self._numbers[np.asarray(self._rows[draw.index]["items"])].tolist()
        return found


@dataclass(frozen=True)
class NextItem:
    """Cross-entropy of each next item over all that anybody met: who was never met could not be passed over.

    Attributes:
        n_negatives: See `ItemTokenNetwork.forward`.
    """

    n_negatives: int = 0

    def batch(self, examples: Sequence[Sequence[int]]) -> Batch:
        """Pieces at the left edge, where a causal model needs no mask."""
        return {
            "items": padded([example[:-1] for example in examples], 0),
            "targets": padded([example[1:] for example in examples], IGNORED),
            "n_tokens": torch.tensor(sum(len(example) - 1 for example in examples)),
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """A mean over items that came next."""
        loss: Tensor = model(batch["items"], batch["targets"], self.n_negatives)
        return loss
