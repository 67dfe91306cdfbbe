"""Lets a recommender's directory use an adapter that was trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from finetune.ranker_setup import Bench
from llmrec import index
from llmrec.settings import RankingSettings


def switch_on(recommender: Path, adapter: Path, bench: Bench, lm_weight: float) -> None:
    """Publish a new version of `recommender` that ranks with `adapter`, as it was validated.

    Raises:
        ArtifactError: The directory is damaged, in use, or cannot be written.
    """
    fitted = index.load(recommender)
    model = fitted.settings.language_model.model_copy(
        update={"model": bench.config.base, "adapter": str(adapter.resolve())}
    )
    # Where all weights were learned this one only says that the model is asked.
    ranking = bench.ranking.model_copy(update={"lm_weight": lm_weight or RankingSettings().lm_weight})
    settings = fitted.settings.model_copy(update={"language_model": model, "ranking": ranking})
    index.save(replace(fitted, settings=settings), recommender)
