"""Voices of details, heard only among the best: what the last item spoken of shares, and which numbers and fame fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from llmrec.conversation.companions import LikeWhatWasNamed
from llmrec.conversation.facts import alike_in_kind, kinds_of, main_numbers, sharing_names
from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Training, Voice
from llmrec.conversation.wishes import WishedKinds, above_usual, mean_of_answers
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Vectors

_NUMBER_QUANTILES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
_FAME_STEPS = (1, 3, 8, 20)  # dialogues that name an item
_RIDGE = 20.0


class OfTheLast:
    """What another voice says when only the last item was spoken of."""

    def __init__(self, voice: Voice) -> None:
        """Ask `voice`."""
        self._voice = voice

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """The other voice's scores."""
        return self._voice.scores([Situation(one.turns, one.mentions[-1:], one.wishes) for one in situations])


class FollowingNumbers:
    """Items whose number lies where it mostly does after items of such kinds and numbers."""

    def __init__(self, groups: NDArray[np.float32], usual: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        """Score with a table of groups; use `fit` to make one.

        Args:
            groups: float32 [n_items, n_groups], of what was spoken of.
            usual: float32 [n_groups], their mean over situations.
            scores: float32 [n_groups, n_items], how well an item goes with each group.
        """
        self._groups = groups
        self._usual = usual
        self._scores = scores

    @classmethod
    def fit(cls, training: Training) -> Self:
        """Ridge regression of the numbers of what was named next on the groups of what was spoken of."""
        numbers = number_groups(training)
        groups = np.concatenate([kinds_of(training.catalogue), numbers], axis=1)
        answered = np.array([bool(lesson.situation.items) for lesson in training.lessons], dtype=np.bool_)
        spoken = np.stack([_mean(groups, lesson.situation) for lesson in training.lessons])[answered]
        found = mean_of_answers(training, numbers)[answered]
        # Without a situation in which something was spoken of there is nothing to learn, and nothing is said.
        usual = spoken.sum(axis=0) / max(len(spoken), 1)
        usual_answer = found.sum(axis=0) / max(len(found), 1)
        centred = (spoken - usual).astype(np.float64)
        normal = centred.T @ centred + _RIDGE * np.eye(groups.shape[1])
        learned = linalg.solve(normal, centred.T @ (found - usual_answer), assume_a="pos").astype(np.float32)
        return cls(groups, usual, learned @ above_usual(numbers, usual_answer).T)

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """How far an item's numbers are expected above the usual; 0 throughout where no item was spoken of."""
        asked = [
            _mean(self._groups, one) - self._usual if one.items else np.zeros_like(self._usual) for one in situations
        ]
        return np.asarray(np.stack(asked) @ self._scores, dtype=np.float32)


def detail_voices(training: Training, documents: Vectors) -> Mapping[str, Voice]:
    """Every such voice by name.

    Args:
        training: What they learn from.
        documents: float32 [n_items, dim], the items' vectors.
    """
    catalogue = training.catalogue
    return {
        "name_shared_last": OfTheLast(sharing_names(catalogue)),
        "kind_last": OfTheLast(alike_in_kind(catalogue)),
        "text_last": OfTheLast(LikeWhatWasNamed(documents)),
        "number_wished": WishedKinds.fit(training, number_groups(training)),
        "fame_wished": WishedKinds.fit(training, fame_groups(training)),
        "number_following": FollowingNumbers.fit(training),
    }


def number_groups(training: Training) -> NDArray[np.float32]:
    """1 where an item's number (a year, a price) lies, float32 [n_items, n_groups]; the last group knows none."""
    numbers = main_numbers(training.catalogue)
    known = ~np.isnan(numbers)
    steps = np.quantile(numbers[known], _NUMBER_QUANTILES) if known.any() else np.zeros(0)
    return _one_hot(np.where(known, np.digitize(np.nan_to_num(numbers), steps), len(steps) + 1), len(steps) + 2)


def fame_groups(training: Training) -> NDArray[np.float32]:
    """1 where it belongs by how many dialogues name an item, float32 [n_items, n_groups]."""
    often = np.asarray(training.named.sum(axis=0)).ravel()
    return _one_hot(np.digitize(often, _FAME_STEPS), len(_FAME_STEPS) + 1)


def _one_hot(groups: NDArray[np.int64], n_groups: int) -> NDArray[np.float32]:
    return np.eye(n_groups, dtype=np.float32)[groups]


def _mean(groups: NDArray[np.float32], situation: Situation) -> NDArray[np.float32]:
    spoken = groups[list(situation.items)]
    return np.asarray(spoken.sum(axis=0) / max(len(spoken), 1), dtype=np.float32)
