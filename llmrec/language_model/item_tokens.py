"""Scores of a whole catalogue from one pass over a history, in which each item is a single token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmrec.language_model.bounds import foreign_errors
from llmrec.language_model.item_token_network import ItemTokenNetwork, last_states
from llmrec.types import Histories

_AT_ONCE = 64  # histories read together


@dataclass(frozen=True, slots=True)
class CatalogueWords:
    """A catalogue's items as a network's words.

    Attributes:
        texts: float32 [n_items, dim], what the text of each says; see `TextScale`.
        numbers: int64 [n_items], the network's own number of each; -1 for a cold item, which nobody met in training.
    """

    texts: Tensor
    numbers: NDArray[np.int64]


class ItemTokenScorer:
    """Implements CatalogueScorer: logits of "this item is next", comparable within one history.

    A cold item is read and scored by what its text says; its bias is the lowest that was learned, so it has to win by
    its text. A history without an item gets the score 0 throughout.
    """

    def __init__(self, network: ItemTokenNetwork, words: CatalogueWords, *, name: str, adapter: str = "") -> None:
        """Take over a trained network, as it is now; it is not trained here, and must not be elsewhere.

        Args:
            network: Who reads.
            words: The catalogue, in its order.
            name: Of the base model.
            adapter: Of the adapter.
        """
        self._network = network.eval()
        self._base_name = name
        self._adapter = adapter
        known = torch.from_numpy(np.flatnonzero(words.numbers >= 0)).to(network.device)
        numbers = torch.from_numpy(words.numbers[words.numbers >= 0]).to(network.device)
        with torch.inference_mode():
            self._vectors = words.texts.to(network.device, copy=True)
            self._vectors[known] = network.item_vectors()[numbers]
            lowest = network.bias.min() if len(network.bias) else torch.zeros((), device=network.device)
            self._bias = lowest.repeat(len(self._vectors))
            self._bias[known] = network.bias[numbers]

    @property
    def name(self) -> str:
        """Name of the base model, for traces."""
        return self._base_name

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        return self._adapter

    def score_histories(self, histories: Histories) -> NDArray[np.float32]:
        """float32 [n_users, n_items] in catalogue order, higher is better. Raises ModelError."""
        table = np.zeros((len(histories), len(self._vectors)), dtype=np.float32)
        with foreign_errors(what=f"{len(histories)} histories"), torch.inference_mode():
            for users in _like_lengths(histories):
                table[users] = self._logits(histories, users).cpu().numpy()
        return table

    def _logits(self, histories: Histories, users: NDArray[np.int64]) -> Tensor:
        starts, items = histories.starts, torch.from_numpy(histories.items.astype(np.int64))
        rows = [items[starts[user] : starts[user + 1]] for user in users.tolist()]
        states = last_states(self._network, rows, self._vectors)
        # In float32, for bfloat16 would tie items that differ.
        return self._network.logits(states.float(), self._vectors, self._bias)


def _like_lengths(histories: Histories) -> Iterator[NDArray[np.int64]]:
    """Users with an item, some at once, shortest history first, so that little is padded."""
    order = np.argsort(histories.lengths, kind="stable")
    order = order[histories.lengths[order] > 0]
    for start in range(0, len(order), _AT_ONCE):
        yield order[start : start + _AT_ONCE]
