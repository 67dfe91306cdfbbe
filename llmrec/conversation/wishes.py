"""Voices that learned, from training dialogues, what words that are said ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from llmrec.conversation.facts import kinds_of
from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Training
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.words import words

_LEAST_LESSONS = 5  # a word that fewer situations hold teaches nothing
_DECAY = 0.8
_RIDGE = 5.0
_LEAST_VARIANCE = 0.01


class WishWords:
    """Situations as bags of words, rare and late ones more; names of items are no words."""

    def __init__(self, numbers: Mapping[str, int], rarity: NDArray[np.float32]) -> None:
        """Know the words with `numbers`, and the `rarity` of each, float32 [n_words]."""
        self._numbers = numbers
        self._rarity = rarity

    @classmethod
    def fit(cls, situations: Sequence[Situation]) -> Self:
        """The words of `situations`."""
        counts = Counter(word for situation in situations for word in _bag(situation))
        known = [word for word, n in counts.items() if n >= _LEAST_LESSONS]
        rarity = np.log(len(situations) / np.array([counts[word] for word in known] or [1], dtype=np.float32))
        return cls({word: number for number, word in enumerate(known)}, rarity.astype(np.float32))

    def table(self, situations: Sequence[Situation]) -> sparse.csr_array:
        """Unit rows, float32 [n_situations, n_words]; 0 throughout where no word is known."""
        rows, columns, weights = [], [], []
        for row, situation in enumerate(situations):
            for word, weight in _bag(situation).items():
                if word in self._numbers:
                    rows.append(row)
                    columns.append(self._numbers[word])
                    weights.append(np.log1p(weight) * self._rarity[self._numbers[word]])
        shape = (len(situations), len(self._numbers))
        table = sparse.csr_array((np.array(weights, np.float32), (rows, columns)), shape=shape)
        norms = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
        return sparse.csr_array(sparse.diags_array((1 / np.maximum(norms, 1e-6)).astype(np.float32)) @ table)


class WishedKinds:
    """Items of the kinds that were recommended after such words: what "scary" asks for is learned, not listed."""

    def __init__(self, bags: WishWords, of_word: NDArray[np.float32], kinds: NDArray[np.float32]) -> None:
        """Score with a table of words and kinds; use `fit` to make one.

        Args:
            bags: Reads situations.
            of_word: float32 [n_words, n_kinds], how much more of a kind is recommended after a word.
            kinds: float32 [n_items, n_kinds], of each item, centred and scaled.
        """
        self._bags = bags
        self._of_word = of_word
        self._kinds = kinds

    @classmethod
    def fit(cls, training: Training, kinds: NDArray[np.float32] | None = None) -> Self:
        """Ridge regression of the kinds of what was named next on the words said before.

        Args:
            training: What is learned from.
            kinds: float32 [n_items, n_kinds], 1 where an item is of a kind; None for those that its facts tell.
        """
        situations = [lesson.situation for lesson in training.lessons]
        bags = WishWords.fit(situations)
        kinds = kinds_of(training.catalogue) if kinds is None else kinds
        asked, found = bags.table(situations), mean_of_answers(training, kinds)
        usual = found.mean(axis=0)
        normal = (asked.T @ asked).toarray().astype(np.float64) + _RIDGE * np.eye(asked.shape[1])
        of_word = linalg.solve(normal, asked.T @ (found - usual), assume_a="pos")
        return cls(bags, of_word.astype(np.float32), above_usual(kinds, usual))

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Inner products of the kinds wished for and those of each item."""
        return np.asarray(self._bags.table(situations) @ self._of_word, dtype=np.float32) @ self._kinds.T


def mean_of_answers(training: Training, kinds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of which kinds, [n_items, n_kinds], the items were that each lesson named, float32 [n_lessons, n_kinds]."""
    n_answers = np.maximum(training.answers.sum(axis=1), 1)[:, None]
    return np.asarray((training.answers @ kinds) / n_answers, dtype=np.float32)


def above_usual(kinds: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """`kinds`, [n_items, n_kinds], less the share that is `usual`, [n_kinds], in standard deviations."""
    return np.asarray((kinds - usual) / np.sqrt(usual * (1 - usual) + _LEAST_VARIANCE), dtype=np.float32)


def _bag(situation: Situation) -> Mapping[str, float]:
    bag: dict[str, float] = {}
    for age, text in enumerate(reversed(situation.wishes)):
        for word in words(text):
            bag[word] = bag.get(word, 0.0) + _DECAY**age
    return bag
