"""The library LensKit: popularity, item neighbours, implicit matrix factorisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from exchange import PeerTask, Recommend, best_unseen, main
from lenskit.als import ImplicitMFScorer
from lenskit.basic import PopScorer
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.training import TrainingOptions
from numpy.typing import NDArray


def _fitted(scorer: Any, task: PeerTask, seed: int) -> Recommend:  # noqa: ANN401 - any of the library's scorers
    rows = pd.DataFrame({"user_id": task.users, "item_id": task.items}).drop_duplicates()
    data = from_interactions_df(rows)
    scorer.train(data, TrainingOptions(rng=seed, device="cpu"))
    everything = ItemList(item_ids=np.arange(task.n_items))

    def score(user: int) -> NDArray[np.floating]:
        query = RecQuery(user_id=user, history_items=data.user_row(user))
        found = scorer(everything) if isinstance(scorer, PopScorer) else scorer(query, everything)
        scores = np.asarray(found.scores(), dtype=np.float64)
        # An item without a neighbour among the user's has no score; it comes after all that have one.
        return np.where(np.isnan(scores), np.nanmin(scores, initial=0) - 1, scores)

    return lambda users, top: best_unseen(task, users, top, score)


def _popularity(task: PeerTask, _params: Mapping[str, Any], seed: int) -> Recommend:
    return _fitted(PopScorer(), task, seed)


def _itemknn(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    return _fitted(ItemKNNScorer(feedback="implicit", **params), task, seed)


def _implicitmf(task: PeerTask, params: Mapping[str, Any], seed: int) -> Recommend:
    # Histories are those that were fitted on, so each user's own vector is there and need not be solved for again.
    return _fitted(ImplicitMFScorer(user_embeddings="prefer", **params), task, seed)


if __name__ == "__main__":
    main(
        {"popularity": _popularity, "itemknn": _itemknn, "implicitmf": _implicitmf},
        packages=("lenskit", "numpy", "torch"),
    )
