"""Weights from disk: safetensors only, and no code from the model's directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Cache,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging as transformers_logging

from llmrec.errors import ModelError

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


class Forward(Protocol):
    """What a forward pass returns, as far as it is used.

    Attributes:
        logits: Float [n_prompts, n_positions, n_vocabulary].
        past_key_values: What was read so far, to go on from; None when `use_cache` was off.
    """

    logits: torch.Tensor
    past_key_values: Cache | None


class Hidden(Protocol):
    """What a pass through the layers returns, as far as it is used.

    Attributes:
        last_hidden_state: Float [n_prompts, n_positions, n_dim].
        past_key_values: What was read so far, to go on from.
    """

    last_hidden_state: torch.Tensor
    past_key_values: Cache | None


class Decoder(Protocol):
    """A causal language model without its head."""

    def __call__(
        self,
        *,
        input_ids: torch.Tensor,
        use_cache: bool,
        past_key_values: Cache | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
    ) -> Hidden:
        """Hidden states of `input_ids`, which follow `past_key_values`; a mask of four dimensions is used as it is."""
        ...


class CausalLM(Protocol):
    """What is used of a causal language model of transformers, whose own types do not say it in one place."""

    config: PreTrainedConfig
    generation_config: GenerationConfig | None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        ...

    @property
    def base_model(self) -> Decoder:
        """Its layers, without the head."""
        ...

    def get_output_embeddings(self) -> torch.nn.Module:
        """Its head: hidden states to logits."""
        ...

    def __call__(
        self,
        *,
        input_ids: torch.Tensor,
        use_cache: bool,
        logits_to_keep: int = 0,
        past_key_values: Cache | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
    ) -> Forward:
        """Logits of the last `logits_to_keep` positions, of all for 0; `input_ids` follow `past_key_values`."""
        ...

    def generate(
        self,
        *,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        max_new_tokens: int,
        stopping_criteria: StoppingCriteriaList,
        streamer: BaseStreamer | None = None,
    ) -> torch.Tensor:
        """Prompts and continuations, int64 [n_prompts, length]."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Which model to load, and how.

    Attributes:
        name: A directory or a hub id.
        dtype: Number format; `auto` is the model's own.
        local_files_only: Whether the hub may not be asked.
        revision: The hub's commit, or None for its newest.
    """

    name: str
    device: torch.device
    dtype: torch.dtype | Literal["auto"]
    local_files_only: bool = True
    revision: str | None = None


LoadedModel = tuple[CausalLM, PreTrainedTokenizerBase]


def load_model(source: ModelSource) -> LoadedModel:
    """The causal language model and its tokenizer. Raises ModelError."""
    shared = {"local_files_only": source.local_files_only, "revision": source.revision, "trust_remote_code": False}
    try:
        with no_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(source.name, **shared)
            model = AutoModelForCausalLM.from_pretrained(
                source.name, dtype=source.dtype, use_safetensors=True, **shared
            )
        # The stubs mistake `to` for a decorated function without self.
        torch.nn.Module.to(model, source.device)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{source.name!r} does not fit on {source.device}.", hint="Use device cpu.") from error
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(
            f"the language model {source.name!r} cannot be loaded: {first_line(error)}.",
            hint="Give a directory with config.json, tokenizer.json and safetensors weights.",
        ) from error
    torch.nn.Module.train(model, mode=False)
    return cast(CausalLM, model), tokenizer


def check_adapter_files(directory: Path, *, base_name: str) -> None:
    """Raise ModelError when `directory` holds no adapter, one of another base than `base_name`, or no plain LoRA."""
    if not (directory / ADAPTER_WEIGHTS).is_file():
        raise ModelError(f"the adapter directory {directory} has no {ADAPTER_WEIGHTS}.")
    try:
        config = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        made_for = str(config.get("base_model_name_or_path") or "")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{directory / ADAPTER_CONFIG} cannot be read: {error}.") from error
    # Paths differ between machines and hub ids carry an owner; the last part is the model's own name.
    if made_for and Path(made_for).name.casefold() != Path(base_name).name.casefold():
        raise ModelError(
            f"the adapter {directory} was trained on {made_for!r}, not on {base_name!r}.",
            hint="Load it on the model it was trained on.",
        )
    kind, bias = config.get("peft_type", "LORA"), config.get("bias", "none")
    if (kind, bias) != ("LORA", "none"):
        raise ModelError(
            f"the adapter {directory} is of type {kind} with bias {bias!r}; it could not be taken off the base again.",
            hint="Train a LoRA without biases.",
        )


def end_ids(model: CausalLM, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that end a text. Raises ModelError when there are none."""
    own = model.generation_config.eos_token_id if model.generation_config else None
    listed = own if isinstance(own, list) else [own]
    ends = [int(end) for end in (*listed, tokenizer.eos_token_id) if end is not None]
    if not ends:
        raise ModelError("the model has no end-of-text token.", hint="Set eos_token_id in its generation_config.json.")
    return list(dict.fromkeys(ends))


def first_line(error: BaseException) -> str:
    """What a library said, without its traceback and last full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Keep transformers' bars off stderr within."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
