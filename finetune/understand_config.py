"""Every number of a fine-tuning run of the second voice of understanding."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finetune.ranker_config import RankerTraining
from finetune.training_file import TrainingFile


class UnderstandTraining(TrainingFile):
    """How the adapter learns to read what the grammar left unread.

    Attributes:
        base: What is fine-tuned: an asset's name, a directory, or a hub id.
        dtype: Of the base's weights and of the arithmetic; `fast` is bfloat16 also on CPUs that have AMX.
        rank: Of the adapter's matrices; their scale is `alpha / rank`.
        top_layers: How many of the last layers are adapted; 0 adapts all.
        validation_share: Share of each concept's phrases that is only validated with.
        n_vocabularies: Vocabularies in a step, each drawn anew.
        n_messages: Utterances over each, read in one row of tokens.
        steps: Of the optimiser.
        warmup: Share of the steps in which the learning rate rises; it then falls as a cosine.
        evaluations: How often it is validated, evenly spread; the weights of the best are kept.
        n_validated: Vocabularies that are validated with.
    """

    base: str = "smollm2-135m-instruct"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    dtype: Literal["auto", "fast", "float32", "bfloat16"] = "auto"
    seed: int = Field(0, ge=0)
    rank: int = Field(12, ge=1, le=256)
    alpha: int = Field(24, ge=1, le=512)
    top_layers: int = Field(0, ge=0)
    validation_share: float = Field(0.15, gt=0, lt=1)
    n_vocabularies: int = Field(2, ge=1)
    n_messages: int = Field(12, ge=1)
    steps: int = Field(900, ge=1)
    learning_rate: float = Field(8e-4, gt=0, le=1, allow_inf_nan=False)
    warmup: float = Field(0.05, ge=0, lt=1)
    evaluations: int = Field(8, ge=1)
    n_validated: int = Field(20, ge=1)

    def of_model(self) -> RankerTraining:
        """What concerns the model alone, for who loads and adapts it."""
        names = ("base", "device", "dtype", "seed", "rank", "alpha", "top_layers")
        return RankerTraining.model_validate({name: getattr(self, name) for name in names} | {"mode": "listwise"})
