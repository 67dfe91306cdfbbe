"""What the first k of every user have in common with the catalogue, the crowd and each other; answers play no part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.data.interactions import Interactions
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.metrics import CUTOFFS, candidate_rows
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories, ItemId, ItemMask, Vectors

TopItems = NDArray[np.int32]  # [n_users, k], catalogue positions, best first; -1 where there are fewer candidates
TieKeys = NDArray[np.uint64]  # [n_items], the lower one goes first among equal scores
NOBODY = -1
_BATCH = 8192  # users; bounds the sums of vectors that are held at once


@dataclass(frozen=True)
class Popularity:
    """How many users met each item, in what a model may learn from.

    Attributes:
        counts: float64 [n_items], users who met the item.
        n_users: Users who met anything.
    """

    counts: NDArray[np.float64]
    n_users: int

    @classmethod
    def of(cls, fit_on: Interactions) -> Popularity:
        """Count users; one who met an item twice counts once."""
        n_items = len(fit_on.item_ids)
        pairs = np.unique(fit_on.users.astype(np.int64) * n_items + fit_on.items)
        counts = np.bincount(pairs % n_items, minlength=n_items).astype(np.float64)
        return cls(counts, len(np.unique(fit_on.users)))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the users who met each item, float64 [n_items]."""
        return self.counts / max(self.n_users, 1)


def users_by_item(fit_on: Interactions) -> Mapping[ItemId, int]:
    """How many users met each item that anybody met."""
    counts = Popularity.of(fit_on).counts.astype(int).tolist()
    return {item_id: n for item_id, n in zip(fit_on.item_ids, counts, strict=True) if n}


@dataclass(frozen=True)
class ListMetrics:
    """Metrics of lists: those that every user has, float64 [n_users], and those of all lists together."""

    per_user: Mapping[str, PerUser]
    overall: Mapping[str, float]


def tie_keys(item_ids: Sequence[ItemId], *, seed: int) -> TieKeys:
    """What orders items of equal score: a hash of each id, so its place in the catalogue or its meaning does not."""
    salt = seed.to_bytes(8, "little", signed=True)
    digests = (hashlib.blake2b(item_id.encode(), digest_size=8, salt=salt).digest() for item_id in item_ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def top_items(
    scores: ScoreTable, histories: Histories, k: int, *, keys: TieKeys, candidates: ItemMask | None = None
) -> TopItems:
    """The `k` best items of each user that are not in the user's own history, best first, equals by `keys`.

    A list has to show one of two equals, so it cannot use the mean rank that accuracy does; with keys from a hash of
    the id, renumbering the catalogue changes no list, and renaming the items changes no metric on average.

    Args:
        scores: float32 [n_users, n_items], finite.
        histories: What each user met before.
        k: Length of the lists; filled up with -1.
        keys: See `tie_keys`.
        candidates: bool [n_items], what may be shown at all; None for all.

    Raises:
        DataError: When a score is nan or infinite.
    """
    lists = np.full((len(scores), k), NOBODY, dtype=np.int32)
    for user, row in candidate_rows(scores, histories, candidates):
        best = _best_of(row, k, keys)
        lists[user, : len(best)] = best
    return lists


def list_metrics(
    lists: TopItems,
    histories: Histories,
    popularity: Popularity,
    *,
    vectors: Vectors | None = None,
    cutoffs: Sequence[int] = CUTOFFS,
) -> ListMetrics:
    """`novelty@k`, `popularity_bias@k`, `diversity@k` by user; `coverage@k` and `gini@k` of all lists together.

    Args:
        lists: At least as long as the largest cutoff.
        histories: What each user met before: the profile that popularity bias compares with.
        popularity: Of the items in what was learned from.
        vectors: float32 [n_items, dim], for diversity; None leaves it out.
        cutoffs: Every k; diversity needs two items and is left out below.
    """
    per_user: dict[str, PerUser] = {}
    overall: dict[str, float] = {}
    for k in cutoffs:
        first = lists[:, :k]
        shown = exposure(first, len(popularity.counts))
        overall |= {f"coverage@{k}": coverage(shown), f"gini@{k}": gini(shown)}
        per_user[f"novelty@{k}"] = novelty(first, popularity)
        per_user[f"popularity_bias@{k}"] = popularity_bias(first, histories, popularity)
        if vectors is not None and k > 1:
            per_user[f"diversity@{k}"] = diversity(first, vectors)
    return ListMetrics(per_user, overall)


def exposure(lists: TopItems, n_items: int) -> NDArray[np.float64]:
    """How many users are shown each item, float64 [n_items]."""
    return np.bincount(lists[lists != NOBODY], minlength=n_items).astype(np.float64)


def coverage(shown: NDArray[np.float64]) -> float:
    """Share of the catalogue that anybody is shown, in [0, 1]. Source: Ge et al. 2010 (catalogue coverage).

    Args:
        shown: See `exposure`.
    """
    return float(np.count_nonzero(shown) / len(shown)) if len(shown) else float("nan")


def gini(shown: NDArray[np.float64]) -> float:
    """How unequally items are shown: 0 when all alike, (n - 1) / n when one alone; nan when nothing is shown.

    Sum over the n items in ascending order of (2 i - n - 1) x_i / (n sum x). Source: Shani & Gunawardana 2011, who
    divide by n - 1, so that one item alone makes 1.
    """
    n, total = len(shown), float(shown.sum())
    if not total:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * np.sort(shown)).sum() / (n * total))


