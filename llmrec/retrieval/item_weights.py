"""Item-to-item weights from who met which item: the exact ridge solution, and shrunk cosines where it is too large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import DataError

_ROWS_AT_ONCE = 1024  # of a dense matrix
_SPARSE_ROWS_AT_ONCE = 256  # their products need several times their own size


def met_matrix(interactions: Interactions) -> tuple[NDArray[np.int64], sparse.csr_array]:
    """Positions of the items anyone met, and who met which: ones, [n_users, n_active]."""
    active, columns = np.unique(interactions.items, return_inverse=True)
    shape = (len(interactions.user_ids), len(active))
    ones = np.ones(len(columns), dtype=np.float32)
    met = sparse.csr_array((ones, (interactions.users, columns)), shape=shape)
    met.data[:] = 1.0  # repeats were summed
    return active.astype(np.int64), met


def ease_memory_bytes(met: sparse.csr_array, *, exact: bool, n_neighbours: int) -> int:
    """Upper estimate of what fitting needs at its peak, in bytes, for a matrix [n_users, n_active]."""
    n_items = int(met.shape[1])
    if exact:
        # The float64 Gram matrix, turned into its inverse in place, and the float32 weights.
        return n_items * n_items * (8 + 4)
    # One block of cosines with its sort orders, and all neighbours before and after they are transposed.
    n_pairs_in_block = min(_SPARSE_ROWS_AT_ONCE * n_items, _n_pairs_at_most(met))
    return n_pairs_in_block * 48 + 2 * n_items * n_neighbours * (4 + 8)


def _n_pairs_at_most(met: sparse.csr_array) -> int:
    lengths = np.diff(met.indptr).astype(np.int64)
    return int((lengths * lengths).sum())


def exact_weights(met: sparse.csr_array, l2: float) -> NDArray[np.float32]:
    """EASE's B, float32 [n_active, n_active]: each item's ridge regression on all others, zero diagonal."""
    n_items = int(met.shape[1])
    if n_items == 0:
        return np.zeros((0, 0), dtype=np.float32)
    gram = _gram(met)
    gram[np.diag_indices(n_items)] += l2
    factor, failed = linalg.lapack.dpotrf(gram, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise DataError(f"EASE could not be solved for {n_items} items.", hint="Raise l2.")
    return _weights_from(inverse)


def _gram(met: sparse.csr_array) -> NDArray[np.float64]:
    # float32 loses digits in the inverse of a matrix whose diagonal spans 1 to 100,000. LAPACK works in place on
    # columns that lie together, and blocks keep the sparse product from standing in memory as a whole.
    n_items = int(met.shape[1])
    by_item = sparse.csr_array(met.T)
    gram = np.zeros((n_items, n_items), dtype=np.float64, order="F")
    for start in range(0, n_items, _ROWS_AT_ONCE):
        block = by_item[start : start + _ROWS_AT_ONCE]
        gram[:, start : start + _ROWS_AT_ONCE] = (block @ met).toarray().T
    return gram


def _weights_from(inverse: NDArray[np.float64]) -> NDArray[np.float32]:
    """B = -P / diag(P) by column, zero diagonal; `inverse` holds P in its lower triangle."""
    diagonal = np.diag(inverse).copy()
    weights = np.empty(inverse.shape, dtype=np.float32)
    for start in range(0, len(weights), _ROWS_AT_ONCE):
        stop = start + _ROWS_AT_ONCE
        weights[start:stop, :stop] = np.tril(inverse[start:stop, :stop], start)
        weights[:start, start:stop] = inverse[start:stop, :start].T
        corner = weights[start:stop, start:stop]
        corner[...] = np.tril(corner) + np.tril(corner, -1).T
    weights /= -diagonal[None, :].astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    return weights


def neighbour_weights(met: sparse.csr_array, shrinkage: float, n_neighbours: int) -> sparse.csr_array:
    """Shrunk cosines n_ij / (sqrt(n_i n_j) + shrinkage), the `n_neighbours` largest per column's item."""
    counts = np.asarray(met.sum(axis=0), dtype=np.float32)
    by_item = sparse.csr_array(met.T)
    blocks = [
        _top_rows(_cosines(by_item, met, counts, start=start, shrinkage=shrinkage), n_neighbours)
        for start in range(0, len(counts), _SPARSE_ROWS_AT_ONCE)
    ]
    if not blocks:
        return sparse.csr_array(np.zeros((0, 0), dtype=np.float32))
    # Cosines are symmetric: rows were cut per item to score, so the transpose is read from history to candidates.
    return sparse.csr_array(sparse.vstack(blocks, format="csr").T)


def _cosines(
    by_item: sparse.csr_array, met: sparse.csr_array, counts: NDArray[np.float32], *, start: int, shrinkage: float
) -> sparse.csr_array:
    block = sparse.coo_array(by_item[start : start + _SPARSE_ROWS_AT_ONCE] @ met)
    rows, columns = block.coords
    data = block.data / (np.sqrt(counts[rows + start] * counts[columns]) + shrinkage)
    data[rows + start == columns] = 0.0
    return sparse.csr_array((data.astype(np.float32), (rows, columns)), shape=block.shape)


def _top_rows(matrix: sparse.csr_array, n_kept: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((-matrix.data, rows))
    rank = np.arange(len(rows)) - matrix.indptr[rows]
    kept = order[(rank < n_kept) & (matrix.data[order] > 0)]
    return sparse.csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)


def pair_counts(interactions: Interactions, step: int) -> sparse.csr_array:
    """How often each item stood exactly `step` places before another in one history, [n_items, n_items]."""
    n_items = len(interactions.item_ids)
    same_user = interactions.users[:-step] == interactions.users[step:]
    earlier, later = interactions.items[:-step][same_user], interactions.items[step:][same_user]
    other = earlier != later
    ones: NDArray[np.float64] = np.ones(int(other.sum()))
    return sparse.csr_array((ones, (earlier[other], later[other])), shape=(n_items, n_items))


def normalised(counted: sparse.csr_array, interactions: Interactions) -> sparse.csr_array:
    """`counted` with n_ij divided by sqrt(n_i n_j), where n_i is the number of interactions of item i; float32."""
    totals = np.bincount(interactions.items, minlength=len(interactions.item_ids)).astype(np.float64)
    scale = sparse.diags_array(1.0 / np.sqrt(np.maximum(totals, 1.0)))
    return sparse.csr_array(scale @ counted @ scale).astype(np.float32)
