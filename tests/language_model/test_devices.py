"""Which number format a device gets; what a CPU can do is said for it here."""

import pytest
import torch

from llmrec.errors import ModelError
from llmrec.language_model.devices import choose_dtype, has_fast_bfloat16

CPU, CUDA, MPS = map(torch.device, ("cpu", "cuda", "mps"))


@pytest.mark.parametrize(("capability", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_fast_on_a_cpu_is_bfloat16_only_where_it_has_amx(
    monkeypatch: pytest.MonkeyPatch, capability: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": capability, "avx512_f": True})
    assert choose_dtype("fast", CPU) == expected
    assert choose_dtype("auto", CPU) == choose_dtype(None, CPU) == torch.float32


def test_a_cpu_that_says_nothing_is_not_taken_for_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not has_fast_bfloat16(CPU)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_fast_bfloat16(CPU)


def test_a_gpu_gets_bfloat16_and_an_apple_chip_float32() -> None:
    assert choose_dtype("auto", CUDA) == choose_dtype("fast", CUDA) == torch.bfloat16
    assert choose_dtype("auto", MPS) == choose_dtype("fast", MPS) == torch.float32


def test_a_named_format_is_taken_and_an_unknown_one_named() -> None:
    assert choose_dtype("float16", CPU) == torch.float16
    with pytest.raises(ModelError, match=r"no dtype is called 'int3'\. Use auto, fast, float32"):
        choose_dtype("int3", CPU)
