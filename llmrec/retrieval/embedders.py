"""Sentence encoders of sentence-transformers behind the Embedder seam; torch enters the retrieval room only here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from llmrec.errors import ConfigError, ModelError
from llmrec.types import Vectors


class SentenceEncoder:
    """A sentence encoder with its own prompts for queries and documents."""

    def __init__(
        self,
        model: Path | str,
        *,
        device: str | None = None,
        batch_size: int = 64,
        max_length: int | None = None,
        name: str = "",
        local_files_only: bool = True,
    ) -> None:
        """Load the encoder.

        Args:
            model: A directory, from which it is loaded without any network, or a name on the model hub.
            device: `cpu`, `cuda`, ...; None lets the library choose.
            batch_size: Texts per forward pass.
            max_length: Longest text in tokens; longer ones are cut. None keeps the model's own limit.
            name: Name for traces; the model's last path component when empty.
            local_files_only: Whether the hub may not be asked.

        Raises:
            ConfigError: When `batch_size` or `max_length` is below 1.
            ModelError: When it cannot be loaded.
        """
        if batch_size < 1 or (max_length is not None and max_length < 1):
            raise ConfigError(f"batch_size is {batch_size} and max_length {max_length}; both must be at least 1.")
        self._name = name or Path(model).name
        self._batch_size = batch_size
        self._model = _load(model, device, local_files_only=local_files_only)
        if max_length is not None:
            self._model.max_seq_length = max_length
        self._dim = int(self._model.get_embedding_dimension() or 0)

    @property
    def name(self) -> str:
        """Name of the encoder; vectors of different names are never compared."""
        return self._name

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @property
    def model(self) -> SentenceTransformer:
        """The library's own model, to be fine-tuned in place: what `embed` gives follows its weights."""
        return self._model

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        """Unit rows, float32 [len(texts), dim]. Raises ModelError when the encoder fails."""
        if not texts:
            return np.zeros((0, self._dim), dtype=np.float32)
        encode = self._model.encode_query if kind == "query" else self._model.encode_document
        try:
            vectors = encode(
                list(texts),
                batch_size=self._batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ModelError(f"the encoder {self._name} failed on {len(texts)} texts: {error}") from error
        return np.asarray(vectors, dtype=np.float32)


def _load(model: Path | str, device: str | None, *, local_files_only: bool) -> SentenceTransformer:
    is_local = isinstance(model, Path) or Path(model).exists()
    if is_local and not Path(model).is_dir():
        raise ModelError(f"there is no sentence encoder in {model}.", hint="Give the directory that holds its files.")
    try:
        with _no_progress_bars():
            return SentenceTransformer(str(model), device=device, local_files_only=is_local or local_files_only)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(f"the sentence encoder {model} cannot be loaded: {error}") from error


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading takes a tenth of a second; a bar for it would only litter the terminal and log files."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
