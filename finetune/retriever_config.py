"""Every number of a fine-tuning run of the sentence encoder, read from a TOML file and complete at start."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finetune.training_file import TrainingFile


class RetrieverTraining(TrainingFile):
    """How the sentence encoder is fine-tuned.

    Attributes:
        base: What is fine-tuned: an asset's name, a directory, or a hub id.
        precision: `bf16` needs a GPU that has it.
        max_history: How many of the newest items a history's text names.
        per_user: How many of each user's newest steps are learned from.
        hard_negatives: Items per example that read like the right one and are not among what the user met.
        negatives_skip: How many of the items nearest to the right one are spared, as too likely to be liked.
        negatives_pool: From how many of the next ones the hard negatives are drawn.
        max_length: Longest text in tokens; written into the model, so it also holds when serving.
        batch_size: Examples whose items are each other's negatives, on each device.
        mini_batch_size: Texts in memory at once; changes memory, not results.
        scale: What cosines are multiplied by before the softmax.
        matryoshka_sizes: Leading parts of a vector that are to work alone; the whole length belongs to them.
        evaluations: How often the validation users are asked, evenly spread; a checkpoint is written each time.
        patience: Evaluations without a better NDCG@10 before training ends.
    """

    base: str = "all-MiniLM-L6-v2"
    device: str = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = Field(0, ge=0)
    max_history: int = Field(10, ge=1)
    per_user: int = Field(12, ge=1)
    hard_negatives: int = Field(1, ge=0, le=16)
    negatives_skip: int = Field(5, ge=0)
    negatives_pool: int = Field(50, ge=1)
    max_length: int = Field(64, ge=8, le=8192)
    batch_size: int = Field(64, ge=2)
    mini_batch_size: int = Field(32, ge=1)
    epochs: int = Field(1, ge=1)
    learning_rate: float = Field(5e-5, gt=0, lt=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)
    matryoshka_sizes: tuple[int, ...] = Field((384, 192, 96), min_length=1)
    evaluations: int = Field(5, ge=1)
    patience: int = Field(3, ge=1)
