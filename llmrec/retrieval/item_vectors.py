"""Encoding a catalogue shard by shard, so that an interrupted run goes on and an update encodes only what changed."""

from __future__ import annotations

import hashlib
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, DataError
from llmrec.interfaces import Embedder
from llmrec.prompting.textualize import item_document
from llmrec.types import Vectors

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddingProgress:
    """How far the encoding is.

    Attributes:
        eta_s: Seconds still needed at the speed so far; nan before the first shard is done.
    """

    n_done: int
    n_total: int
    eta_s: float


def embed_resumable(
    catalogue: Catalogue,
    embedder: Embedder,
    directory: Path,
    *,
    shard_size: int = 2048,
    progress: Callable[[EmbeddingProgress], None] | None = None,
) -> Vectors:
    """Vectors of all item documents, float32 [n_items, dim] in catalogue order.

    Each text is encoded once per encoder: finished shards stay in `directory`, and a later call takes from them what
    has not changed.

    Raises:
        ConfigError: When `shard_size` is below 1.
        DataError: When `directory` cannot be written.
    """
    if shard_size < 1:
        raise ConfigError(f"shard_size is {shard_size}; it must be at least 1.")
    texts = [item_document(item) for item in catalogue.values()]
    keys = [_key(embedder, text) for text in texts]
    known = _read_shards(directory, embedder.dim)
    pending = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    n_ready, started = len(set(keys)) - len(pending), time.monotonic()
    todo = list(pending.items())
    for start in range(0, len(todo), shard_size):
        shard = todo[start : start + shard_size]
        vectors = embedder.embed([text for _, text in shard], kind="document")
        shard_keys = [key for key, _ in shard]
        _write_shard(directory, shard_keys, vectors)
        known.update(zip(shard_keys, vectors, strict=True))
        n_now = start + len(shard)
        eta_s = (time.monotonic() - started) / n_now * (len(todo) - n_now)
        if progress is not None:
            progress(EmbeddingProgress(n_ready + n_now, n_ready + len(todo), eta_s))
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, embedder.dim), dtype=np.float32)


@contextmanager
def embedding_bar(n_items: int, *, shown: bool) -> Iterator[Callable[[EmbeddingProgress], None]]:
    """A bar with time left, on a terminal and where `shown`; gives what to tell of the progress."""
    with tqdm(total=n_items, desc="encoding items", unit="item", disable=None if shown else True) as bar:
        yield lambda progress: bar.update(progress.n_done - bar.n)


def _key(embedder: Embedder, text: str) -> str:
    return hashlib.sha256(f"{embedder.name}\n{embedder.dim}\n{text}".encode()).hexdigest()


def _write_shard(directory: Path, keys: Sequence[str], vectors: Vectors) -> None:
    name = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
    # Another process may be writing the same shard.
    partial = directory / f"{name}.{os.getpid()}.partial"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, keys=np.array(keys, dtype="S64"), vectors=vectors)
            file.flush()
            os.fsync(file.fileno())
        # A shard is there entirely or not at all, whenever the run is cut.
        partial.replace(directory / f"{name}.npz")
    except OSError as error:
        raise DataError(f"vectors cannot be written to {directory}: {error.strerror}.") from error


def _read_shards(directory: Path, dim: int) -> dict[str, Vectors]:
    known: dict[str, Vectors] = {}
    for path in sorted(directory.glob("*.npz")):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as shard:
                keys, vectors = shard["keys"], shard["vectors"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            logger.warning("a damaged shard of vectors is left aside", extra={"path": str(path)})
            continue
        if vectors.ndim == 2 and vectors.shape == (len(keys), dim):
            known.update(zip((key.decode() for key in keys.tolist()), vectors, strict=True))
    return known
