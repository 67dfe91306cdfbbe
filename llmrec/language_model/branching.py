"""A prompt and the texts that go on after it, as tokens of one pass: where each stands, and what each attends to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from llmrec.language_model.candidate_encoding import CandidateIds, Wanted
from llmrec.language_model.packed import pack, without_past

Rows = list[list[int]]  # places of candidates


@dataclass(frozen=True, slots=True)
class Branching:
    """One request's tokens: what is new of its prompt, then rows of candidates, each row padded at its end.

    Attributes:
        input_ids: int64 [n_tokens].
        position_ids: int64 [n_tokens].
        n_known: Tokens at the prompt's beginning that were read before and are not among `input_ids`.
        n_new: The other tokens of the prompt.
        n_rows: Of candidates.
        mask: bool [n_rows, width, n_prompt + width]; what each token of a row may attend to.
        asked: int64 [n_rows, most in a row]; columns of the tokens whose hidden states are wanted, padded with 0.
        kept: int64 [n_wanted]; which of `asked`, row after row, are no padding.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    n_known: int
    n_new: int
    n_rows: int
    mask: torch.Tensor
    asked: torch.Tensor
    kept: torch.Tensor

    @classmethod
    def of(cls, ids: CandidateIds, rows: Rows, *, n_known: int, wanted: Wanted) -> Branching:
        """The candidates of `ids` in `rows`, after a prompt whose first `n_known` tokens were read before."""
        n_prompt = len(ids.prefix)
        own = [ids.only(row) for row in rows]
        packed = without_past(pack([each.segments() for each in own]), n_prompt)
        columns = [each.columns(wanted) for each in own]
        most = max(map(len, columns))
        return cls(
            torch.cat([torch.tensor(ids.prefix[n_known:], dtype=torch.int64), packed.input_ids.flatten()]),
            torch.cat([torch.arange(n_known, n_prompt), packed.position_ids.flatten()]),
            n_known,
            n_prompt - n_known,
            len(rows),
            packed.mask.squeeze(1),
            torch.tensor([[*row, *[0] * (most - len(row))] for row in columns]),
            torch.tensor([number * most + place for number, row in enumerate(columns) for place in range(len(row))]),
        )

    def asked_tokens(self) -> torch.Tensor:
        """Where the tokens of `asked` stand among `input_ids`, int64 [n_rows * most in a row]."""
        width = self.mask.shape[1]
        return (self.n_new + torch.arange(self.n_rows)[:, None] * width + self.asked).flatten()

    def mask_of_all(self, like: torch.Tensor, *, n_groups: int) -> torch.Tensor:
        """`mask` as `attend_rows` adds it, where `n_groups` heads share keys; of the device and type of `like`."""
        return _additive(self.mask, like, n_groups)

    def mask_of_asked(self, like: torch.Tensor, *, n_groups: int) -> torch.Tensor:
        """The same for the tokens of `asked` alone."""
        return _additive(torch.take_along_dim(self.mask, self.asked[:, :, None], dim=1), like, n_groups)


def n_rows_for(n_prompt: int, n_tokens: int) -> int:
    """In how many rows `n_tokens` of candidates attend quickest.

    Wide rows attend to many siblings in vain, narrow ones copy the prompt's keys often. Rows of 90 tokens were quickest
    after 280 of a prompt, between 50 and 350; what balances n * width with copies n / width * prompt grows as its root.
    """
    width = max(64.0, 5.0 * math.sqrt(n_prompt))
    return max(1, round(n_tokens / width))


def attend_prompt(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *, scale: float) -> torch.Tensor:
    """Attention of a prompt's last tokens to themselves and to all before them, [n_tokens, n_heads * n_dim].

    Args:
        queries: [n_tokens, n_heads, n_dim].
        keys: [1, n_key_heads, n_prompt, n_dim], of the whole prompt.
        values: As `keys`.
        scale: What products of queries and keys are multiplied by.
    """
    n_tokens, n_heads, n_dim = queries.shape
    n_groups, n_prompt = n_heads // keys.shape[1], keys.shape[2]
    # Heads that share keys become a batch, for which keys need not be copied.
    grouped = queries.view(n_tokens, -1, n_groups, n_dim).permute(2, 1, 0, 3)
    shared_keys, shared_values = (states.expand(n_groups, -1, -1, -1) for states in (keys, values))
    n_known = n_prompt - n_tokens
    if 2 * n_known < n_prompt:
        # A triangle is quicker than a mask, although nobody asks for its first rows.
        square = functional.pad(grouped, (0, 0, n_known, 0)) if n_known else grouped
        seen = functional.scaled_dot_product_attention(square, shared_keys, shared_values, is_causal=True, scale=scale)[
            :, :, n_known:
        ]
    else:
        may_see = torch.ones(n_tokens, n_prompt, dtype=torch.bool, device=queries.device).tril(n_known)
        seen = functional.scaled_dot_product_attention(
            grouped, shared_keys, shared_values, attn_mask=may_see, scale=scale
        )
    return seen.permute(2, 1, 0, 3).reshape(n_tokens, -1)


def attend_rows(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, *, scale: float
) -> torch.Tensor:
    """Attention of rows to a prompt and to themselves, [n_rows * n_queries, n_heads * n_dim].

    Args:
        queries: [n_rows, n_queries, n_heads, n_dim].
        keys: [n_rows, n_key_heads, n_keys, n_dim].
        values: As `keys`.
        mask: As `Branching.mask_of_all` gives it.
        scale: What products of queries and keys are multiplied by.
    """
    n_rows, n_queries, n_heads, n_dim = queries.shape
    n_key_heads = keys.shape[1]
    # Heads that share keys stand one after the other as if they were tokens: keys need not be copied for each.
    split = queries.view(n_rows, n_queries, n_key_heads, -1, n_dim).permute(0, 2, 3, 1, 4)
    folded = split.reshape(n_rows, n_key_heads, -1, n_dim)
    seen = functional.scaled_dot_product_attention(folded, keys, values, attn_mask=mask, scale=scale)
    unfolded = seen.view(n_rows, n_key_heads, n_heads // n_key_heads, n_queries, n_dim)
    return unfolded.permute(0, 3, 1, 2, 4).reshape(n_rows * n_queries, -1)


def _additive(mask: torch.Tensor, like: torch.Tensor, n_groups: int) -> torch.Tensor:
    hidden = torch.zeros(mask.shape, dtype=like.dtype).masked_fill_(~mask, torch.finfo(like.dtype).min)
    return hidden.repeat(1, n_groups, 1).unsqueeze(1).to(like.device)
