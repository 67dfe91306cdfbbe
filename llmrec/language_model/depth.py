"""A causal language model that is read only up to one of its layers; nothing of it is copied."""

from __future__ import annotations

import copy
from typing import cast

from torch import nn

from llmrec.errors import ModelError
from llmrec.language_model.loading import CausalLM


def up_to_layer(model: CausalLM, n_layers: int, *, name: str) -> CausalLM:
    """`model` whose head reads what its first `n_layers` say; both share every weight and every adapter.

    Source: Elhoushi et al. 2024, "LayerSkip" (early exit: one head for all depths).

    Args:
        model: Stays as it is.
        n_layers: As many as an adapter was trained on: without one the head cannot read layers in the middle.
        name: The model's, for messages.

    Raises:
        ModelError: It has fewer, or is built in a way that is not known here.
    """
    outer, decoder = _shallow(cast(nn.Module, model)), _shallow(cast(nn.Module, model.base_model))
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise ModelError(f"{name} is no decoder with a list of layers.", hint="Use a Llama, Qwen, Gemma or the like.")
    if not 1 <= n_layers <= len(layers):
        raise ModelError(f"{n_layers} layers were asked for; {name} has {len(layers)}.")
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = n_layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:n_layers]
    decoder.layers = nn.ModuleList(list(layers)[:n_layers])
    setattr(outer, str(outer.base_model_prefix), decoder)
    outer.config = decoder.config = config  # type: ignore[assignment]
    return cast(CausalLM, outer)


def _shallow(module: nn.Module) -> nn.Module:
    """Another module of the same parts, in which a part can be replaced."""
    other = copy.copy(module)
    other._modules = dict(module._modules)
    return other
