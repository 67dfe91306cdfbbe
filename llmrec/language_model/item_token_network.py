"""A language model's first layers that read items as words of their own and say which one comes next."""

from __future__ import annotations

import copy
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

    def forward(self, items: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of what came next over all items, a mean over the `targets` that are not IGNORED.

        Both are int64 [n, length]; a piece of history stands at the left edge.
        """
        vectors = self.item_vectors()
        read = functional.dropout(functional.embedding(items, vectors), self.dropout.inputs, self.training)
        asked = targets != IGNORED
        states = functional.dropout(self.states(read)[asked], self.dropout.outputs, self.training)
        return functional.cross_entropy(self.logits(states, vectors), targets[asked])

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
