"""How retrievers keep their arrays and settings in a directory: NumPy files and one small JSON, never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.errors import ArtifactError
from llmrec.types import ItemId

SETTINGS_FILE = "settings.json"


def save_settings(directory: Path, kind: str, item_ids: Sequence[ItemId], **settings: str | float | bool) -> None:
    """Write what is needed beside the arrays; `item_ids` are kept as a hash, to notice a catalogue that changed."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {"kind": kind, "items": _ids_hash(item_ids), **settings}
    (directory / SETTINGS_FILE).write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")


def load_settings(
    directory: Path, kind: str, item_ids: Sequence[ItemId], *, needed: Sequence[str] = ()
) -> Mapping[str, str | float | bool]:
    """The settings written by `save_settings`.

    Raises:
        ArtifactError: When missing, damaged, of other items, or without one of the names `needed`.
    """
    path = directory / SETTINGS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read.", hint="Build the recommender again.") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise ArtifactError(f"{path} was not written by {kind!r}.", hint="Build the recommender again.")
    if content.get("items") != _ids_hash(item_ids):
        raise ArtifactError(f"{path} was made for other items than this catalogue's.", hint="Update the recommender.")
    missing = [name for name in needed if name not in content]
    if missing:
        raise ArtifactError(f"{path} is of an older version: it lacks {missing[0]!r}.", hint="Build it again.")
    return content


def load_array(path: Path, *, mapped: bool = False) -> NDArray[np.generic]:
    """The array in a .npy file; `mapped` reads it from disk as it is used. Raises ArtifactError."""
    try:
        loaded: NDArray[np.generic] = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} cannot be read.", hint="Build the recommender again.") from error
    return loaded


def save_sparse(path: Path, matrix: sparse.csr_array) -> None:
    """Write a sparse matrix as three plain arrays in an uncompressed .npz, its indices as narrow as they can be."""
    width = np.int32 if max(matrix.nnz, *matrix.shape) < 2**31 else np.int64
    indices, indptr = matrix.indices.astype(width, copy=False), matrix.indptr.astype(width, copy=False)
    np.savez(path, data=matrix.data, indices=indices, indptr=indptr, shape=np.array(matrix.shape))


def load_sparse(path: Path) -> sparse.csr_array:
    """The matrix written by `save_sparse`. Raises ArtifactError."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as parts:
            shape = (int(parts["shape"][0]), int(parts["shape"][1]))
            return sparse.csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise ArtifactError(f"{path} cannot be read.", hint="Build the recommender again.") from error


def _ids_hash(item_ids: Sequence[ItemId]) -> str:
    return hashlib.sha256("\n".join(item_ids).encode()).hexdigest()
