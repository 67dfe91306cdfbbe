"""LoRA adapters on one loaded model: each provably does something, and one at a time, or none, is in use."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from peft import LoraModel, PeftModel
from safetensors import SafetensorError
from torch import nn

from llmrec.errors import ModelError
from llmrec.language_model.adapter_files import trained_depth
from llmrec.language_model.depth import up_to_layer
from llmrec.language_model.item_token_files import has_item_tokens
from llmrec.language_model.loading import CausalLM, check_adapter_files, first_line


class Adapters:
    """Adapters by name. Not for several threads at once: who uses one must have the model to himself."""

    def __init__(self, model: CausalLM, directories: Mapping[str, Path], *, base_name: str) -> None:
        """Put every adapter of `directories` into the layers of `model`, then use none.

        Args:
            model: The base; its layers are replaced in place, its weights are not changed.
            directories: By name; none leaves the model alone.
            base_name: What the base is called.

        Raises:
            ModelError: One is missing, damaged, made for another base, knows items instead of prompts, or changes
                nothing.
        """
        self._model = model
        self._base_name = base_name
        self._wrapped: PeftModel | None = None
        self._used = ""
        self._depths = {name: trained_depth(directory) for name, directory in directories.items()}
        # PEFT filters weights by substrings of its names, and takes none with a dot: ours stay out of it.
        self._inner = {name: f"n{number:03d}" for number, name in enumerate(directories)}
        before = _sample_logits(model) if directories else None
        for name, directory in directories.items():
            self._add(name, directory)
            self.use(name)
            if before is not None and torch.equal(before, _sample_logits(model)):
                raise ModelError(
                    f"the adapter {directory} changes nothing in {base_name}.", hint="Train it, or leave it out."
                )
        self.use("")

    @property
    def names(self) -> tuple[str, ...]:
        """Those that can be used."""
        return tuple(self._inner)

    def use(self, name: str) -> None:
        """Let the model answer with the adapter `name` from now on, without any for an empty name."""
        if self._wrapped is None or name == self._used:
            return
        if name:
            cast(LoraModel, self._wrapped.base_model).enable_adapter_layers()
            self._wrapped.set_adapter(self._inner[name], inference_mode=True)
        else:
            cast(LoraModel, self._wrapped.base_model).disable_adapter_layers()
        self._used = name

    def read_with(self, name: str) -> CausalLM:
        """The model as the adapter `name` was trained to be read: whole, or up to one of its layers."""
        return self._up_to_depth(self._model, name)

    def merged(self, name: str) -> CausalLM:
        """The model with the adapter `name` added to its weights for good; nothing else can be used after that."""
        if self._wrapped is None:
            raise ModelError(f"{self._base_name} was loaded without adapters.")
        self.use(name)
        whole = cast(CausalLM, self._wrapped.merge_and_unload(adapter_names=[self._inner[name]]))
        return self._up_to_depth(whole, name)

    def _up_to_depth(self, model: CausalLM, name: str) -> CausalLM:
        depth = self._depths.get(name, 0)
        return up_to_layer(model, depth, name=self._base_name) if depth else model

    def _add(self, name: str, directory: Path) -> None:
        check_adapter_files(directory, base_name=self._base_name)
        if has_item_tokens(directory):
            raise ModelError(
                f"the adapter {directory} knows one catalogue's items, not prompts.",
                hint="Use ranking.mode=item_tokens.",
            )
        inner, device = self._inner[name], str(self._model.device)
        with _in_our_words(directory, self._base_name):
            if self._wrapped is None:
                base = cast(nn.Module, self._model)
                self._wrapped = PeftModel.from_pretrained(base, str(directory), inner, torch_device=device)
                return
            found = self._wrapped.load_adapter(str(directory), inner, torch_device=device)
            if found.missing_keys:
                raise ValueError(f"Found missing adapter keys while loading the checkpoint: {found.missing_keys}.")


def with_in_use(others: Mapping[str, Path], in_use: Path | None) -> Mapping[str, Path]:
    """`others` and the adapter that is in use, under its own name. Raises ModelError when two would have one name."""
    if in_use is None:
        return others
    if in_use.name in others:
        raise ModelError(f"two adapters are called {in_use.name!r}.", hint="Give one of them another name.")
    return {**others, in_use.name: in_use}


@contextmanager
def _in_our_words(directory: Path, base_name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Weights that are missing from the file are a warning there, and an untrained adapter here.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            # peft asks transformers by an old name; nothing a user of either could change.
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
            yield
    except SafetensorError as error:
        raise ModelError(
            f"the weights of the adapter {directory} are damaged: {first_line(error)}.", hint="Copy or train it again."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, Warning) as error:
        raise ModelError(f"the adapter {directory} does not fit {base_name}: {first_line(error)}.") from error


def _sample_logits(model: CausalLM) -> torch.Tensor:
    ids = torch.arange(1, 9, device=model.device).unsqueeze(0) % model.config.vocab_size
    with torch.inference_mode():
        return model(input_ids=ids, use_cache=False).logits
