"""In which number format an adapted model computes while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from peft.helpers import disable_input_dtype_casting
from torch import nn


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


def compute_dtype(model: nn.Module) -> torch.dtype:
    """The number format of a base's weights."""
    floating = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    return torch.bfloat16 if torch.bfloat16 in floating else torch.float32
