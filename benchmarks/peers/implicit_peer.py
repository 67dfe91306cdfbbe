"""The library `implicit`: ALS, BPR and item neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from exchange import PeerTask, Recommend, main, n_threads
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

_NEIGHBOURS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender}


warnings.filterwarnings("ignore", message="Method expects CSR input")


def _met(task: PeerTask) -> csr_matrix:
    met = csr_matrix(
        (np.ones(len(task.users), dtype=np.float32), (task.users, task.items)), shape=(task.n_users, task.n_items)
    )
    met.data[:] = 1
    return met


def _fitted(model: Any, task: PeerTask) -> Recommend:  # noqa: ANN401 - the library's models share no base class
    met = _met(task)
    own = task.users * np.int64(task.n_items) + task.items
    model.fit(met, show_progress=False)

    def recommend(users: NDArray[np.int32], top: int) -> NDArray[np.int32]:
        found = [
            model.recommend(part, met[part], N=top, filter_already_liked_items=True)
            for part in np.array_split(users, max(1, len(users) // 1024))
        ]
        ids, scores = (np.concatenate(columns) for columns in zip(*found, strict=True))
        # Short lists are padded below the smallest float, by the neighbours' also with the user's own items at 0.
        listed = (scores > -1e30) & ~np.isin(users[:, None] * np.int64(task.n_items) + ids, own)
        return np.where(listed, ids, -1)

    return recommend


def _machine() -> Mapping[str, Any]:
    return {"use_gpu": False, "num_threads": n_threads()}


def _als(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fitted(AlternatingLeastSquares(**_machine(), random_state=seed, **params), task)


def _bpr(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fitted(
        BayesianPersonalizedRanking(use_gpu=False, num_threads=n_threads(), random_state=seed, **params), task
    )


def _itemknn(task: PeerTask, params: Mapping[str, Any], _seed: int) -> Recommend:
    kind, neighbours = params["weighting"], params["K"]
    if kind == "bm25":
        return _fitted(BM25Recommender(K=neighbours, num_threads=n_threads(), K1=params["K1"], B=params["B"]), task)
    return _fitted(_NEIGHBOURS[kind](K=neighbours, num_threads=n_threads()), task)


if __name__ == "__main__":
    main({"als": _als, "bpr": _bpr, "itemknn": _itemknn}, packages=("implicit", "numpy", "scipy"))
