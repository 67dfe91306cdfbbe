"""What an adapter's directory says of itself, read without loading a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from llmrec.errors import ConfigError, ModelError
from llmrec.language_model.decision_files import DECISION_FILE
from llmrec.language_model.item_token_files import has_item_tokens
from llmrec.language_model.loading import ADAPTER_CONFIG, ADAPTER_WEIGHTS, first_line

ABOUT_FILE = "ranker.json"


@dataclass(frozen=True, slots=True)
class AdapterAbout:
    """An adapter.

    Attributes:
        name: The directory's last part.
        base: The model it was trained on; empty when it does not say.
        mode: How it ranks, as `ranking.mode`; empty for one that was trained elsewhere.
        rank: Of its low-rank matrices.
        alpha: What their product counts, times the rank.
        modules: Names of the layers it changes.
        n_layers: In how many of the base's blocks.
        n_weights: Numbers that it holds.
        dtypes: Their formats.
        n_bytes: Of its weights on disk.
        knows_items: Whether it knows one catalogue's items instead of prompts.
        for_pipeline: Whether transformers' decision pipeline can run it.
        record: What training wrote of it, `ranker.json`; empty for one that was trained elsewhere.
    """

    name: str
    base: str
    mode: str
    rank: int
    alpha: float
    modules: tuple[str, ...]
    n_layers: int
    n_weights: int
    dtypes: tuple[str, ...]
    n_bytes: int
    knows_items: bool
    for_pipeline: bool
    record: Mapping[str, Any]  # JSON values


def read_adapter(directory: Path) -> AdapterAbout:
    """What is in `directory`.

    Raises:
        ConfigError: There is no such directory.
        ModelError: It holds no adapter, or a damaged one.
    """
    if not directory.is_dir():
        raise ConfigError(
            f"there is no adapter directory {directory}.", hint="Train one with finetune/train_ranker.py."
        )
    weights = directory / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise ModelError(f"the adapter directory {directory} has no {ADAPTER_WEIGHTS}.")
    config = _json(directory / ADAPTER_CONFIG)
    record = _json(directory / ABOUT_FILE) if (directory / ABOUT_FILE).is_file() else {}
    names, n_weights, dtypes = _matrices(weights)
    return AdapterAbout(
        name=directory.resolve().name,
        base=str(config.get("base_model_name_or_path") or ""),
        mode=str(record.get("mode", "")),
        rank=int(config.get("r", 0)),
        alpha=float(config.get("lora_alpha", 0)),
        modules=tuple(sorted({_layer(name) for name in names})),
        n_layers=len({number for name in names for number in name.split(".") if number.isdigit()}),
        n_weights=n_weights,
        dtypes=dtypes,
        n_bytes=weights.stat().st_size,
        knows_items=has_item_tokens(directory),
        for_pipeline=(directory / DECISION_FILE).is_file(),
        record=record,
    )


def trained_depth(directory: Path) -> int:
    """How many of its base's first layers the adapter was trained to be read after; 0 for all.

    Raises:
        ModelError: What it says of itself is damaged.
    """
    about = directory / ABOUT_FILE
    depth = _json(about).get("n_layers", 0) if about.is_file() else 0
    if not isinstance(depth, int) or depth < 0:
        raise ModelError(f"{about} says n_layers is {depth!r}; it must be a count of layers.")
    return depth


def _json(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} is not a JSON object.")
    return values


def _matrices(path: Path) -> tuple[list[str], int, tuple[str, ...]]:
    """Names, how many numbers, and formats, from the file's header."""
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            n_weights = sum(math.prod(matrix.get_shape()) for matrix in slices.values())
            return list(slices), n_weights, tuple(sorted({str(matrix.get_dtype()) for matrix in slices.values()}))
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"the weights of the adapter {path.parent} are damaged: {first_line(error)}.",
            hint="Copy or train it again.",
        ) from error


def _layer(name: str) -> str:
    """`q_proj` of `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`."""
    before, _, _ = name.partition(".lora_")
    return before.rpartition(".")[2]
