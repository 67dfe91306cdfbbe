"""LoRA by adding the low-rank product to the weight once a pass, kept in PEFT's own files.

Without dropout inside, `(W + s * B @ A) x` is what PEFT computes as `W x + s * B (A x)`; it costs a product of the
weight's size instead of two thin ones for every token and their casts, which a CPU pays dearly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from llmrec.errors import ModelError

_PEFT_PREFIX = "base_model.model."
_NAMES = {"lora_A": "down", "lora_B": "up"}


@dataclass(frozen=True, slots=True)
class LoRAShape:
    """Size of the low-rank matrices; their product counts `alpha / rank`, with `rslora` `alpha / sqrt(rank)`."""

    rank: int = 16
    alpha: int = 32
    rslora: bool = False

    @property
    def scale(self) -> float:
        """What the product is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)


class LoRALinear(nn.Module):
    """A linear layer whose weight stays as it is, plus a product of two thin float32 matrices that is trained."""

    def __init__(self, layer: nn.Linear, shape: LoRAShape, generator: torch.Generator) -> None:
        """Begin at the layer itself: the second matrix is 0.

        Args:
            layer: Its weight is shared and frozen.
            shape: Size of the matrices.
            generator: The first matrix is drawn from it, on the CPU, so that every device begins alike.
        """
        super().__init__()
        self.layer = layer.requires_grad_(requires_grad=False)
        self.scale = shape.scale
        down = torch.randn(shape.rank, layer.in_features, generator=generator) / math.sqrt(layer.in_features)
        device = layer.weight.device
        self.down = nn.Parameter(down.to(device))
        self.up = nn.Parameter(torch.zeros(layer.out_features, shape.rank, device=device))

    def merged(self) -> Tensor:
        """The weight with what was learned, [n_out, n_in], in the weight's own format."""
        return self.layer.weight + (self.up @ self.down * self.scale).to(self.layer.weight.dtype)

    def forward(self, inputs: Tensor) -> Tensor:
        """What the adapted layer makes of `inputs`."""
        return functional.linear(inputs, self.merged(), self.layer.bias)


def add_lora(decoder: nn.Module, shape: LoRAShape, *, seed: int) -> None:
    """Put low-rank matrices beside every linear layer of `decoder`. Raises ModelError when there is none."""
    generator = torch.Generator().manual_seed(seed)
    found = [(name, layer) for name, layer in decoder.named_modules() if isinstance(layer, nn.Linear)]
    if not found:
        raise ModelError(f"{type(decoder).__name__} has no linear layers that could be adapted.")
    for name, layer in found:
        decoder.set_submodule(name, LoRALinear(layer, shape, generator))


def save_lora(decoder: nn.Module, directory: Path, shape: LoRAShape, *, prefix: str, base_name: str) -> None:
    """Write the matrices, in bfloat16, as PEFT does for the whole model that `decoder` is the beginning of.

    Args:
        decoder: What `add_lora` adapted.
        directory: Where to; it is there.
        shape: Size of the matrices.
        prefix: Where the decoder stands in the whole model, `model.`.
        base_name: What that is called.
    """
    weights, blocks = {}, set()
    for name, layer in _adapted(decoder):
        for theirs, ours in _NAMES.items():
            matrix: Tensor = getattr(layer, ours)
            weights[f"{_PEFT_PREFIX}{prefix}{name}.{theirs}.weight"] = matrix.detach().to("cpu", torch.bfloat16)
        blocks |= {int(part) for part in name.split(".") if part.isdigit()}
    config = LoraConfig(
        task_type="CAUSAL_LM",
        base_model_name_or_path=base_name,
        inference_mode=True,
        r=shape.rank,
        lora_alpha=shape.alpha,
        use_rslora=shape.rslora,
        target_modules=sorted({name.rpartition(".")[2] for name, _ in _adapted(decoder)}),
        layers_to_transform=sorted(blocks),
    )
    config.save_pretrained(str(directory))
    save_file(weights, directory / SAFETENSORS_WEIGHTS_NAME, metadata={"format": "pt"})


def merge_lora(decoder: nn.Module, directory: Path, *, prefix: str) -> None:
    """Add the adapter in `directory`, which `save_lora` wrote, to the weights of `decoder`, for good.

    Raises:
        ModelError: It is missing, damaged, or made for other layers.
    """
    try:
        config = LoraConfig.from_pretrained(str(directory))
        shape = LoRAShape(int(config.r), int(config.lora_alpha), bool(config.use_rslora))
        weights = load_file(directory / SAFETENSORS_WEIGHTS_NAME)
        layers = {name: layer for name, layer in decoder.named_modules() if isinstance(layer, nn.Linear)}
        if set(weights) != {f"{_PEFT_PREFIX}{prefix}{name}.{kind}.weight" for name in layers for kind in _NAMES}:
            raise ModelError(f"the adapter {directory} is of other layers than {type(decoder).__name__} has here.")
        with torch.no_grad():
            for name, layer in layers.items():
                down, up = (weights[f"{_PEFT_PREFIX}{prefix}{name}.{kind}.weight"].float() for kind in _NAMES)
                layer.weight += (up @ down * shape.scale).to(layer.weight)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(f"the adapter {directory} cannot be read: {str(error).partition(chr(10))[0]}.") from error


def _adapted(decoder: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    return ((name, layer) for name, layer in decoder.named_modules() if isinstance(layer, LoRALinear))
