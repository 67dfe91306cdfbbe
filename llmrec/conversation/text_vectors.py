"""Vectors of texts, each text encoded once, also over several runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from llmrec.errors import DataError
from llmrec.interfaces import Embedder
from llmrec.types import Vectors

TextKind = Literal["query", "document"]
_AT_ONCE = 512


class TextVectors:
    """Encodes texts and keeps what it encoded."""

    def __init__(self, embedder: Embedder, directory: Path | None = None) -> None:
        """Encode with `embedder`.

        Args:
            embedder: The encoder.
            directory: Where vectors are kept for later runs; None forgets them.

        Raises:
            DataError: The directory cannot be read.
        """
        self._embedder = embedder
        self._directory = directory
        self._known = dict(_read(directory, embedder)) if directory is not None and directory.is_dir() else {}

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._embedder.dim

    def of(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Unit rows, float32 [n_texts, dim]; 0 for an empty text. Raises ModelError, DataError."""
        wanted = {self._key(text, kind): text for text in texts if text}
        missing = [key for key in wanted if key not in self._known]
        # Texts of like length are padded less.
        missing.sort(key=lambda key: len(wanted[key]))
        for start in range(0, len(missing), _AT_ONCE):
            self._encode({key: wanted[key] for key in missing[start : start + _AT_ONCE]}, kind)
        nothing = np.zeros(self.dim, dtype=np.float32)
        rows = [self._known[self._key(text, kind)] if text else nothing for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def _encode(self, texts: dict[str, str], kind: TextKind) -> None:
        vectors = self._embedder.embed(list(texts.values()), kind=kind)
        self._known.update(zip(texts, vectors, strict=True))
        if self._directory is not None:
            _write(self._directory, self._embedder, list(texts), vectors)

    def _key(self, text: str, kind: TextKind) -> str:
        return hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest()


def _stem(embedder: Embedder) -> str:
    return f"{''.join(c if c.isalnum() or c in '-_.' else '_' for c in embedder.name)}-{embedder.dim}"


def _write(directory: Path, embedder: Embedder, keys: Sequence[str], vectors: Vectors) -> None:
    name = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
    partial = directory / f"{name}.{os.getpid()}.partial"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, keys=np.array(keys, dtype="S64"), vectors=vectors)
        # A file is there entirely or not at all, whenever the run is cut.
        partial.replace(directory / f"{_stem(embedder)}-{name}.npz")
    except OSError as error:
        raise DataError(f"vectors cannot be written to {directory}: {error.strerror}.") from error


def _read(directory: Path, embedder: Embedder) -> Iterator[tuple[str, Vectors]]:
    for path in sorted(directory.glob(f"{_stem(embedder)}-*.npz")):
        try:
            with np.load(path, allow_pickle=False) as kept:
                keys, vectors = kept["keys"], kept["vectors"]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(f"the vectors in {path} are damaged.", hint="Delete that file.") from error
        if vectors.shape == (len(keys), embedder.dim):
            yield from zip((key.decode() for key in keys.tolist()), vectors, strict=True)
