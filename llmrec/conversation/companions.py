"""Voices that know items by their company: what is named often, and what is named together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Training, mention_table
from llmrec.retrieval.scoring import ScoreTable

_LATE = 0.7
_ANYWHERE = 0.2
_PRIOR_MEETINGS = 10.0
_PRIOR_NAMED = 0.3


class Prior:
    """The same opinion in every situation."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        """Hold `values`, float32 [n_items]."""
        self._values = values

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """`values` for each situation."""
        return np.broadcast_to(self._values, (len(situations), len(self._values)))


class Company:
    """How well items go with those that were spoken of."""

    def __init__(self, links: sparse.csr_array, *, decay: float = 1.0, is_count: bool = False) -> None:
        """Follow `links`.

        Args:
            links: float32 [n_items, n_items], from an item spoken of to one that goes with it.
            decay: What an item counts less for each turn since it was spoken of.
            is_count: Whether sums grow like counts, so that their logarithm is what tells.
        """
        self._links = links
        self._decay = decay
        self._is_count = is_count

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Sums over the items spoken of; 0 throughout where there are none."""
        sums = mention_table(situations, self._links.shape[1], decay=self._decay) @ self._links
        dense = sums.toarray().astype(np.float32)
        return np.asarray(np.log1p(dense), dtype=np.float32) if self._is_count else dense


class LikeWhatWasNamed:
    """How near items are, as vectors, to the mean of those spoken of."""

    def __init__(self, items: NDArray[np.float32]) -> None:
        """Compare `items`, float32 [n_items, dim], mostly unit rows."""
        self._items = items

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Inner products; 0 throughout where no item was spoken of."""
        means = np.zeros((len(situations), self._items.shape[1]), dtype=np.float32)
        for row, situation in enumerate(situations):
            if situation.items:
                means[row] = self._items[list(situation.items)].mean(axis=0)
        return np.asarray(means @ self._items.T, dtype=np.float32)


class LikelyInCompany:
    """How likely an item is to be named beside those spoken of, smoothed by how likely it is anywhere."""

    def __init__(self, shares: sparse.csr_array, anywhere: NDArray[np.float32]) -> None:
        """Follow `shares`.

        Args:
            shares: float32 [n_items, n_items], of what is named beside an item; rows sum to less than 1.
            anywhere: float32 [n_items], positive, sums to 1.
        """
        self._shares = shares
        self._anywhere = anywhere

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Logarithm of the mixture; items count less the longer ago they were spoken of."""
        table = mention_table(situations, len(self._anywhere), decay=_LATE)
        sums = np.asarray(table.sum(axis=1)).ravel()
        table = sparse.csr_array(sparse.diags_array((1 / np.maximum(sums, 1e-6)).astype(np.float32)) @ table)
        mixed = (table @ self._shares).toarray() + _ANYWHERE * self._anywhere
        return np.asarray(np.log(mixed), dtype=np.float32)


def likely_in_company(training: Training) -> LikelyInCompany:
    """Shares of what is named beside each item, less where that is known of few."""
    met = together(training)
    per_item = np.asarray(met.sum(axis=1)).ravel()
    shares = sparse.csr_array(sparse.diags_array((1 / (per_item + _PRIOR_MEETINGS)).astype(np.float32)) @ met)
    often = _sums(training.named) + _PRIOR_NAMED
    return LikelyInCompany(shares, (often / often.sum()).astype(np.float32))


def named_often(training: Training) -> Prior:
    """log(1 + how many dialogues name the item)."""
    return Prior(np.log1p(_sums(training.named)))


def recommended_often(training: Training) -> Prior:
    """log(1 + how many times an assistant was first to name the item)."""
    return Prior(np.log1p(_sums(training.answers[training.trust == 1.0])))


def together(training: Training) -> sparse.csr_array:
    """In how many dialogues two items meet, float32 [n_items, n_items], nothing on the diagonal."""
    met = sparse.csr_array(training.named.T @ training.named)
    met.setdiag(0)
    met.eliminate_zeros()
    return met


def alike_in_company(training: Training) -> Company:
    """Cosine of the dialogues that name two items."""
    scale = _powers(training, 0.5)
    return Company(sparse.csr_array(scale @ together(training) @ scale))


def following(training: Training, *, power: float, decay: float) -> Company:
    """How often an item is named where another is, by `power` of how often that one is: 1 gives shares."""
    links = sparse.csr_array(_powers(training, power) @ together(training))
    return Company(links, decay=decay, is_count=True)


def _powers(training: Training, power: float) -> sparse.dia_array:
    return sparse.diags_array((1 / np.maximum(_sums(training.named), 1) ** power).astype(np.float32))


def _sums(table: sparse.csr_array) -> NDArray[np.float32]:
    return np.asarray(table.sum(axis=0), dtype=np.float32).ravel()
