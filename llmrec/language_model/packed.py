"""Many continuations of shared text in one row of tokens: each sees its own past alone, at its own positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text in a tree of pieces.

    Attributes:
        ids: Token ids, at least one.
        after: Number of the segment that it continues, an earlier one of its row; None begins a text.
        n_seen: How many tokens of that segment stand before it; None for all.
    """

    ids: Sequence[int]
    after: int | None = None
    n_seen: int | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of segments as a model reads them, shorter ones padded at their end; only padding sees padding.

    Attributes:
        input_ids: int64 [n_rows, n_tokens].
        position_ids: int64 [n_rows, n_tokens]; a segment's go on where what it sees of its parent ends.
        mask: bool [n_rows, 1, n_tokens, n_past + n_tokens]; what each token may attend to, `n_past` tokens being those
            whose keys and values are already there.
        ends: int64 [n_rows, most segments]; where each segment's last token stands among `input_ids`, 0 for one that a
            row does not have.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    mask: torch.Tensor
    ends: torch.Tensor

    def additive_mask(self, dtype: torch.dtype) -> torch.Tensor:
        """`mask` as what is added to attention scores, `dtype` [n_rows, 1, n_tokens, n_past + n_tokens].

        Every implementation of attention in transformers reads it alike; only some read a boolean one.
        """
        nothing = torch.zeros(self.mask.shape, dtype=dtype, device=self.mask.device)
        return nothing.masked_fill(~self.mask, torch.finfo(dtype).min)

    def to(self, device: torch.device) -> Packed:
        """The same on `device`."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            position_ids=self.position_ids.to(device),
            mask=self.mask.to(device),
            ends=self.ends.to(device),
        )


def pack(rows: Sequence[Sequence[Segment]], *, pad_id: int = 0) -> Packed:
    """Each row's segments one after the other.

    A token sees itself, the tokens of its own segment before it, and what its segment's parent sees up to `n_seen`;
    never a sibling. So a segment's last token knows exactly what it would if the path to it were a text by itself.
    """
    laid_out = [_Row.of(segments) for segments in rows]
    n_tokens = max(len(row.ids) for row in laid_out)
    n_ends = max(len(row.ends) for row in laid_out)
    mask = torch.ones((n_tokens, n_tokens), dtype=torch.bool).tril().repeat(len(rows), 1, 1)
    for place, row in enumerate(laid_out):
        n_own = len(row.ids)
        mask[place, :n_own, :n_own] = row.sees
        mask[place, n_own:, :n_own] = False
    return Packed(
        input_ids=_padded([row.ids for row in laid_out], n_tokens, pad_id),
        position_ids=_padded([row.positions for row in laid_out], n_tokens, 0),
        mask=mask.unsqueeze(1),
        ends=_padded([row.ends for row in laid_out], n_ends, 0),
    )


def without_past(packed: Packed, n_past: int) -> Packed:
    """`packed` for a model that has read the first `n_past` tokens of every row: they are seen, not read again."""
    return Packed(
        packed.input_ids[:, n_past:],
        packed.position_ids[:, n_past:],
        packed.mask[:, :, n_past:, :],
        packed.ends - n_past,
    )


def side_by_side(parts: Sequence[Packed]) -> Packed:
    """The rows of all `parts` as one; what was read before is padded at its end, so that all pasts are equally long."""
    n_past = max(part.mask.shape[3] - part.mask.shape[2] for part in parts)
    n_tokens = max(part.input_ids.shape[1] for part in parts)
    n_ends = max(part.ends.shape[1] for part in parts)
    return Packed(
        torch.cat([_wider(part.input_ids, n_tokens) for part in parts]),
        torch.cat([_wider(part.position_ids, n_tokens) for part in parts]),
        torch.cat([_seeing(part.mask, n_past, n_tokens) for part in parts]),
        torch.cat([_wider(part.ends, n_ends) for part in parts]),
    )


def _seeing(mask: torch.Tensor, n_past: int, n_tokens: int) -> torch.Tensor:
    """`mask` with room for a longer past and more tokens: the new tokens are padding and see everything."""
    n_own = mask.shape[2]
    n_before = mask.shape[3] - n_own
    wider = torch.cat([_wider(mask[..., :n_before], n_past), _wider(mask[..., n_before:], n_tokens)], dim=3)
    return functional.pad(wider, (0, 0, 0, n_tokens - n_own), value=True)


def _wider(rows: torch.Tensor, width: int) -> torch.Tensor:
    return functional.pad(rows, (0, width - rows.shape[-1]))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row before padding; `sees` is bool [n_tokens, n_tokens]."""

    ids: list[int]
    positions: list[int]
    sees: torch.Tensor
    ends: list[int]

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> _Row:
        n_tokens = sum(len(segment.ids) for segment in segments)
        sees = torch.zeros((n_tokens, n_tokens), dtype=torch.bool)
        ids: list[int] = []
        positions: list[int] = []
        starts: list[int] = []
        for segment in segments:
            start, stop = len(ids), len(ids) + len(segment.ids)
            first_position = 0
            if segment.after is not None:
                parent = starts[segment.after]
                n_parent = len(segments[segment.after].ids)
                n_seen = n_parent if segment.n_seen is None else segment.n_seen
                # A token's own row of the mask is all that it has seen, its parent's past included.
                sees[start:stop] = sees[parent]
                sees[start:stop, parent : parent + n_seen] = True
                first_position = positions[parent] + n_seen
            sees[start:stop, start:stop] = torch.ones((stop - start, stop - start), dtype=torch.bool).tril()
            starts.append(start)
            ids.extend(segment.ids)
            positions.extend(range(first_position, first_position + len(segment.ids)))
        ends = [start + len(segment.ids) - 1 for start, segment in zip(starts, segments, strict=True)]
        return cls(ids, positions, sees, ends)


def _padded(rows: Sequence[Sequence[int]], length: int, filler: int) -> torch.Tensor:
    return torch.tensor([[*row, *[filler] * (length - len(row))] for row in rows], dtype=torch.int64)
