"""Retrieval by a small Transformer that reads the history in order: by item ids alone, or by their texts as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.errors import DataError, UnknownItemError
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.sequential_batches import Sequence64
from llmrec.retrieval.sequential_model import SequenceNetwork
from llmrec.retrieval.sequential_plan import Compute, EpochProgress, NetworkShape, TextReading, TrainingPlan
from llmrec.retrieval.sequential_storage import SavedNetwork, load_network, save_network
from llmrec.retrieval.sequential_training import continue_training, last_states, seeded, train_network
from llmrec.retrieval.updates import grown
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts, Vectors

_SHAPE, _TRAINING, _READING, _COMPUTE = NetworkShape(), TrainingPlan(), TextReading(), Compute()
_AT_ONCE = 256  # histories scored together


class _SequentialRetriever:
    """What both retrievers share: a trained network and the numbers it gives to items.

    Scores are logits of "this item is next", comparable within one history. A history without a known item gets no
    candidates and the score 0 throughout.

    The network numbers items by their first interaction, not by id or place in the catalogue: another order or naming
    of the same items gives the same weights, up to rounding the same scores. Another seed gives other weights.
    """

    name = ""

    def __init__(self, item_ids: Sequence[ItemId], saved: SavedNetwork) -> None:
        """Keep a trained network; use `fit` to make it."""
        self._ids = tuple(item_ids)
        self._saved = saved
        self._network = saved.network.eval()
        self._order = saved.order
        self._numbers = np.full(len(self._ids), -1, dtype=np.int64)
        self._numbers[self._order] = np.arange(len(self._order))
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}
        with torch.inference_mode():
            self._vectors = self._network.item_vectors()
            self._bonus = torch.zeros(len(self._vectors), device=self._vectors.device)
            self._bonus[len(self._network.ids) :] = saved.cold_bonus

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId], *, compute: Compute = _COMPUTE) -> Self:
        """What `save` wrote. Raises ArtifactError when it is missing, damaged, or of other items."""
        return cls(item_ids, load_network(directory, cls.name, item_ids, compute))

    def save(self, directory: Path) -> None:
        """Write weights and settings into `directory`."""
        save_network(directory, self.name, self._ids, self._saved)

    def scores(self, query: Query) -> Scores:
        """Score of every item, float32 [n_items]; see `score_histories`."""
        return np.asarray(self._table([self._sequence(query)])[0], dtype=np.float32)

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` of the items that the network knows, best first; none without a known item in the history."""
        require_k(k)
        sequence = self._sequence(query)
        if not self._can_read(sequence):
            return []
        known = self._numbers >= 0
        allowed = known if allowed is None else allowed & known
        return best_candidates(self._table([sequence])[0], k, item_ids=self._ids, source=self.name, allowed=allowed)

    def score_histories(self, histories: Histories) -> ScoreTable:
        """float32 [n_users, n_items]; items that the network does not know share the lowest score of their row."""
        numbers = self._numbers[histories.items]
        rows = zip(histories.starts[:-1], histories.starts[1:], strict=True)
        return self._table([_known(numbers[start:stop]) for start, stop in rows])

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """How the score of one item changes when an item of the history is left out, for each in turn.

        What no single item accounts for is the rest; it may well be large, as items act together. Where the network
        does not know the item or reads no history, all of the score is rest. Raises UnknownItemError.
        """
        if item_id not in self._positions:
            raise UnknownItemError(f"no item has the id {item_id!r}.", hint="Look it up by title.")
        position = self._positions[item_id]
        sequence = self._sequence(query)
        score = float(self._table([sequence])[0][position])
        number = int(self._numbers[position])
        read = np.unique(sequence[-self._network.shape.max_length :])
        if number < 0 or not len(read):
            return ScoreParts(score, {}, {}, score)
        without = self._item_scores([sequence[sequence != other] for other in read], number)
        parts = {self._ids[self._order[n]]: score - left for n, left in zip(read, without, strict=True)}
        return ScoreParts(score, parts, {}, score - sum(parts.values()))

    @property
    def costs_a_fit(self) -> bool:
        """Never: an update trains on for a few passes over the users who did something."""
        return False

    def update(self, before: Interactions, added: Interactions) -> Self:
        """A retriever that trained on from these weights, over the whole histories of the users in `added`.

        It does not equal a new fit: what it learns is weighed by those users alone, for `update_epochs` passes. Items
        met for the first time get an id vector (drawn anew by `sasrec`, zero by `text_sequential`).

        Raises:
            DataError: When the three are not about the same items.
        """
        changed = grown(before, added, self._ids).replacing
        order, n_trained = _order(changed, first=self._order[: len(self._network.ids)], everything=self._has_texts)
        saved = self._saved
        with seeded(saved.seed, saved.compute):
            network = self._network.grown(n_trained, torch.from_numpy(self._numbers[order]))
            continue_training(
                network,
                _sequences(changed, order),
                n_epochs=saved.training.update_epochs,
                plan=saved.training,
                compute=saved.compute,
                seed=saved.seed,
            )
        return type(self)(self._ids, replace(saved, network=network, order=order))

    @property
    def _has_texts(self) -> bool:
        return self._network.projection is not None

    def _sequence(self, query: Query) -> Sequence64:
        places = [self._positions[item_id] for item_id in query.positive_item_ids if item_id in self._positions]
        return _known(self._numbers[np.array(places, dtype=np.int64)])

    def _can_read(self, sequence: Sequence64) -> bool:
        return len(sequence) > 0 and len(self._network.ids) > 0

    def _table(self, sequences: Sequence[Sequence64]) -> ScoreTable:
        table = np.zeros((len(sequences), len(self._ids)), dtype=np.float32)
        read = np.flatnonzero([self._can_read(sequence) for sequence in sequences])
        for start in range(0, len(read), _AT_ONCE):
            users = read[start : start + _AT_ONCE]
            scores = self._logits([sequences[user] for user in users], slice(None))
            table[users] = scores.min(axis=1, keepdims=True)
            table[users[:, None], self._order] = scores
        return table

    def _item_scores(self, sequences: Sequence[Sequence64], number: int) -> NDArray[np.float64]:
        scores = np.zeros(len(sequences))
        read = np.flatnonzero([len(sequence) for sequence in sequences])
        for start in range(0, len(read), _AT_ONCE):
            rows = read[start : start + _AT_ONCE]
            scores[rows] = self._logits([sequences[row] for row in rows], slice(number, number + 1))[:, 0]
        return scores

    def _logits(self, sequences: Sequence[Sequence64], wanted: slice) -> Scores:
        with torch.inference_mode():
            logits = (
                last_states(self._network, sequences, self._vectors) @ self._vectors[wanted].T + self._bonus[wanted]
            )
        return np.asarray(logits.float().cpu().numpy(), dtype=np.float32)


