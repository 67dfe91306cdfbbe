"""The library `cornac`: BPR, EASE, VAECF, and CTR, which reads the items' texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cornac.data import Dataset, TextModality
from cornac.data.text import BaseTokenizer
from cornac.models import BPR, CTR, EASE, VAECF
from exchange import PeerTask, Recommend, best_unseen, main
from numpy.typing import NDArray


def _dataset(task: PeerTask) -> Dataset:
    rows = zip(task.users.tolist(), task.items.tolist(), np.ones(len(task.users)).tolist(), strict=True)
    return Dataset.build(rows, fmt="UIR", seed=0)


def _fitted(model: Any, data: Dataset, task: PeerTask) -> Recommend:  # noqa: ANN401 - any of the library's models
    model.fit(data)
    known = np.fromiter(data.iid_map, dtype=np.int64)
    places = np.fromiter(data.iid_map.values(), dtype=np.int64)

    def score(user: int) -> NDArray[np.floating]:
        scores = np.full(task.n_items, -np.inf)
        scores[known] = np.asarray(model.score(data.uid_map[user]), dtype=np.float64).ravel()[places]
        return scores

    return lambda users, top: best_unseen(task, users, top, score)


def _bpr(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fitted(BPR(seed=seed, **params), _dataset(task), task)


def _ease(task: PeerTask, params: Mapping[str, Any], _seed: int) -> Recommend:
    return _fitted(EASE(verbose=False, **params), _dataset(task), task)


def _vaecf(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    params = dict(params)
    hidden = params.pop("hidden")
    return _fitted(VAECF(seed=seed, autoencoder_structure=[hidden], **params), _dataset(task), task)


def _ctr(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    data = _dataset(task)
    texts = TextModality(
        corpus=list(task.texts),
        ids=list(range(task.n_items)),
        tokenizer=BaseTokenizer(sep=" ", stop_words="english"),
        max_vocab=8000,
        max_doc_freq=0.5,
    )
    data.add_modalities(item_text=texts.build(id_map=data.iid_map))
    return _fitted(CTR(seed=seed, verbose=False, **params), data, task)


if __name__ == "__main__":
    main({"bpr": _bpr, "ease": _ease, "vaecf": _vaecf, "ctr": _ctr}, packages=("cornac", "numpy", "scipy", "torch"))
