"""Prompts of different lengths as one batch to continue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch


class Batch(TypedDict):
    """The arguments of `generate` that say what to continue."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor


def left_padded(rows: Sequence[Sequence[int]], *, pad_id: int, device: torch.device) -> Batch:
    """`rows` of token ids with their ends aligned, int64 [n_rows, longest]."""
    longest = max(map(len, rows))
    padded = [[pad_id] * (longest - len(row)) + list(row) for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return {"input_ids": torch.tensor(padded, device=device), "attention_mask": torch.tensor(mask, device=device)}
