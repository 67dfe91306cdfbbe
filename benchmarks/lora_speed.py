"""Tokens a second while an adapter learns, beside those of the same model's forward pass alone.

Run: `python -m benchmarks.lora_speed [MODEL_DIR] [--json]`. Both take turns on the same rows of drawn tokens; a step is
forward, backward and the optimiser's, with a loss at one token of each row, as ranking has it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from benchmarks.provenance import commit, machine, median_ci95
from finetune.ranker_arithmetic import compute_dtype, computing_in, products_in_weights
from finetune.ranker_config import RankerTraining
from finetune.ranker_model import adapted, load_base
from llmrec.assets import AssetStore
from llmrec.errors import LLMRecError
from llmrec.language_model.devices import choose_device
from llmrec.language_model.gguf import prepared_model

_MODEL = "smollm2-135m-instruct"
_WANTED = 0.45


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(asked.threads)
    try:
        found = measure(asked)
    except LLMRecError as error:
        raise SystemExit(f"error: {error}") from error
    print(json.dumps(found) if asked.json else "\n".join(f"{key}: {value}" for key, value in found.items()))


def measure(asked: argparse.Namespace) -> Mapping[str, Any]:
    """Tokens a second of both, and their ratio with its 95 % interval over repeats. Raises LLMRecError."""
    config = RankerTraining(mode="isolated", objectives={"isolated": 1.0}, dtype=asked.dtype, rank=16, seed=0)
    device = choose_device(asked.device)
    directory = asked.model or prepared_model(AssetStore.from_environment(), _MODEL)
    model = adapted(load_base(directory, config, device, name=directory.name), config)
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad])
    rows = _drawn(asked).to(device)
    reads_once = device.type == "cpu"  # as training has it there
    forward: list[float] = []
    learning: list[float] = []
    for turn in range(asked.repeats + 1):
        reading = _seconds(lambda: _forward(model, rows))
        learning_s = _seconds(lambda: _step(model, rows, optimizer, reads_once=reads_once))
        if turn:  # the first one warms up
            forward.append(rows.numel() / reading)
            learning.append(rows.numel() / learning_s)
    ratio = [a / b for a, b in zip(learning, forward, strict=True)]
    return {
        "machine": machine(),
        "model": directory.name,
        "device": str(device),
        "dtype": str(compute_dtype(model)),
        "threads": torch.get_num_threads(),
        "rows": list(rows.shape),
        "forward_tokens_per_s": median_ci95(forward),
        "learning_tokens_per_s": median_ci95(learning),
        "ratio": median_ci95(ratio),
        "wanted": _WANTED,
        "commit": commit(),
    }


def _drawn(asked: argparse.Namespace) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(5, asked.n_tokens, (asked.rows, asked.length), generator=generator)


def _forward(model: PeftModel, rows: Tensor) -> None:
    with model.disable_adapter(), torch.inference_mode():
        _loss(model, rows)


def _step(model: PeftModel, rows: Tensor, optimizer: torch.optim.Optimizer, *, reads_once: bool) -> None:
    optimizer.zero_grad(set_to_none=True)
    with products_in_weights(model) if reads_once else nullcontext():
        with computing_in(compute_dtype(model), model, rows.device):
            loss = _loss(model, rows)
        torch.autograd.backward(loss)
    optimizer.step()


def _loss(model: nn.Module, rows: Tensor) -> Tensor:
    """How unlikely each row's last token is."""
    logits = model(input_ids=rows[:, :-1], use_cache=False, logits_to_keep=1).logits[:, -1]
    return nn.functional.cross_entropy(logits.float(), rows[:, -1])


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a directory with safetensors weights; the demo's model")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument("--dtype", choices=["auto", "fast", "float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--n-tokens", type=int, default=5000, help="of the vocabulary that rows are drawn from")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    main()
