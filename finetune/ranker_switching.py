"""Lets a recommender's directory use an adapter that was trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from finetune.ranker_config import RankerTraining
from llmrec import index


def switch_on(recommender: Path, adapter: Path, config: RankerTraining, lm_weight: float) -> None:
    """Publish a new version of `recommender` that ranks with `adapter`, as it was validated.

    Raises:
        ArtifactError: The directory is damaged, in use, or cannot be written.
    """
    fitted = index.load(recommender)
    chosen = fitted.settings
    settings = chosen.model_copy(
        update={
            "language_model": chosen.language_model.model_copy(
                update={"model": config.base, "adapter": str(adapter.resolve())}
            ),
            "ranking": chosen.ranking.model_copy(
                update={
                    "lm_weight": lm_weight,
                    "slate_size": config.slate_size,
                    "max_prompt_tokens": config.max_prompt_tokens,
                }
            ),
        }
    )
    index.save(replace(fitted, settings=settings), recommender)
