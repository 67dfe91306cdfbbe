"""The best of the first ordering, ordered again: there voices may count more or less by how much was spoken of.

Which items come into question at all, and which of those is the best, are two questions with different weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.conversation.hybrid import BARRED, Answered, FoldWeights, Hearing, Hybrid, fold_of
from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Voice
from llmrec.errors import DataError
from llmrec.retrieval.fusion_weights import Examples, fitted_weights, joined
from llmrec.retrieval.scoring import ScoreTable

N_BEST = 200
_L2 = 1e-3
_BATCH = 128


class CloseHearing:
    """Everything a second look hears, of some items only."""

    def __init__(self, hearing: Hearing, details: Mapping[str, Voice], by_situation: Sequence[str]) -> None:
        """Hear more closely.

        Args:
            hearing: The voices of the first ordering.
            details: More voices, heard as they are: how far apart two items are is what they tell.
            by_situation: Voices of `hearing` that may count otherwise when nothing, or much, was spoken of.
        """
        self._hearing = hearing
        self._details = details
        self._by_situation = by_situation

    @property
    def names(self) -> tuple[str, ...]:
        """Of the signals."""
        none = (f"{name}, nothing named" for name in self._by_situation)
        many = (f"{name}, by how many named" for name in self._by_situation)
        return (*self._hearing.names, *none, *many, *self._details)

    def signals(self, situations: Sequence[Situation], places: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [n_situations, n_places, n_signals] of the items at `places`, int64 [n_situations, n_places]."""
        rows = np.arange(len(situations))[:, None]
        heard = {name: table[rows, places] for name, table in self._hearing.tables(situations).items()}
        named = np.array([[len(one.items)] for one in situations], dtype=np.float32)
        none = [heard[name] * (named == 0) for name in self._by_situation]
        many = [heard[name] * np.log1p(named) for name in self._by_situation]
        details = [voice.scores(situations)[rows, places] for voice in self._details.values()]
        return np.stack([*heard.values(), *none, *many, *details], axis=-1).astype(np.float32)


class SecondLook:
    """A first ordering whose best items, but for those that were spoken of, are ordered again."""

    def __init__(self, first: Hybrid, close: CloseHearing, weights: FoldWeights, *, n_best: int = N_BEST) -> None:
        """Order the `n_best` of `first` again by `weights`.

        Raises:
            DataError: A weight is of a signal that is not there.
        """
        unknown = {name for fold in weights.folds for name in fold} - set(close.names)
        if unknown:
            raise DataError(f"there are weights for {', '.join(sorted(unknown))}, of which there is no signal.")
        self._first = first
        self._close = close
        self._weights = weights
        self._n_best = n_best

    def scores(self, situations: Sequence[Situation], dialogues: Sequence[str]) -> ScoreTable:
        """float32 [n_situations, n_items]; `dialogues` says whose each situation is.

        The best items share the scores that the first ordering gave them out anew, so that all others, and what was
        spoken of, stay where they were.
        """
        scores = self._first.scores(situations, dialogues)
        places, barred = _best(scores, situations, self._n_best)
        signals = self._close.signals(situations, places)
        for row, dialogue in enumerate(dialogues):
            weights = self._weights.of(dialogue)
            worth = np.array([weights.get(name, 0.0) for name in self._close.names], dtype=np.float32)
            again = np.argsort(-(signals[row] @ worth + barred[row]), kind="stable")
            scores[row, places[row, again]] = scores[row, places[row]]
        return scores


@dataclass(frozen=True, slots=True)
class FirstOrdering:
    """What is looked at again.

    Attributes:
        hearing: Its voices.
        weights: Their weights for each fold.
        n_best: How many items of it are ordered again.
    """

    hearing: Hearing
    weights: FoldWeights
    n_best: int = N_BEST


def fitted_second_look(answered: Sequence[Answered], ordering: FirstOrdering, close: CloseHearing) -> FoldWeights:
    """Weights of the second look for each fold of dialogues, from the answers of all others.

    Neither are the candidates of a fold's examples chosen by weights that were fitted on that fold.

    Args:
        answered: Of dialogues that voices did not learn from.
        ordering: The first one.
        close: What is heard.

    Raises:
        DataError: There is a fold of which nothing is left to learn from.
    """
    firsts = [Hybrid(ordering.hearing, FoldWeights((weights,))) for weights in ordering.weights.folds]
    pieces: list[list[Examples]] = [[] for _ in firsts]
    for start in range(0, len(answered), _BATCH):
        batch = answered[start : start + _BATCH]
        situations = [one.situation for one in batch]
        best = [_best(first.scores(situations, [""] * len(batch)), situations, ordering.n_best) for first in firsts]
        signals = close.signals(situations, np.concatenate([places for places, _ in best], axis=1))
        for fold, ((places, barred), heard) in enumerate(
            zip(best, np.split(signals, len(firsts), axis=1), strict=True)
        ):
            is_other = [fold_of(one.dialogue, n_folds=len(firsts)) != fold for one in batch]
            answers = [one.new_items if other else () for one, other in zip(batch, is_other, strict=True)]
            pieces[fold].extend(_examples(answers, places, barred, heard, close.names))
    return FoldWeights(tuple(_learned(joined(of_fold), ordering.n_best) for of_fold in pieces))


def _learned(examples: Examples, n_best: int) -> Mapping[str, float]:
    if not len(examples.users):
        raise DataError(f"no answer is among the {n_best} best, so there is nothing to look at again.")
    return dict(zip(examples.names, fitted_weights(examples, l2=_L2).tolist(), strict=True))


def _examples(
    answers: Sequence[Sequence[int]],
    places: NDArray[np.int64],
    barred: NDArray[np.float32],
    signals: NDArray[np.float32],
    names: tuple[str, ...],
) -> Iterator[Examples]:
    """Those of `answers`, by row, that are at one of the `places`, each before all of these; nothing for none."""
    pairs = [(row, at) for row, items in enumerate(answers) for item in items for at in _where(places[row], item)]
    if pairs:
        rows, found = np.array(pairs, dtype=np.int64).T
        chosen = np.concatenate([signals[rows, found][:, None], signals[rows]], axis=1)
        shares = np.concatenate([np.zeros((len(rows), 1), np.float32), barred[rows]], axis=1)
        # The answer stands first, so that it is not its own rival.
        shares[np.arange(len(rows)), found + 1] = BARRED
        yield Examples(names, chosen, shares, rows)


def _best(
    scores: ScoreTable, situations: Sequence[Situation], n_best: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions of the best items that were not spoken of, int64 [n_situations, n], the best first.

    Where fewer are left, what was spoken of stands at the end and is barred: float32 [n_situations, n], 0 elsewhere.
    """
    spoken = np.zeros(scores.shape, dtype=np.bool_)
    for row, situation in enumerate(situations):
        spoken[row, list(situation.items)] = True
    places = np.argsort(np.where(spoken, np.inf, -scores), axis=1, kind="stable")[:, :n_best]
    return places, np.where(np.take_along_axis(spoken, places, axis=1), BARRED, np.float32(0.0))


def _where(places: NDArray[np.int64], item: int) -> list[int]:
    return [int(at) for at in np.flatnonzero(places == item)]
