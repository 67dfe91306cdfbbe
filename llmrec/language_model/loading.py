"""Weights from disk: safetensors only, no code from the model's directory, adapters that provably do something."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import torch
from peft import PeftModel
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

_ADAPTER_WEIGHTS = "adapter_model.safetensors"
_ADAPTER_CONFIG = "adapter_config.json"


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
        local_files_only: Whether the hub may not be asked.
        revision: The hub's commit, or None for its newest.
    """

    name: str
    device: torch.device
    dtype: torch.dtype
    local_files_only: bool = True
    revision: str | None = None


def load_model(source: ModelSource) -> tuple[CausalLM, PreTrainedTokenizerBase]:
    """The causal language model and its tokenizer. Raises ModelError."""
    shared = {"local_files_only": source.local_files_only, "revision": source.revision, "trust_remote_code": False}
    try:
        with _no_progress_bars():
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
            f"the language model {source.name!r} cannot be loaded: {_first_line(error)}.",
            hint="Give a directory with config.json, tokenizer.json and safetensors weights.",
        ) from error
    torch.nn.Module.train(model, mode=False)
    return cast(CausalLM, model), tokenizer


def load_adapter(model: CausalLM, directory: Path, *, base_name: str) -> CausalLM:
    """`model` with the adapter of `directory` built into its layers.

    Raises:
        ModelError: The adapter is missing, damaged, made for another base than `base_name`, or changes nothing.
    """
    check_adapter_files(directory, base_name=base_name)
    before = _sample_logits(model)
    try:
        with warnings.catch_warnings():
            # Weights that are missing from the file are a warning there, and an untrained adapter here.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            # peft asks transformers by an old name; nothing a user of either could change.
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
            peft_model = PeftModel.from_pretrained(cast(torch.nn.Module, model), str(directory))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, Warning) as error:
        raise ModelError(f"the adapter {directory} does not fit {base_name}: {_first_line(error)}.") from error
    adapted = cast(CausalLM, peft_model.get_base_model())
    if torch.equal(before, _sample_logits(adapted)):
        raise ModelError(f"the adapter {directory} changes nothing in {base_name}.", hint="Train it, or leave it out.")
    return adapted


def check_adapter_files(directory: Path, *, base_name: str) -> None:
    """Raise ModelError when `directory` holds no adapter, or one of another base than `base_name`."""
    if not (directory / _ADAPTER_WEIGHTS).is_file():
        raise ModelError(f"the adapter directory {directory} has no {_ADAPTER_WEIGHTS}.")
    try:
        config = json.loads((directory / _ADAPTER_CONFIG).read_text(encoding="utf-8"))
        made_for = str(config.get("base_model_name_or_path") or "")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{directory / _ADAPTER_CONFIG} cannot be read: {error}.") from error
    # Paths differ between machines and hub ids carry an owner; the last part is the model's own name.
    if made_for and Path(made_for).name.casefold() != Path(base_name).name.casefold():
        raise ModelError(
            f"the adapter {directory} was trained on {made_for!r}, not on {base_name!r}.",
            hint="Load it on the model it was trained on.",
        )


def _sample_logits(model: CausalLM) -> torch.Tensor:
    ids = torch.arange(1, 9, device=model.device).unsqueeze(0) % model.config.vocab_size
    with torch.inference_mode():
        return model(input_ids=ids, use_cache=False).logits


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
