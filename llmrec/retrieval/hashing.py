"""An encoder without weights: words and their letter groups hashed into a vector, so that everything runs anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np

from llmrec.errors import ConfigError
from llmrec.retrieval.words import words
from llmrec.types import Vectors

_GRAM = 4
_GRAM_WEIGHT = 0.3  # letter groups bridge spellings, whole words should decide
_MIN_DIM = 8


class HashingEmbedder:
    """Texts that share words get similar vectors; it knows no meaning."""

    def __init__(self, dim: int = 256) -> None:
        if dim < _MIN_DIM:
            raise ConfigError(f"dim is {dim}; a hashed vector needs at least {_MIN_DIM} numbers.")
        self._dim = dim

    @property
    def name(self) -> str:
        """`hashing-` and the length of its vectors."""
        return f"hashing-{self._dim}"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        """Unit rows, float32 [len(texts), dim]; queries and documents are read alike."""
        vectors = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in _features(text):
                number = _hash(feature)
                # Signs let features that collide cancel instead of pile up.
                vectors[row, number % self._dim] += weight if number >> 63 else -weight
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[norms[:, 0] == 0, 0] = 1.0  # every vector has unit length, also that of a text without words
        return np.asarray(vectors / np.where(norms == 0, 1.0, norms), dtype=np.float32)


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word, count in Counter(words(text)).items():
        weight = float(1.0 + np.log(count))
        yield word, weight
        padded = f"<{word}>"
        n_grams = max(1, len(padded) - _GRAM + 1)
        for start in range(n_grams):
            yield padded[start : start + _GRAM] + "#", _GRAM_WEIGHT * weight / n_grams**0.5


@lru_cache(maxsize=1 << 16)
def _hash(feature: str) -> int:
    return int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
