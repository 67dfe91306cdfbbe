"""Which arm of an experiment a user is in: the same one at every request, without anything being stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from llmrec.types import UserId

_BYTES = 8


def place_of(user_id: UserId, *, salt: str) -> float:
    """Where `user_id` falls in [0, 1): uniform over users, and independent between salts.

    The salt is what keeps two experiments apart: without one, the same users would be in the first arm of each.
    Source: Kohavi, Tang & Xu 2020, chapter 14 (hash of the id and the experiment).
    """
    # The length goes in front, so that no two pairs of salt and id give the same bytes.
    named = f"{len(salt)}:{salt}:{user_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(named, digest_size=_BYTES).digest()
    # 53 bits: all that a float in [0, 1) can hold without rounding up to 1.
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def arm_number(user_id: UserId, shares: Sequence[float], *, salt: str) -> int:
    """Number of the arm of `user_id`, from 0; arm i gets `shares[i]` of all users. The shares sum to 1."""
    place, end = place_of(user_id, salt=salt), 0.0
    for number, share in enumerate(shares):
        end += share
        if place < end:
            return number
    return len(shares) - 1  # rounding may leave the sum a hair below 1
