"""How much arithmetic ranking is, and how fast this machine does nothing but that arithmetic."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from llmrec.language_model.candidate_encoding import CandidateIds, Wanted
from llmrec.language_model.loading import CausalLM

_MAX_ROWS = 4096


class Arithmetic:
    """The products of matrices of one model."""

    def __init__(self, model: CausalLM) -> None:
        """Find the linear layers of `model`, its head apart."""
        decoder = cast(nn.Module, model.base_model)
        self._weights = [layer.weight.detach() for layer in decoder.modules() if isinstance(layer, nn.Linear)]
        config, head = model.config, cast(nn.Linear, model.get_output_embeddings())
        self._n_layers = int(config.num_hidden_layers)
        self._n_for_asked = _n_for_asked(decoder, f"layers.{self._n_layers - 1}.")
        n_heads = int(config.num_attention_heads)
        head_dim = int(getattr(config, "head_dim", None) or config.hidden_size // n_heads)
        self._n_attended = n_heads * head_dim
        self._n_head = head.weight.numel()
        generator, first = torch.Generator().manual_seed(0), self._weights[0]
        self._rows = {
            width: torch.randn(_MAX_ROWS, width, generator=generator).to(first.device, first.dtype)
            for width in {weight.shape[1] for weight in self._weights}
        }

    @property
    def n_weights(self) -> int:
        """Of all layers."""
        return sum(weight.numel() for weight in self._weights)

    def layers_flop(self, n_tokens: int) -> float:
        """Floating-point operations of the linear layers for `n_tokens`."""
        return 2.0 * self.n_weights * n_tokens

    def ranking_flop(self, ids: CandidateIds, wanted: Wanted, *, n_known: int) -> float:
        """Operations that scores of candidates need, when the first `n_known` tokens of the prompt were read before.

        Every new token passes all layers and attends to what it sees (two products of matrices); of the last layer it
        needs keys and values alone, unless it is `wanted` and goes on to the head. Neither what a mask hides nor what
        nobody asks for is counted: it is no work that had to be done.
        """
        n_prefix, lengths = len(ids.prefix), [len(candidate) for candidate in ids.candidates]
        seen = _sum_to(n_prefix) - _sum_to(n_known) + sum(length * n_prefix + _sum_to(length) for length in lengths)
        seen_by_wanted = sum(n_prefix + place + 1 for length in lengths for place in wanted(length))
        n_new, n_wanted = n_prefix - n_known + sum(lengths), sum(len(wanted(length)) for length in lengths)
        weights = self.layers_flop(n_new) - 2.0 * self._n_for_asked * (n_new - n_wanted)
        attention = 4.0 * self._n_attended * (seen * (self._n_layers - 1) + seen_by_wanted)
        return weights + attention + 2.0 * self._n_head * n_wanted

    def multiply(self, n_tokens: int) -> None:
        """Multiply `n_tokens` rows, at most 4,096, with every linear layer's weight, one after the other."""
        with torch.inference_mode():
            for weight in self._weights:
                functional.linear(self._rows[weight.shape[1]][:n_tokens], weight)


def _n_for_asked(decoder: nn.Module, last_layer: str) -> int:
    """Weights of the last layer that only a token whose hidden state is asked for has to pass."""
    linear = [(name, part) for name, part in decoder.named_modules() if isinstance(part, nn.Linear)]
    return sum(
        layer.weight.numel()
        for name, layer in linear
        if name.startswith(last_layer) and not name.endswith(("k_proj", "v_proj"))
    )


def n_shared(one: CandidateIds, other: CandidateIds) -> int:
    """How many tokens two prompts begin with alike."""
    pairs = zip(one.prefix, other.prefix, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one.prefix), len(other.prefix)))


def _sum_to(n: int) -> int:
    return n * (n + 1) // 2
