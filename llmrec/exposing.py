"""Which items need a bonus to be seen at all: learned from what an assistant would show the users it knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmrec.assistant import Assistant, Stages
from llmrec.build import Around
from llmrec.index import Fitted
from llmrec.interfaces import Ranker
from llmrec.ranking.exposure import ExposureRanker, learn_bonuses
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.settings import RankingSettings
from llmrec.types import Query

_MAX_USERS = 2000  # a sample of more says little more, and start-up would take longer
_SEED = 0
_NONE = -1


def exposing(assistant: Assistant, fitted: Fitted, settings: RankingSettings, around: Around | None) -> Around:
    """What has to stand around the stages of `assistant` for `settings.exposure`; inside of it what already does.

    Learned from the retrieved lists of up to 2,000 of the users of `fitted`. The language model is not asked for that:
    it reorders the first places, and bonuses fill the last.
    """
    ranked = _ranked(assistant.stages, fitted)
    places = settings.exposure_places
    bonuses = learn_bonuses(ranked, len(fitted.catalogue), places=places, limit=settings.exposure).tolist()
    lifted = {item_id: bonus for item_id, bonus in zip(fitted.catalogue.ids, bonuses, strict=True) if bonus}
    inner = around or Around(lambda ranker: ranker, lambda phraser: phraser)

    def exposed(ranker: Ranker) -> Ranker:
        return ExposureRanker(inner.ranker(ranker), lifted, places=places)

    return replace(inner, ranker=exposed)


def _ranked(stages: Stages, fitted: Fitted) -> NDArray[np.int32]:
    """The candidates of each user in the retrievers' order, [n_users, n_candidates]."""
    plain = Assistant(replace(stages, ranker=RetrievalOrderRanker()))
    known = fitted.interactions
    chosen = np.random.default_rng(_SEED).permutation(len(known.user_ids))[:_MAX_USERS]
    queries = [Query(history=known.history(known.user_ids[user])) for user in np.sort(chosen)]
    depth = min(stages.n_candidates, len(fitted.catalogue))
    ranked = np.full((len(queries), depth), _NONE, dtype=np.int32)
    for row, ranking in zip(ranked, plain.rankings(queries, k=depth), strict=True):
        row[: len(ranking.item_ids)] = [fitted.catalogue.position(item_id) for item_id in ranking.item_ids]
    return ranked
