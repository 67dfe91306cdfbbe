"""Where a model runs, in which number format, and what this machine offers."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from llmrec.errors import ModelError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(device: str | None) -> torch.device:
    """The device called `device`; for None and `auto` CUDA, else MPS, else the CPU. Raises ModelError."""
    if device in (None, "auto"):
        return torch.device(_best())
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"no device is called {device!r}.", hint="Use auto, cpu, cuda, cuda:N or mps.") from error
    n_cuda = torch.cuda.device_count()
    if chosen.type == "cuda" and (chosen.index or 0) >= n_cuda:
        raise ModelError(f"the device {device!r} is not here; PyTorch sees {n_cuda} CUDA devices.", hint="Use auto.")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError("the device 'mps' is not here.", hint="Use auto.")
    return chosen


def choose_dtype(dtype: str | None, device: torch.device) -> torch.dtype:
    """The number format called `dtype`.

    None and `auto` mean bfloat16 on CUDA, else float32, so that what a CPU computes is exact to the fifth digit; `fast`
    means bfloat16 wherever it is quicker, also on a CPU. Raises ModelError.
    """
    if dtype in (None, "auto"):
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if dtype == "fast":
        return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    if dtype not in _DTYPES:
        raise ModelError(f"no dtype is called {dtype!r}.", hint=f"Use auto, fast, {', '.join(_DTYPES)}.")
    return _DTYPES[dtype]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies bfloat16 matrices quicker than float32: CUDA, and CPUs with AMX."""
    if device.type != "cpu":
        return device.type == "cuda"
    # PyTorch before 2.13 does not say what the CPU can do.
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))


def device_report() -> dict[str, object]:
    """The device that `auto` chooses, the CUDA devices, how many threads a model uses, and what `fast` would mean."""
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "device": _best(),
        "cuda_devices": names,
        "torch_threads": torch.get_num_threads(),
        "fast_bfloat16": has_fast_bfloat16(torch.device(_best())),
    }


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
