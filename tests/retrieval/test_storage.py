"""Arrays in a directory."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from llmrec.errors import ArtifactError
from llmrec.retrieval.storage import load_sparse, save_sparse


def test_a_sparse_matrix_comes_back_with_narrow_indices(tmp_path: Path) -> None:
    wide = sparse.csr_array(np.array([[0, 2], [3, 0]], dtype=np.float32))
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    save_sparse(tmp_path / "m.npz", wide)
    loaded = load_sparse(tmp_path / "m.npz")
    assert loaded.toarray().tolist() == [[0, 2], [3, 0]]
    assert (loaded.dtype, loaded.indices.dtype, loaded.indptr.dtype) == (np.float32, np.int32, np.int32)


def test_a_matrix_without_entries_comes_back(tmp_path: Path) -> None:
    save_sparse(tmp_path / "m.npz", sparse.csr_array((0, 3), dtype=np.float32))
    assert load_sparse(tmp_path / "m.npz").shape == (0, 3)


def test_what_is_no_matrix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match=r"m\.npz cannot be read"):
        load_sparse(tmp_path / "m.npz")
