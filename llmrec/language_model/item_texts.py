"""What a language model's own vocabulary says of items: the mean of the token embeddings of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from llmrec.prompting.textualize import item_line
from llmrec.types import Item

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class TextScale:
    """How mean embeddings become vectors that the layers read like those of words.

    Attributes:
        mean: float32 [dim], taken off: what all lines share says nothing of one.
        factor: Multiplied then.
    """

    mean: Tensor
    factor: float

    @classmethod
    def of(cls, means: Tensor, embeddings: Tensor) -> TextScale:
        """The scale that brings `means`, [n_items, dim], near the spread of `embeddings`, [n_vocabulary, dim]."""
        spread = float(means.std()) if len(means) else 1.0
        mean = means.mean(dim=0) if len(means) else torch.zeros(embeddings.shape[1], device=embeddings.device)
        return cls(mean, float(embeddings.float().std()) / max(spread, _TINY))

    def applied(self, means: Tensor) -> Tensor:
        """Vectors, float32 [n_items, dim]."""
        return (means - self.mean) * self.factor


def text_lines(items: Iterable[Item], *, description_chars: int) -> list[str]:
    """The line of each item, as prompts show it."""
    return [item_line(item, max_description_chars=description_chars) for item in items]


def mean_embeddings(lines: Sequence[str], tokenizer: PreTrainedTokenizerBase, embeddings: Tensor) -> Tensor:
    """Mean embedding of the tokens of each line, float32 [n_lines, dim]; 0 for a line without a token."""
    if not lines:
        return torch.zeros(0, embeddings.shape[1], device=embeddings.device)
    rows = tokenizer(list(lines), add_special_tokens=False, split_special_tokens=True)["input_ids"]
    ids, places = torch.unique(torch.tensor([token for row in rows for token in row]).long(), return_inverse=True)
    lengths = torch.tensor([len(row) for row in rows])
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)[:-1]])
    used = embeddings[ids.to(embeddings.device)].float()
    return functional.embedding_bag(places.to(used.device), used, starts.to(used.device), mode="mean")
