"""Every number of a fine-tuning run of the second voice of understanding."""

from __future__ import annotations

from pydantic import Field

from finetune.answer_training import AnswerTraining


class UnderstandTraining(AnswerTraining):
    """How the adapter learns to read what the grammar left unread.

    Attributes:
        validation_share: Share of each concept's phrases that is only validated with.
        n_vocabularies: Vocabularies in a step, each drawn anew.
        n_messages: Utterances over each, read in one row of tokens.
        n_validated: Vocabularies that are validated with.
    """

    validation_share: float = Field(0.15, gt=0, lt=1)
    n_vocabularies: int = Field(2, ge=1)
    n_messages: int = Field(12, ge=1)
    n_validated: int = Field(20, ge=1)
