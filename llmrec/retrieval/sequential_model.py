"""The network of the sequential retrievers: a causal Transformer over items, which scores items by inner product."""

from __future__ import annotations

import copy
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmrec.retrieval.sequential_plan import NetworkShape

_INIT_STD = 0.02
_NO_ITEM = -1  # fills a batch on the left


class SequenceNetwork(nn.Module):
    """Pre-norm Transformer with tied item vectors. Source: Kang & McAuley 2018, arXiv 1808.09781 (SASRec).

    Places are learned as distances between two items of the history, one bias per head and distance, so that a history
    need not be filled up to `max_length`. Vectors of places, as in the source, did worse (docs/experiments.md).

    Items are numbered `0 .. n_known - 1`; the first `n_trained` own an id vector. With `texts`, every item's vector is
    a projection of its text plus its id vector where it has one, and `n_known` is the number of texts.
    """

    def __init__(
        self, n_trained: int, shape: NetworkShape, *, texts: Tensor | None = None, id_dropout: float = 0.0
    ) -> None:
        """Draw weights from torch's generator.

        Args:
            n_trained: Items that own an id vector.
            shape: Size of the Transformer.
            texts: float32 [n_known, text_dim], or None for items known by their id alone.
            id_dropout: Share of id vectors left out of each training step, so that texts learn to stand alone.
        """
        super().__init__()
        self.shape = shape
        self.id_dropout = id_dropout
        self.ids = nn.Parameter(torch.randn(n_trained, shape.dim) * _INIT_STD)
        self.texts: Tensor | None
        self.register_buffer("texts", texts)
        self.projection = None if texts is None else _projection(texts.shape[1], shape)
        self.dropout = nn.Dropout(shape.dropout)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.n_blocks))
        self.norm = nn.LayerNorm(shape.dim)

    def item_vectors(self, n_items: int | None = None) -> Tensor:
        """Vectors of the first `n_items` items (all known ones by default), [n_items, dim]."""
        ids: Tensor = self.ids
        if self.projection is None or self.texts is None:
            return ids[:n_items]
        if self.training and self.id_dropout:
            ids = ids * (torch.rand(len(ids), 1, device=ids.device) >= self.id_dropout)
        vectors = self.projection(self.texts[:n_items])
        return cast("Tensor", vectors + functional.pad(ids, (0, 0, 0, len(vectors) - len(ids))))

    def forward(self, items: Tensor, vectors: Tensor) -> Tensor:
        """What each place of each history says of the next item, [n_histories, length, dim].

        Args:
            items: int64 [n_histories, length], oldest first, filled with -1 on the left.
            vectors: Of `item_vectors`.
        """
        real = items != _NO_ITEM
        hidden = vectors[items.clamp(min=0)] * self.shape.dim**0.5
        hidden = self.dropout(hidden) * real.unsqueeze(-1)
        distances, unseen = _pairs(real)
        for block in self.blocks:
            hidden = block(hidden, distances, unseen)
        return cast("Tensor", self.norm(hidden))

    def grown(self, n_trained: int, rows: Tensor) -> Self:
        """A copy whose first `n_trained` items own an id vector; the others' are as they were.

        Args:
            n_trained: At least as many as now.
            rows: int64 [n_known], today's number of each item of the copy, for its text.
        """
        copied = copy.deepcopy(self)
        missing = n_trained - len(self.ids)
        if self.texts is None:
            new = torch.randn(missing, self.shape.dim, device=self.ids.device) * _INIT_STD
        else:
            # A new item starts from what its text says.
            new = torch.zeros(missing, self.shape.dim, device=self.ids.device)
            copied.texts = self.texts[rows.to(self.texts.device)]
        copied.ids = nn.Parameter(torch.cat([self.ids.detach(), new]))
        return copied


class _Block(nn.Module):
    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(shape.dim)
        self.attention = _Attention(shape)
        self.step_norm = nn.LayerNorm(shape.dim)
        self.step = nn.Sequential(nn.Linear(shape.dim, 2 * shape.dim), nn.GELU(), nn.Linear(2 * shape.dim, shape.dim))
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, hidden: Tensor, distances: Tensor, unseen: Tensor) -> Tensor:
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), distances, unseen))
        return cast("Tensor", hidden + self.dropout(self.step(self.step_norm(hidden))))


class _Attention(nn.Module):
    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.n_heads = shape.n_heads
        self.inputs = nn.Linear(shape.dim, 3 * shape.dim)
        self.output = nn.Linear(shape.dim, shape.dim)
        self.by_distance = nn.Parameter(torch.zeros(shape.n_heads, shape.max_length))

    def forward(self, hidden: Tensor, distances: Tensor, unseen: Tensor) -> Tensor:
        n, length, dim = hidden.shape
        heads = self.inputs(hidden).view(n, length, 3, self.n_heads, dim // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        bias = self.by_distance[:, distances].to(query.dtype) + unseen.to(query.dtype).unsqueeze(1)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return cast("Tensor", self.output(mixed.transpose(1, 2).reshape(n, length, dim)))


def _pairs(real: Tensor) -> tuple[Tensor, Tensor]:
    """Distances back, int64 [length, length], and -inf where a place may not look, [n, length, length]."""
    steps = torch.arange(real.shape[1], device=real.device)
    back = steps.unsqueeze(1) - steps
    # A filled place looks at itself: a row without anything to look at would be nan.
    seen = ((back >= 0) & real.unsqueeze(1)) | (back == 0)
    unseen = torch.zeros(seen.shape, device=real.device).masked_fill(~seen, float("-inf"))
    return back.clamp(min=0), unseen


def _projection(text_dim: int, shape: NetworkShape) -> nn.Module:
    last = nn.Linear(shape.dim, shape.dim)
    nn.init.normal_(last.weight, std=_INIT_STD)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(text_dim, shape.dim), nn.GELU(), nn.Dropout(shape.dropout), last)
