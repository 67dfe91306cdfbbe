"""Item-to-item weights from who met which item: the exact ridge solution, and shrunk cosines where it is too large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from llmrec.data.interactions import Interactions
from llmrec.errors import DataError

_ROWS_AT_ONCE = 1024  # of a dense matrix
_COLUMNS_AT_ONCE = 256  # of one that is sorted column by column
_SPARSE_ROWS_AT_ONCE = 256  # their products need several times their own size
_BM25_K1, _BM25_B = 1.2, 0.75


def met_table(interactions: Interactions) -> sparse.csr_array:
    """Who met which item: ones, float32 [n_users, n_items]."""
    shape = (len(interactions.user_ids), len(interactions.item_ids))
    ones = np.ones(len(interactions), dtype=np.float32)
    met = sparse.csr_array((ones, (interactions.users, interactions.items)), shape=shape)
    met.data[:] = 1.0  # repeats were summed
    return met


def met_matrix(interactions: Interactions) -> tuple[NDArray[np.int64], sparse.csr_array]:
    """Positions of the items anyone met, and who met which: ones, [n_users, n_active]."""
    active = np.unique(interactions.items).astype(np.int64)
    return active, sparse.csr_array(met_table(interactions)[:, active])


def ease_memory_bytes(n_items: int, *, n_kept: int) -> int:
    """Upper estimate of what the exact weights of `n_items` need at their peak, in bytes."""
    # The float64 Gram matrix is turned into its inverse in place.
    gram = 8 * n_items * n_items
    if n_kept >= n_items:
        return gram + 4 * n_items * n_items
    # Kept weights stand there twice while columns become rows; one block is copied, ordered and cut.
    return gram + 2 * n_items * n_kept * (4 + 4) + 4 * n_items * _COLUMNS_AT_ONCE * 8


def neighbours_memory_bytes(met: sparse.csr_array, *, n_neighbours: int) -> int:
    """Upper estimate of what `neighbour_weights` needs at its peak, in bytes."""
    n_items = int(met.shape[1])
    lengths = np.diff(met.indptr).astype(np.int64)
    # One block of cosines with its sort orders, and all neighbours before and after they are transposed.
    n_pairs_in_block = min(_SPARSE_ROWS_AT_ONCE * n_items, int((lengths * lengths).sum()))
    return n_pairs_in_block * 48 + 2 * n_items * n_neighbours * (4 + 8)


def exact_weights(met: sparse.csr_array, l2: float) -> NDArray[np.float32]:
    """EASE's B, float32 [n_active, n_active]: each item's ridge regression on all others, zero diagonal."""
    inverse = _inverse(met, l2)
    weights = np.empty(inverse.shape, dtype=np.float32)
    for start in range(0, len(weights), _ROWS_AT_ONCE):
        columns = slice(start, start + _ROWS_AT_ONCE)
        weights[:, columns] = _weight_columns(inverse, columns)
    return weights


def kept_weights(met: sparse.csr_array, l2: float, n_kept: int) -> sparse.csr_array:
    """The same with only the `n_kept` weights of largest magnitude of each column, the rest 0.

    The one dense table is the float64 Gram matrix that becomes its own inverse, and it is gone on return.
    """
    inverse = _inverse(met, l2)
    n_items = len(inverse)
    blocks = []
    for start in range(0, n_items, _COLUMNS_AT_ONCE):
        block = _weight_columns(inverse, slice(start, start + _COLUMNS_AT_ONCE))
        rows = np.argpartition(np.abs(block), n_items - n_kept, axis=0)[n_items - n_kept :]
        values = np.take_along_axis(block, rows, axis=0).astype(np.float32)
        indptr = np.arange(block.shape[1] + 1) * n_kept
        parts = (values.ravel(order="F"), rows.ravel(order="F").astype(np.int32), indptr.astype(np.int32))
        blocks.append(sparse.csc_array(parts, shape=block.shape))
    return sparse.csr_array(sparse.hstack(blocks, format="csr"))


def _inverse(met: sparse.csr_array, l2: float) -> NDArray[np.float64]:
    """(X'X + l2 I)^-1 in the lower triangle; the upper one holds anything."""
    n_items = int(met.shape[1])
    gram = _gram(met)
    gram[np.diag_indices(n_items)] += l2
    if n_items == 0:
        return gram
    factor, failed = linalg.lapack.dpotrf(gram, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise DataError(f"EASE could not be solved for {n_items} items.", hint="Raise l2.")
    solved: NDArray[np.float64] = inverse
    return solved


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


def _weight_columns(inverse: NDArray[np.float64], columns: slice) -> NDArray[np.float64]:
    """Columns of B = -P / diag(P) with zero diagonal; `inverse` holds P in its lower triangle."""
    start = columns.start
    block = inverse[:, columns].copy(order="F")
    stop = start + block.shape[1]
    block[:start] = inverse[start:stop, :start].T
    corner = np.tril(block[start:stop])
    block[start:stop] = corner + np.tril(corner, -1).T
    block /= -np.diag(corner)
    block[np.arange(start, stop), np.arange(stop - start)] = 0.0
    return block


def neighbour_weights(
    met: sparse.csr_array,
    shrinkage: float,
    n_neighbours: int,
    *,
    norms: NDArray[np.float32] | None = None,
    items: NDArray[np.int64] | None = None,
) -> sparse.csr_array:
    """Shrunk cosines n_ij / (|i| |j| + shrinkage), the `n_neighbours` largest per column's item, and ties of the last.

    Args:
        met: Who met what, float32 [n_users, n_items]; n_ij is the product of two columns.
        shrinkage: Makes rare pairs count less.
        n_neighbours: Kept per column.
        norms: |i| per item, float32 [n_items]; by default the lengths of the columns.
        items: Columns to compute, the others stay empty; all by default.
    """
    if norms is None:
        norms = np.sqrt(np.asarray(met.power(2).sum(axis=0), dtype=np.float32))
    if items is None:
        items = np.arange(int(met.shape[1]))
    by_item = sparse.csr_array(met.T)
    shape = (int(met.shape[1]), int(met.shape[1]))
    rows, columns, data = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for start in range(0, len(items), _SPARSE_ROWS_AT_ONCE):
        chosen = items[start : start + _SPARSE_ROWS_AT_ONCE]
        block = _top_rows(_cosines(sparse.csr_array(by_item[chosen] @ met), norms, chosen, shrinkage), n_neighbours)
        rows.append(chosen[block.coords[0]])
        columns.append(block.coords[1].astype(np.int64))
        data.append(block.data)
    # Cosines are symmetric: rows were cut per item to score, so they are read as columns, from history to candidates.
    entries = (np.concatenate(data), (np.concatenate(columns), np.concatenate(rows)))
    return sparse.csr_array(entries, shape=shape)


def _cosines(
    products: sparse.csr_array, norms: NDArray[np.float32], chosen: NDArray[np.int64], shrinkage: float
) -> sparse.csr_array:
    block = sparse.coo_array(products)
    rows, columns = block.coords
    data = block.data / (norms[chosen[rows]] * norms[columns] + shrinkage)
    data[chosen[rows] == columns] = 0.0
    return sparse.csr_array((data.astype(np.float32), (rows, columns)), shape=block.shape)


def _top_rows(matrix: sparse.csr_array, n_kept: int) -> sparse.coo_array:
    lengths = np.diff(matrix.indptr)
    # What is tied with the last one kept stays too, so that the order of the items decides nothing.
    edges = np.zeros(len(lengths), dtype=np.float32)
    for row in np.flatnonzero(lengths > n_kept).tolist():
        edges[row] = np.partition(matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]], -n_kept)[-n_kept]
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    kept = (matrix.data > 0) & (matrix.data >= edges[rows])
    return sparse.coo_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)


