"""All voices together; no dialogue is scored by weights that were fitted on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Voice, standardised
from llmrec.errors import DataError
from llmrec.retrieval.fusion_weights import Examples, fitted_weights, joined, settled
from llmrec.retrieval.scoring import ScoreTable

N_FOLDS = 5
_BATCH = 128
_BARRED = np.float32(-1e9)  # log of how many items a candidate stands for that was spoken of: none


@dataclass(frozen=True)
class FoldWeights:
    """What each voice is worth.

    Attributes:
        folds: By voice, one for each fold of dialogues, fitted on the dialogues of the other folds.
    """

    folds: tuple[Mapping[str, float], ...]

    def of(self, dialogue: str) -> Mapping[str, float]:
        """The weights for one dialogue; right for one that nothing was fitted on, too."""
        return self.folds[fold_of(dialogue, n_folds=len(self.folds))]


class Hybrid:
    """The sum of all voices' standardised scores, weighted by what each is worth."""

    def __init__(self, voices: Mapping[str, Voice], weights: FoldWeights) -> None:
        """Weigh `voices`.

        Raises:
            DataError: A weight is of a voice that is not there.
        """
        unknown = {name for fold in weights.folds for name in fold} - set(voices)
        if unknown:
            raise DataError(f"there are weights for {', '.join(sorted(unknown))}, of which there is no voice.")
        self._voices = voices
        self._weights = weights

    def scores(self, situations: Sequence[Situation], dialogues: Sequence[str]) -> ScoreTable:
        """float32 [n_situations, n_items]; `dialogues` says whose each situation is."""
        of_row = [self._weights.of(dialogue) for dialogue in dialogues]
        total: ScoreTable | None = None
        for name, voice in self._voices.items():
            worth = np.array([weights.get(name, 0.0) for weights in of_row], dtype=np.float32)
            if not worth.any():
                continue
            share = worth[:, None] * standardised(voice.scores(situations))
            total = share if total is None else total + share
        if total is None:
            raise DataError("no voice has a weight.")
        return total


@dataclass(frozen=True, slots=True)
class Answered:
    """A situation, and what was new in the recommendation that followed.

    Attributes:
        dialogue: Whose it is.
        situation: What was known.
        new_items: Positions of what had not been spoken of.
    """

    dialogue: str
    situation: Situation
    new_items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeightFit:
    """How weights are learned.

    Attributes:
        l2: Penalty on the weights.
        n_likely: Candidates of each example: the most likely beforehand.
        n_drawn: And so many drawn from the others, each standing for many.
        seed: Of the draws.
    """

    l2: float = 1e-3
    n_likely: int = 100
    n_drawn: int = 150
    seed: int = 0


def fold_of(dialogue: str, *, n_folds: int = N_FOLDS) -> int:
    """The fold of a dialogue, by its name alone, so that it is the same in every file and on every machine."""
    return int(hashlib.sha256(dialogue.encode()).hexdigest(), 16) % n_folds


def fitted_folds(
    answered: Sequence[Answered], voices: Mapping[str, Voice], likely: NDArray[np.float32], plan: WeightFit
) -> FoldWeights:
    """Weights for each fold, from the answers of all others.

    Args:
        answered: Of dialogues that voices did not learn from.
        voices: By name.
        likely: float32 [n_items], how likely each item is beforehand.
        plan: How.

    Raises:
        DataError: There are too few dialogues to leave any out.
    """
    examples, dialogues = weight_examples(answered, voices, likely, plan)
    folds = np.array([fold_of(dialogue) for dialogue in dialogues], dtype=np.int64)
    if len(np.unique(folds)) < N_FOLDS:
        raise DataError(f"{len(set(dialogues))} dialogues with a new answer are too few to learn weights from.")
    fitted = []
    for fold in range(N_FOLDS):
        others = examples.of(folds != fold)
        weights = settled(fitted_weights(others, l2=plan.l2), others, l2=plan.l2)
        fitted.append(dict(zip(examples.names, weights.tolist(), strict=True)))
    return FoldWeights(tuple(fitted))


def weight_examples(
    answered: Sequence[Answered], voices: Mapping[str, Voice], likely: NDArray[np.float32], plan: WeightFit
) -> tuple[Examples, tuple[str, ...]]:
    """Every new answer among candidates, the answer first, and whose dialogue each is."""
    rng = np.random.default_rng(plan.seed)
    order = np.argsort(-likely, kind="stable")
    pool = _Pool(order[: plan.n_likely], order[plan.n_likely :], plan.n_drawn)
    pieces = [_examples(answered[s : s + _BATCH], voices, pool, rng) for s in range(0, len(answered), _BATCH)]
    dialogues = tuple(one.dialogue for one in answered for _ in one.new_items)
    return joined(pieces), dialogues


@dataclass(frozen=True, slots=True)
class _Pool:
    likely: NDArray[np.int64]
    others: NDArray[np.int64]
    n_drawn: int

    def candidates(
        self, answer: int, spoken: Sequence[int], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions, the answer first, and log of how many items each stands for."""
        drawn = rng.choice(self.others, min(self.n_drawn, len(self.others)), replace=False)
        rivals = np.concatenate([self.likely, drawn])
        shares = np.zeros(len(rivals), dtype=np.float32)
        shares[len(self.likely) :] = np.log(len(self.others) / max(len(drawn), 1))
        shares[np.isin(rivals, [answer, *spoken])] = _BARRED
        return np.concatenate([[answer], rivals]), np.concatenate([[np.float32(0.0)], shares])


def _examples(
    answered: Sequence[Answered], voices: Mapping[str, Voice], pool: _Pool, rng: np.random.Generator
) -> Examples:
    asked = list(_answers(answered, pool, rng))
    rows = np.array([row for row, _, _ in asked], dtype=np.int64)
    places = np.stack([candidates for _, candidates, _ in asked])
    situations = [one.situation for one in answered]
    signals = [standardised(voice.scores(situations))[rows[:, None], places] for voice in voices.values()]
    return Examples(
        tuple(voices), np.stack(signals, axis=-1).astype(np.float32), np.stack([s for _, _, s in asked]), rows
    )


def _answers(
    answered: Sequence[Answered], pool: _Pool, rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
    for row, one in enumerate(answered):
        for answer in one.new_items:
            yield row, *pool.candidates(answer, one.situation.items, rng)
