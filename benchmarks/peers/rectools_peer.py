"""The library RecTools: SASRec and BERT4Rec."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from exchange import PeerTask, Recommend, main, n_threads
from numpy.typing import NDArray
from pytorch_lightning import seed_everything
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, SASRecModel

_MODELS = {"sasrec": SASRecModel, "bert4rec": BERT4RecModel}


def _dataset(task: PeerTask) -> Dataset:
    # Only the order within a user counts, so a row's place stands for its time: no tie is left to a sort.
    moments = pd.Timestamp("2000-01-01") + pd.to_timedelta(task.places, unit="s")
    columns = {"user_id": task.users, "item_id": task.items, "weight": 1.0, "datetime": moments}
    return Dataset.construct(pd.DataFrame(columns))


def _fit(name: str, task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    seed_everything(seed, verbose=False)
    torch.set_num_threads(n_threads())
    data = _dataset(task)
    model = _MODELS[name](deterministic=True, recommend_torch_device="cpu", **params)
    model.fit(data)

    def recommend(users: NDArray[np.int32], top: int) -> NDArray[np.int32]:
        found = model.recommend(users, data, k=top, filter_viewed=True, on_unsupported_targets="ignore")
        row_of = np.full(task.n_users, -1)
        row_of[users] = np.arange(len(users))
        ranked = np.full((len(users), top), -1, dtype=np.int32)
        ranked[row_of[found["user_id"].to_numpy()], found["rank"].to_numpy() - 1] = found["item_id"].to_numpy()
        return ranked

    return recommend


def _sasrec(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fit("sasrec", task, params, seed)


def _bert4rec(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fit("bert4rec", task, params, seed)


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    main({"sasrec": _sasrec, "bert4rec": _bert4rec}, packages=("rectools", "numpy", "torch", "pytorch-lightning"))