class SASRecRetriever(_SequentialRetriever):
    """Items by their id alone. Source: Kang & McAuley 2018; trained with cross-entropy as in arXiv 2309.07602.

    A cold user (no history) gets nothing. A cold item (no interaction in `fit`) is unknown: never retrieved, not read
    in a history, and scored like the worst item.
    """

    name = "sasrec"

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        seed: int,
        shape: NetworkShape = _SHAPE,
        training: TrainingPlan = _TRAINING,
        compute: Compute = _COMPUTE,
        progress: EpochProgress | None = None,
    ) -> SASRecRetriever:
        """Learn to predict each next item; strengths and clock times are not used, only the order.

        Early stopping looks at each user's last item of `interactions`; with `training.refit` the network that is kept
        learned from those too.
        """
        order, n_trained = _order(interactions, everything=False)
        network = train_network(
            lambda: SequenceNetwork(n_trained, shape),
            _sequences(interactions, order),
            plan=training,
            compute=compute,
            seed=seed,
            progress=progress,
        )
        return cls(interactions.item_ids, SavedNetwork(network, order, training, compute, seed))


class TextSequentialRetriever(_SequentialRetriever):
    """Items by the vector of their text, projected, plus a vector of their own once somebody met them.

    A cold user (no history) gets nothing. A cold item (no interaction in `fit`) is read and scored by its text alone,
    plus `TextReading.cold_bonus`; training hides the own vectors of a share of all items at each step, so that texts
    learn to stand alone.
    """

    name = "text_sequential"

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        texts: Vectors,
        *,
        seed: int,
        shape: NetworkShape = _SHAPE,
        reading: TextReading = _READING,
        training: TrainingPlan = _TRAINING,
        compute: Compute = _COMPUTE,
        progress: EpochProgress | None = None,
    ) -> TextSequentialRetriever:
        """Learn to predict each next item; see `SASRecRetriever.fit`.

        Args:
            interactions: What users did.
            texts: float32 [n_items, text_dim] in catalogue order, of any encoder; it is not trained.
            seed: Of weights, dropout and the order of histories.
            shape: Size of the Transformer.
            reading: How texts stand beside the items' own vectors.
            training: How long and how fast.
            compute: Where.
            progress: Called after every pass.

        Raises:
            DataError: When `texts` has not one finite row for each item.
        """
        if texts.ndim != 2 or len(texts) != len(interactions.item_ids) or not np.isfinite(texts).all():
            raise DataError(
                f"text vectors of shape {texts.shape} do not fit {len(interactions.item_ids)} items, or are not finite."
            )
        order, n_trained = _order(interactions, everything=True)
        rows = torch.from_numpy(_standardised(texts[order], n_trained))
        network = train_network(
            lambda: SequenceNetwork(n_trained, shape, texts=rows, id_dropout=reading.id_dropout),
            _sequences(interactions, order),
            plan=training,
            compute=compute,
            seed=seed,
            progress=progress,
        )
        return cls(
            interactions.item_ids, SavedNetwork(network, order, training, compute, seed, cold_bonus=reading.cold_bonus)
        )


def _order(
    interactions: Interactions, *, everything: bool, first: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], int]:
    """Catalogue positions in the network's order, and how many of them were met.

    First come `first`, then items in order of their first interaction, then, with `everything`, all others.
    """
    begin = np.empty(0, dtype=np.int64) if first is None else first
    met, at = np.unique(interactions.items, return_index=True)
    order = np.concatenate([begin, met[np.argsort(at)]]).astype(np.int64)
    order = order[np.sort(np.unique(order, return_index=True)[1])]
    if not everything:
        return order, len(order)
    others = np.setdiff1d(np.arange(len(interactions.item_ids)), order)
    return np.concatenate([order, others]), len(order)


def _sequences(interactions: Interactions, order: NDArray[np.int64]) -> list[Sequence64]:
    numbers = np.full(len(interactions.item_ids), -1, dtype=np.int64)
    numbers[order] = np.arange(len(order))
    return np.split(numbers[interactions.items], interactions.histories().starts[1:-1])


def _known(numbers: Sequence64) -> Sequence64:
    return numbers[numbers >= 0]


def _standardised(texts: Vectors, n_trained: int) -> Vectors:
    # Sentence vectors share a large mean and are small; both would slow learning down.
    trained = texts[:n_trained]
    mean, scale = (trained.mean(axis=0), float(trained.std())) if n_trained else (0.0, 1.0)
    return np.asarray((texts - mean) / max(scale, 1e-6), dtype=np.float32)
