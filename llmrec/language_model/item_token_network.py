"""A language model's first layers that read items as words of their own and say which one comes next."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmrec.errors import ModelError

IGNORED = -100  # a target that is none
_FIRST_SPREAD = 0.5  # of logits before training; a tenfold one begins far worse than a guess
_OWN_SPREAD, _SHARED_SPREAD = 0.02, 2.0  # as drawn; the second in spreads of the vocabulary's embeddings


@dataclass(frozen=True, slots=True)
class ItemTokenShape:
    """Size of what is trained beside the layers.

    Attributes:
        n_layers: How many of the base's first layers read.
        own_dim: Numbers of each item's own; as many as the layers have would be learned by heart.
        max_length: How many of a history's newest items are read.
        description_chars: How much of an item's description its line shows.
    """

    n_layers: int = 2
    own_dim: int = 64
    max_length: int = 50
    description_chars: int = 0


@dataclass(frozen=True, slots=True)
class Dropout:
    """Shares of what the layers read, and of what they say, that a training step hides."""

    inputs: float = 0.0
    outputs: float = 0.0


@dataclass(frozen=True, slots=True)
class _Shown:
    """The items that one step knows, and the step's own numbers for them.

    Attributes:
        rows: int64 [n_shown], the network's numbers.
        log_shares: float32 [n_shown], log of how many items each stands for.
        items: What is read, in the step's numbers.
        targets: What came next, in the step's numbers.
    """

    rows: Tensor
    log_shares: Tensor
    items: Tensor
    targets: Tensor

    @classmethod
    def drawn(cls, items: Tensor, targets: Tensor, *, n_items: int, n_negatives: int) -> _Shown:
        named = torch.unique(torch.cat([items.flatten(), targets]))
        n_others = n_items - len(named)
        if not 0 < n_negatives < n_others:
            every = torch.arange(n_items, device=items.device)
            return cls(every, torch.zeros(n_items, device=items.device), items, targets)
        is_other = torch.ones(n_items, dtype=torch.bool, device=items.device)
        is_other[named] = False
        others = torch.nonzero(is_other)[:, 0]
        others = others[torch.randperm(n_others, device=items.device)[:n_negatives]]
        rows = torch.cat([named, others])
        log_shares = torch.zeros(len(rows), device=items.device)
        log_shares[len(named) :] = math.log(n_others / n_negatives)
        numbers = torch.zeros_like(is_other, dtype=torch.int64).scatter_(0, rows, torch.arange(len(rows)).to(rows))
        return cls(rows, log_shares, numbers[items], numbers[targets])


class ItemTokenNetwork(nn.Module):
    """One word for each item that somebody met; their numbers are the network's own.

    An item's vector is what its text says plus `own @ shared`; the same vectors are read and compared with what the
    layers say. A causal model never sees what stands right of a position, so shorter histories are padded there and
    need no mask.
    """

    def __init__(
        self, decoder: nn.Module, texts: Tensor, shape: ItemTokenShape, dropout: Dropout | None = None
    ) -> None:
        """Take over the layers, and begin with nothing learned.

        Args:
            decoder: From `first_layers`; adapted or not.
            texts: float32 [n_items, dim], see `TextScale`.
            shape: Sizes.
            dropout: While training.
        """
        super().__init__()
        self.shape = shape
        self.dropout = dropout or Dropout()
        self.decoder = decoder
        n_items, dim = texts.shape
        self.register_buffer("texts", texts, persistent=False)
        self.own = nn.Parameter(texts.new_zeros(n_items, shape.own_dim))
        self.shared = nn.Parameter(texts.new_zeros(shape.own_dim, dim))
        self.bias = nn.Parameter(texts.new_zeros(n_items))
        self.scale = nn.Parameter(texts.new_ones(()))

    def draw(self, *, seed: int, spread: float) -> None:
        """Begin to learn: vectors drawn from `seed`, and logits of a spread that a softmax can start from.

        Args:
            seed: Of what is drawn, on the CPU, so that every device begins alike.
            spread: Of the vocabulary's embeddings.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.own.copy_(torch.randn(self.own.shape, generator=generator) * _OWN_SPREAD)
            self.shared.copy_(torch.randn(self.shared.shape, generator=generator) * _SHARED_SPREAD * spread)
            some = torch.arange(min(len(self.own), self.shape.max_length), device=self.own.device)
            vectors = self.item_vectors()
            found = self.logits(self.states(vectors[some][None])[0], vectors).std()
            if bool(torch.isfinite(found)) and float(found) > 0:
                self.scale.fill_(_FIRST_SPREAD / float(found))

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the layers."""
        return next(parameter.dtype for parameter in self.decoder.parameters() if not parameter.requires_grad)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.own.device

    def item_vectors(self) -> Tensor:
        """float32 [n_items, dim]."""
        return cast(Tensor, self.texts) + self.own @ self.shared

    def states(self, vectors: Tensor) -> Tensor:
        """What the layers say after each vector, [n, length, dim] in their own format; `vectors` have that shape."""
        found: Tensor = self.decoder(inputs_embeds=vectors.to(self.dtype), use_cache=False).last_hidden_state
        return found

    def logits(self, states: Tensor, vectors: Tensor, bias: Tensor | None = None) -> Tensor:
        """How likely each item is next, float32 [..., n_items]."""
        products = (states @ vectors.to(states.dtype).T).float()
        return products * self.scale + (self.bias if bias is None else bias)

    def forward(self, items: Tensor, targets: Tensor, n_negatives: int = 0) -> Tensor:
        """Cross-entropy of what came next over all items, a mean over the `targets` that are not IGNORED.

        Args:
            items: int64 [n, length]; a piece of history stands at the left edge.
            targets: int64 [n, length], what came next.
            n_negatives: With fewer than all items, so many that were not named are drawn, and each counts for its share
                of them: what the softmax divides by is right on average. Source: Jean et al. 2015. 0 draws none.
        """
        asked = targets != IGNORED
        shown = _Shown.drawn(items, targets[asked], n_items=len(self.own), n_negatives=n_negatives)
        vectors = cast(Tensor, self.texts)[shown.rows] + self.own[shown.rows] @ self.shared
        read = functional.dropout(functional.embedding(shown.items, vectors), self.dropout.inputs, self.training)
        states = functional.dropout(self.states(read)[asked], self.dropout.outputs, self.training)
        logits = self.logits(states, vectors, self.bias[shown.rows] + shown.log_shares)
        return functional.cross_entropy(logits, shown.targets)

    def trained(self) -> dict[str, nn.Parameter]:
        """What is learned, by name: the layers themselves are not."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}


