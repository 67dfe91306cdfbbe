"""All voices together; no dialogue is scored by weights that were fitted on it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Voice, standardised
from llmrec.errors import DataError
from llmrec.retrieval.fusion_weights import Examples, fitted_weights, joined
from llmrec.retrieval.scoring import ScoreTable

N_FOLDS = 5
_BATCH = 128
BARRED = np.float32(-1e9)  # log of how many items a candidate stands for that was spoken of: none


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


class Hearing:
    """All voices' standardised scores, kept until other situations are asked for, as several stages ask alike."""

    def __init__(self, voices: Mapping[str, Voice]) -> None:
        """Hear `voices`, by name."""
        self._voices = voices
        self._last: tuple[Sequence[Situation], Mapping[str, ScoreTable]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the voices."""
        return tuple(self._voices)

    def tables(self, situations: Sequence[Situation]) -> Mapping[str, ScoreTable]:
        """float32 [n_situations, n_items] of each voice."""
        if self._last is None or self._last[0] is not situations:
            heard = {name: standardised(voice.scores(situations)) for name, voice in self._voices.items()}
            self._last = (situations, heard)
        return self._last[1]


class Hybrid:
    """The sum of voices, weighted by what each is worth."""

    def __init__(self, hearing: Hearing, weights: FoldWeights) -> None:
        """Weigh what is heard.

        Raises:
            DataError: A weight is of a voice that is not there.
        """
        unknown = {name for fold in weights.folds for name in fold} - set(hearing.names)
        if unknown:
            raise DataError(f"there are weights for {', '.join(sorted(unknown))}, of which there is no voice.")
        self._hearing = hearing
        self._weights = weights

    def scores(self, situations: Sequence[Situation], dialogues: Sequence[str]) -> ScoreTable:
        """float32 [n_situations, n_items]; `dialogues` says whose each situation is."""
        of_row = [self._weights.of(dialogue) for dialogue in dialogues]
        tables = self._hearing.tables(situations)
        total: ScoreTable = np.zeros_like(next(iter(tables.values())))
        for name, table in tables.items():
            total += np.array([[weights.get(name, 0.0)] for weights in of_row], dtype=np.float32) * table
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
    n_likely: int = 75
    n_drawn: int = 100
    seed: int = 0


def fold_of(dialogue: str, *, n_folds: int = N_FOLDS) -> int:
    """The fold of a dialogue, by its name alone, so that it is the same in every file and on every machine."""
    return int(hashlib.sha256(dialogue.encode()).hexdigest(), 16) % n_folds


def fitted_folds(examples: Examples, dialogues: Sequence[str], names: Collection[str], plan: WeightFit) -> FoldWeights:
    """Weights of the voices called `names` for each fold, from the answers of all others.

    Args:
        examples: See `weight_examples`.
        dialogues: Whose each example is.
        names: Of the voices that may be heard.
        plan: How.

    Raises:
        DataError: There are too few dialogues to leave any out.
    """
    folds = np.array([fold_of(dialogue) for dialogue in dialogues], dtype=np.int64)
    if len(np.unique(folds)) < N_FOLDS:
        raise DataError(f"{len(set(dialogues))} dialogues with a new answer are too few to learn weights from.")
    columns = [number for number, name in enumerate(examples.names) if name in names]
    chosen = tuple(examples.names[column] for column in columns)
    heard = Examples(chosen, np.ascontiguousarray(examples.signals[..., columns]), examples.log_shares, examples.users)
    # What is best for all is nearly best for any four fifths: from there it takes few steps.
    start = fitted_weights(heard, l2=plan.l2)
    fitted = [fitted_weights(heard.of(folds != fold), l2=plan.l2, start=start) for fold in range(N_FOLDS)]
    return FoldWeights(tuple(dict(zip(chosen, weights.tolist(), strict=True)) for weights in fitted))


def weight_examples(
    answered: Sequence[Answered], hearing: Hearing, likely: NDArray[np.float32], plan: WeightFit
) -> tuple[Examples, tuple[str, ...]]:
    """Every new answer among candidates, the answer first, and whose dialogue each is.

    Args:
        answered: Of dialogues that voices did not learn from.
        hearing: The voices.
        likely: float32 [n_items], how likely each item is beforehand.
        plan: How many candidates.
    """
    rng = np.random.default_rng(plan.seed)
    order = np.argsort(-likely, kind="stable")
    pool = _Pool(order[: plan.n_likely], order[plan.n_likely :], plan.n_drawn)
    pieces = [_examples(answered[s : s + _BATCH], hearing, pool, rng) for s in range(0, len(answered), _BATCH)]
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
        shares[len(self.likely) :] = np.log(max(len(self.others), 1) / max(len(drawn), 1))
        shares[np.isin(rivals, [answer, *spoken])] = BARRED
        return np.concatenate([[answer], rivals]), np.concatenate([[np.float32(0.0)], shares])


def _examples(answered: Sequence[Answered], hearing: Hearing, pool: _Pool, rng: np.random.Generator) -> Examples:
    asked = list(_answers(answered, pool, rng))
    rows = np.array([row for row, _, _ in asked], dtype=np.int64)
    places = np.stack([candidates for _, candidates, _ in asked])
    tables = hearing.tables([one.situation for one in answered])
    signals = [tables[name][rows[:, None], places] for name in hearing.names]
    return Examples(
        hearing.names, np.stack(signals, axis=-1).astype(np.float32), np.stack([s for _, _, s in asked]), rows
    )


def _answers(
    answered: Sequence[Answered], pool: _Pool, rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
    for row, one in enumerate(answered):
        for answer in one.new_items:
            yield row, *pool.candidates(answer, one.situation.items, rng)