def novelty(lists: TopItems, popularity: Popularity) -> PerUser:
    """Mean surprise of the items shown in bits, -log2 of the share of users who met them; nan for an empty list.

    An item that nobody met counts as if one user had: log2(n_users), the most there is. Source: Zhou et al. 2010
    (self-information).
    """
    surprise = np.log2(max(popularity.n_users, 1)) - np.log2(np.maximum(popularity.counts, 1))
    return _mean_of_lists(lists, surprise)


def popularity_bias(lists: TopItems, histories: Histories, popularity: Popularity) -> PerUser:
    """Mean popularity of the items shown over that of the user's history: above 1, the list is more popular.

    float64 [n_users]; nan without a history of items that users met, and for an empty list. Source: Abdollahpouri et
    al. 2019 (lift of group average popularity, here by user and as a ratio, not ratio - 1).
    """
    shares, n_users = popularity.shares, len(histories)
    totals = np.bincount(histories.users, weights=shares[histories.items], minlength=n_users)
    of_profile = totals / np.maximum(histories.lengths, 1)
    known = of_profile > 0
    return np.where(known, _mean_of_lists(lists, shares) / np.where(known, of_profile, 1), np.nan)


def diversity(lists: TopItems, vectors: Vectors) -> PerUser:
    """1 - mean cosine of all pairs in a list, float64 [n_users] in [0, 2]; nan for fewer than two items.

    A vector of zeros has cosine 0 with every other. Source: Ziegler et al. 2005 (intra-list similarity), Smyth &
    McClave 2001.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # The pad, -1, points to an extra last row of zeros, which adds nothing to any sum.
    units = np.zeros((len(vectors) + 1, vectors.shape[1]), dtype=np.float32)
    units[:-1] = vectors / np.where(lengths > 0, lengths, 1)
    parts = [_diversity(lists[start : start + _BATCH], units) for start in range(0, len(lists), _BATCH)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _diversity(lists: TopItems, units: Vectors) -> PerUser:
    n_users, k = lists.shape
    places = np.where(lists == NOBODY, len(units) - 1, lists)
    ends = np.arange(0, n_users * k + 1, k)
    # A sparse product adds the vectors of each list without gathering them.
    one_each = sparse.csr_array((np.ones(n_users * k, np.float32), places.ravel(), ends), (n_users, len(units)))
    sums = (one_each @ units).astype(np.float64)
    with_itself = one_each @ (units**2).sum(axis=1)
    n = np.count_nonzero(lists != NOBODY, axis=1)
    # |sum of v|^2 holds each pair twice, and each vector with itself once.
    pairs_twice = (sums**2).sum(axis=1) - with_itself
    return np.where(n > 1, 1 - pairs_twice / np.maximum(n * (n - 1), 1), np.nan)


def _mean_of_lists(lists: TopItems, values: NDArray[np.float64]) -> PerUser:
    n = np.count_nonzero(lists != NOBODY, axis=1)
    totals = np.append(values, 0.0)[lists].sum(axis=1)
    return np.where(n > 0, totals / np.maximum(n, 1), np.nan)


def _best_of(row: NDArray[np.float32], k: int, keys: TieKeys) -> NDArray[np.int64]:
    """Positions of the `k` highest finite scores, equals by ascending key."""
    places = np.flatnonzero(row > -np.inf)
    if len(places) > k:
        last = np.partition(row, len(row) - k)[len(row) - k]
        above, tied = np.flatnonzero(row > last), np.flatnonzero(row == last)
        n_wanted = k - len(above)
        if n_wanted < len(tied):
            tied = tied[np.argpartition(keys[tied], n_wanted - 1)[:n_wanted]]
        places = np.concatenate([above, tied])
    return places[np.lexsort((keys[places], -row[places]))]
