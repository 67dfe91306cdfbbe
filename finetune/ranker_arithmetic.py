"""In which number format an adapted model computes while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from peft.helpers import disable_input_dtype_casting
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn
from torch.nn import functional


@contextmanager
def computing_in(dtype: torch.dtype, model: nn.Module, device: torch.device) -> Iterator[None]:
    """Within, every layer of `model` computes in `dtype`, also an adapter that is kept in float32.

    By themselves its layers would first copy all they read into their own format.
    """
    if dtype == torch.float32:
        yield
        return
    with torch.autocast(device.type, dtype), disable_input_dtype_casting(model):
        yield


@contextmanager
def products_in_weights(model: nn.Module) -> Iterator[None]:
    """Within, each adapted layer adds its matrices' product to its weight and reads once, instead of three times.

    The same numbers, for adapters without dropout over plain layers. It pays where passes over activations are dear and
    weights are small, as on a CPU: half the time of a step. On a GPU the sum of a large weight would cost its memory.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLinear)]
    for layer in layers:
        layer.forward = partial(_read_once, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _read_once(layer: LoraLinear, inputs: Tensor) -> Tensor:
    base = layer.get_base_layer()
    weight: Tensor = base.weight  # type: ignore[assignment]
    for name in layer.active_adapters:
        up, down = _matrix(layer.lora_B, name), _matrix(layer.lora_A, name)
        weight = torch.addmm(weight, up.to(weight.dtype), down.to(weight.dtype), alpha=layer.scaling[name])
    return functional.linear(inputs, weight, base.bias)  # type: ignore[arg-type]


def _matrix(of_adapters: nn.ModuleDict, name: str) -> Tensor:
    matrix: Tensor = of_adapters[name].weight  # type: ignore[assignment]
    return matrix


def compute_dtype(model: nn.Module) -> torch.dtype:
    """The number format of a base's weights."""
    floating = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    return torch.bfloat16 if torch.bfloat16 in floating else torch.float32
