"""Every number of a fine-tuning run of the adapter that writes explanations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finetune.answer_training import AnswerTraining


class ExplainTraining(AnswerTraining):
    """How the adapter learns to say reasons in one sentence.

    Attributes:
        max_tokens: Longest sentence that is learned from, its end included.
        batch_size: Examples in a step, all in one row of tokens.
        n_validated: Batches that are validated with, drawn apart.
    """

    keep_by: Literal["exact", "loss"] = "loss"
    max_tokens: int = Field(30, ge=8)
    batch_size: int = Field(16, ge=1)
    n_validated: int = Field(4, ge=1)
