"""Histories cut and padded for the sequential network; item numbers are the network's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

NO_ITEM = -1  # fills a batch on the left
_POOL = 16  # batches whose histories are sorted by length together, so that little is filled up

Sequence64 = NDArray[np.int64]  # item numbers of one user, oldest first


def cut(sequences: Sequence[Sequence64], max_length: int) -> list[Sequence64]:
    """Pieces of 2 to `max_length + 1` items, in which every item but a user's oldest is a target exactly once."""
    pieces: list[Sequence64] = []
    for sequence in sequences:
        end = len(sequence)
        while end > 1:
            start = max(0, end - max_length - 1)
            pieces.append(sequence[start:end])
            end = start + 1
    return pieces


def padded(pieces: Sequence[Sequence64]) -> NDArray[np.int64]:
    """int64 [n, longest], each piece at the right edge, -1 before it."""
    longest = max((len(piece) for piece in pieces), default=0)
    batch = np.full((len(pieces), longest), NO_ITEM, dtype=np.int64)
    for row, piece in zip(batch, pieces, strict=True):
        row[longest - len(piece) :] = piece
    return batch


def shuffled_batches(pieces: Sequence[Sequence64], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """All pieces once, in batches of about equal length and random order."""
    lengths = np.array([len(piece) for piece in pieces])
    order = rng.permutation(len(pieces))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size * _POOL):
        pool = order[start : start + size * _POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[first : first + size] for first in range(0, len(pool), size)]
    for number in rng.permutation(len(batches)):
        yield padded([pieces[row] for row in batches[number]])


def held_out(
    sequences: Sequence[Sequence64], most: int, rng: np.random.Generator
) -> tuple[list[Sequence64], list[Sequence64], Sequence64]:
    """Sequences to learn from; and of at most `most` users with 3 items or more, what they did before the last, and it.

    Returns:
        All sequences without the held-out items, the histories of the users tested, their last items.
    """
    can_be = np.flatnonzero([len(sequence) > 2 for sequence in sequences])
    tested = np.sort(rng.permutation(can_be)[:most])
    rest = list(sequences)
    for user in tested:
        rest[user] = sequences[user][:-1]
    answers = np.array([sequences[user][-1] for user in tested], dtype=np.int64)
    return rest, [rest[user] for user in tested], answers
