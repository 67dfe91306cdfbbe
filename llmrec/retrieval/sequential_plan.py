"""How sequential retrievers are shaped and trained, as values; no torch, so that settings can name them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from llmrec.errors import ConfigError


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Size of the Transformer.

    Attributes:
        dim: Length of an item's vector; a multiple of `n_heads`.
        n_blocks: Attention blocks.
        n_heads: Attention heads of a block.
        max_length: Newest items of a history that are read; older ones do not count.
        dropout: Share of numbers dropped while training, in [0, 1).
    """

    dim: int = 64
    n_blocks: int = 2
    n_heads: int = 2
    max_length: int = 50
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if min(self.dim, self.n_blocks, self.n_heads, self.max_length) < 1 or self.dim % self.n_heads:
            raise ConfigError(
                f"dim is {self.dim}, n_blocks {self.n_blocks}, n_heads {self.n_heads}, max_length {self.max_length}; "
                "all must be at least 1 and dim a multiple of n_heads."
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}; it must be in [0, 1).")


@dataclass(frozen=True, slots=True)
class TextReading:
    """How texts stand beside the items' own vectors.

    Attributes:
        id_dropout: Share of items whose own vector is hidden at each training step, in [0, 1].
        cold_bonus: Added to the score (a logit) of an item that nobody met. Of such an item the network knows how
            popular its likes are on average; the popular among the others always stand above that, and at 0 hardly
            any new item is ever shown. More finds new items sooner and known ones later.
    """

    id_dropout: float = 0.5
    cold_bonus: float = 1.0

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if not 0 <= self.id_dropout <= 1 or not math.isfinite(self.cold_bonus):
            raise ConfigError(
                f"id_dropout is {self.id_dropout} and cold_bonus {self.cold_bonus}; the first must be in [0, 1], the "
                "second finite."
            )


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a network is trained.

    Attributes:
        max_epochs: Passes over all histories at most.
        patience: Epochs without a better hold-out value after which training stops.
        batch_size: Histories per step.
        learning_rate: Of AdamW, after a linear rise over the first epoch.
        weight_decay: Of AdamW.
        label_smoothing: Share of the target's probability spread over all items, in [0, 1); 0 with sampled items.
        n_negatives: Items sampled per step as competitors of the target; 0 takes the whole catalogue.
        refit: Whether, once the best number of epochs is known, a new network learns from the hold-out too.
        update_epochs: Passes over the histories that changed, for an update.
    """

    max_epochs: int = 60
    patience: int = 5
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    n_negatives: int = 0
    refit: bool = True
    update_epochs: int = 2

    def __post_init__(self) -> None:
        """Raise ConfigError when a number is out of range."""
        if min(self.max_epochs, self.patience, self.batch_size, self.update_epochs) < 1:
            raise ConfigError(
                f"max_epochs is {self.max_epochs}, patience {self.patience}, batch_size {self.batch_size}, "
                f"update_epochs {self.update_epochs}; all must be at least 1."
            )
        if self.learning_rate <= 0 or min(self.weight_decay, self.n_negatives) < 0:
            raise ConfigError(
                f"learning_rate is {self.learning_rate}, weight_decay {self.weight_decay}, n_negatives "
                f"{self.n_negatives}; the first must be above 0, the others at least 0."
            )
        if not 0 <= self.label_smoothing < 1 or (self.label_smoothing and self.n_negatives):
            raise ConfigError(
                f"label_smoothing is {self.label_smoothing} with n_negatives {self.n_negatives}; it must be in [0, 1) "
                "and needs the whole catalogue (n_negatives 0)."
            )


@dataclass(frozen=True, slots=True)
class Compute:
    """Where the network runs.

    Attributes:
        device: A torch device: `cpu`, `cuda`, `cuda:N`, `mps`.
        dtype: Format of matrix products; weights stay float32.
    """

    device: str = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One finished pass over the histories.

    Attributes:
        epoch: From 1.
        loss: Mean cross-entropy of a target, natural logarithm.
        ndcg: NDCG@10 of the held-out items, in [0, 1]; nan in a refit or update, which hold nothing out.
        eta_s: Seconds to the last epoch of this training at the speed so far; early stopping may end it sooner.
    """

    epoch: int
    loss: float
    ndcg: float
    eta_s: float


EpochProgress = Callable[[EpochReport], None]
