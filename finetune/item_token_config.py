"""The numbers that only item tokens have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ItemTokenTraining(BaseModel):
    """How items become words of a language model.

    Attributes:
        n_layers: How many of the base's first layers read; all linear layers of them are adapted.
        own_dim: Numbers of each item's own, beside what its text says.
        max_length: How many of a history's newest items are read.
        description_chars: How much of a description an item's line shows.
        input_dropout: Share of the numbers the layers read that a step hides.
        output_dropout: Share of those they say.
        own_learning_rate: Of the items' own numbers; `learning_rate` is the adapter's.
        bias_learning_rate: Of each item's bias, which is its popularity.
        negatives: How many other items each step tells apart from what came next, drawn anew and weighted for the rest;
            0 takes all items, which is exact and, with many thousands of them, slow.
        averaging: What is judged and kept is a moving mean of the weights over about so many passes; 0 keeps the last.
        refit: Whether what serves is trained anew, for as many passes as were best, on the validation's answers too: an
            item first met there would else be known by its text alone, while retrievers know it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_layers: int = Field(2, ge=1)
    own_dim: int = Field(64, ge=1)
    max_length: int = Field(50, ge=1)
    description_chars: int = Field(0, ge=0)
    input_dropout: float = Field(0.3, ge=0, lt=1)
    output_dropout: float = Field(0.2, ge=0, lt=1)
    own_learning_rate: float = Field(3e-3, gt=0, lt=1)
    bias_learning_rate: float = Field(1e-2, gt=0, lt=1)
    negatives: int = Field(0, ge=0)
    averaging: float = Field(0.0, ge=0, le=100)
    refit: bool = False
