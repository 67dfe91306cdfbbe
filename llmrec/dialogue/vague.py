"""Vague words by likeness in meaning to what people say: a linear reading of the sentence encoder's vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from llmrec.dialogue.concepts import Concept
from llmrec.dialogue.lexicon import FILLERS
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning, Vocabulary
from llmrec.dialogue.words import split_words
from llmrec.interfaces import Embedder
from llmrec.types import Vectors

_PENALTY = 1.0
_PRECISION = 0.85  # of the phrases themselves, each read by a regression without it
_NEVER = float("inf")
_FLOOR = 0.3  # scores are about 1 for what is meant and 0 for what is not; a few sure ones excuse no guesses
_UNDENIED = {LOW, HIGH, YES}
_PARTS = re.compile(r"[.,;!?\n]|\b(?:but|and\s+also|yet)\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:no|not|nothing|never|without|avoid|hate|dislike|except|anything\s+but|tired\s+of|sick\s+of|"
    r"(?:can't|cannot|don't|do\s+not|doesn't|won't|shouldn't)(?:\s+(?:really|want|like|need|stand|handle|bear|be))*)\b"
    r"(?:\s+(?:to|any|anything|with|in|the|mood|for|too|very|so|a|an|of|stuff|like|be|is|more|into))*",
    re.IGNORECASE,
)


class LikenessReader:
    """Reads words by how alike they are to the phrases of each concept; implements VagueReader.

    What is said word for word means what the phrase means. For the rest there is one ridge regression from vectors of
    phrases to what they mean; phrases that mean nothing hold it back.
    """

    name: Literal["encoder"] = "encoder"

    def __init__(self, vocabulary: Vocabulary, concepts: Sequence[Concept], embedder: Embedder) -> None:
        """Read over `vocabulary`; the phrases are embedded when words are first read."""
        self._embedder = embedder
        known = [(concept, vocabulary.meant_by(concept)) for concept in concepts]
        # "Pages" names what is measured, and neither end of it.
        said = [(c.phrases + (() if c.direction else c.names), meant) for c, meant in known if meant or not c.names]
        self._said = said
        self._known = _word_for_word(said)
        self._meanings = tuple(dict.fromkeys(meaning for _, meant in self._said for meaning in meant))

    def read(self, words: str) -> tuple[Meaning, ...]:
        """What `words` mean, each once, in their order; a part that excludes turns its meanings round."""
        parts = [part for part in _PARTS.split(words) if part and part.strip()]
        return tuple(dict.fromkeys(meaning for part in parts for meaning in self._read_part(part)))

    def _read_part(self, part: str) -> Iterator[Meaning]:
        if not self._meanings:
            return
        negation = _NEGATION.search(part)
        if negation is None:
            yield from self._likely(part)
            return
        # "Not too long" and "no cables" are said as a whole; a value is denied, which its likeness does not see.
        yield from (meaning for meaning in self._likely(part) if meaning.value in _UNDENIED)
        plain = f"{part[: negation.start()]} {part[negation.end() :]}".strip()
        yield from (meaning.turned() for meaning in self._likely(plain) if meaning.value not in _UNDENIED)

    def _likely(self, text: str) -> Iterator[Meaning]:
        """What is likely meant, the likeliest first; of a number one end at most."""
        if known := self._known.get(_key(text)):
            yield from known
            return
        learned = self._learned
        scores = self._embedder.embed([text.strip()], kind="query")[0] @ learned.weights
        numbers: set[str] = set()
        for place in np.argsort(-scores, kind="stable"):
            meaning = self._meanings[place]
            if scores[place] < learned.least:
                return
            if meaning.value not in {LOW, HIGH} or meaning.field not in numbers:
                yield meaning
            numbers.add(meaning.field)

    @cached_property
    def _learned(self) -> _Learned:
        rows = [(phrase, meant) for phrases, meant in self._said for phrase in phrases]
        vectors = self._embedder.embed([phrase for phrase, _ in rows], kind="query")
        meant = np.array([[meaning in some for meaning in self._meanings] for _, some in rows], dtype=np.bool_)
        return _Learned.of(vectors, meant)


def _word_for_word(said: Sequence[tuple[tuple[str, ...], tuple[Meaning, ...]]]) -> Mapping[str, tuple[Meaning, ...]]:
    """Phrases that deny nothing, by their words; those of two meanings are left to likeness."""
    meant: dict[str, set[tuple[Meaning, ...]]] = {}
    for phrases, meanings in said:
        for phrase in phrases:
            if not _NEGATION.search(phrase):
                meant.setdefault(_key(phrase), set()).add(meanings)
    return {key: meanings for key, (meanings, *others) in meant.items() if key and meanings and not others}


def _key(text: str) -> str:
    """The words of `text` that say something."""
    return " ".join(word.key for word in split_words(text) if word.key not in FILLERS)


@dataclass(frozen=True)
class _Learned:
    """A ridge regression from vectors to meanings.

    Attributes:
        weights: float32 [dim, n_meanings].
        least: Score from which a meaning is taken as read; infinity where none would be right often enough.
    """

    weights: NDArray[np.float32]
    least: float

    @classmethod
    def of(cls, vectors: Vectors, meant: NDArray[np.bool_]) -> Self:
        """Fitted to the rows of `vectors`, whose meanings are the rows of `meant`, bool [n_rows, n_meanings].

        Without row i the regression says y_i - a_i / H_ii there, where H is the inverse of the penalised Gram matrix
        and a = H y. Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", section 5.4.2.
        """
        exact, wanted = vectors.astype(np.float64), meant.astype(np.float64)
        inverse = np.linalg.inv(exact @ exact.T + _PENALTY * np.eye(len(exact)))
        duals = inverse @ wanted
        left_out = wanted - duals / np.diag(inverse)[:, None]
        return cls(np.asarray(exact.T @ duals, dtype=np.float32), _least(left_out, meant))


def _least(scores: NDArray[np.float64], meant: NDArray[np.bool_]) -> float:
    """The lowest score, not below the floor, from which on `_PRECISION` of what is read is right."""
    order = np.argsort(-scores, axis=None, kind="stable")
    right = meant.ravel()[order]
    precise = np.cumsum(right) / np.arange(1, len(order) + 1) >= _PRECISION
    if not precise.any():
        return _NEVER
    return max(_FLOOR, float(scores.ravel()[order[np.flatnonzero(precise)[-1]]]))