def last_states(network: ItemTokenNetwork, rows: Sequence[Tensor], vectors: Tensor) -> Tensor:
    """What the newest items of each history say of the next one, [n, dim].

    Args:
        network: Who reads.
        rows: int64 [n_met] each, places in `vectors`, oldest first; none is empty.
        vectors: float32 [n, dim].
    """
    newest = [row[-network.shape.max_length :] for row in rows]
    items = nn.utils.rnn.pad_sequence(newest, batch_first=True).to(vectors.device)
    ends = torch.tensor([len(row) - 1 for row in newest], device=vectors.device)
    states = network.states(functional.embedding(items, vectors))
    return states[torch.arange(len(newest), device=vectors.device), ends]


def first_layers(decoder: nn.Module, n_layers: int, *, name: str) -> nn.Module:
    """A decoder of the first `n_layers` of `decoder`, which keeps its own; the vocabulary is shared, not copied.

    Raises:
        ModelError: It has fewer, or is built in a way that is not known here.
    """
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise ModelError(f"{name} is no decoder with a list of layers.", hint="Use a Llama, Qwen, Gemma or the like.")
    if not 1 <= n_layers <= len(layers):
        raise ModelError(f"{n_layers} layers were asked for; {name} has {len(layers)}.")
    vocabulary = cast(nn.Module, decoder.get_input_embeddings())  # type: ignore[operator]
    kept = nn.ModuleList(copy.deepcopy(list(layers[:n_layers])))
    # What stands in the memo is not copied but put in its place.
    first = copy.deepcopy(decoder, {id(layers): kept, id(vocabulary): vocabulary})
    first.config.num_hidden_layers = n_layers  # type: ignore[union-attr]
    return first.requires_grad_(requires_grad=False)