def idf_weighted(met: sparse.csr_array) -> sparse.csr_array:
    """`met` with each user weighing 1 - ln(1 + items met) / ln(n_items): who meets everything says little.

    Source: `tfidf_weight` of the library implicit, over ln(n_items), so that shrinkage means what it means without it.
    """
    idf = 1.0 - np.log1p(np.diff(met.indptr)) / np.log(max(int(met.shape[1]), 2))
    return sparse.csr_array(sparse.diags_array(idf.astype(np.float32)) @ met)


def bm25_weighted(met: sparse.csr_array) -> sparse.csr_array:
    """`idf_weighted` with each item weighing (k1 + 1) / (k1 (1 - b + b n_i / mean n) + 1), k1 1.2 and b 0.75.

    Source: `bm25_weight` of the library implicit.
    """
    counts = np.asarray(met.sum(axis=0), dtype=np.float64)
    relative = counts / max(float(counts.mean()), 1e-12) if len(counts) else counts
    scale = (_BM25_K1 + 1.0) / (_BM25_K1 * (1.0 - _BM25_B + _BM25_B * relative) + 1.0)
    return sparse.csr_array(idf_weighted(met) @ sparse.diags_array(scale.astype(np.float32)))


def pair_counts(interactions: Interactions, step: int) -> sparse.csr_array:
    """How often each item stood exactly `step` places before another in one history, [n_items, n_items]."""
    n_items = len(interactions.item_ids)
    same_user = interactions.users[:-step] == interactions.users[step:]
    earlier, later = interactions.items[:-step][same_user], interactions.items[step:][same_user]
    other = earlier != later
    ones: NDArray[np.float64] = np.ones(int(other.sum()))
    return sparse.csr_array((ones, (earlier[other], later[other])), shape=(n_items, n_items))


def decayed_pairs(interactions: Interactions, *, window: int, decay: float) -> sparse.csr_array:
    """Sum over steps 1 to `window` of `pair_counts` times decay ** (step - 1), float64 [n_items, n_items]."""
    n_items = len(interactions.item_ids)
    counted = sparse.csr_array((n_items, n_items), dtype=np.float64)
    for step in range(1, window + 1):
        counted = counted + pair_counts(interactions, step) * decay ** (step - 1)
    return sparse.csr_array(counted)


def root_counts(interactions: Interactions) -> NDArray[np.float64]:
    """Square root of the number of interactions of each item, at least 1; float64 [n_items]."""
    totals = np.bincount(interactions.items, minlength=len(interactions.item_ids))
    return np.sqrt(np.maximum(totals, 1).astype(np.float64))


def scaled(pairs: sparse.csr_array, scale: NDArray[np.float64]) -> sparse.csr_array:
    """`pairs` with n_ij times scale_i scale_j, float64."""
    diagonal = sparse.diags_array(scale)
    return sparse.csr_array(diagonal @ pairs @ diagonal)
