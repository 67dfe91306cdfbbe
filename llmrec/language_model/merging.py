"""An adapter added to its base for good: a model that other runtimes load as any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmrec.errors import ConfigError
from llmrec.language_model.adapter_files import ABOUT_FILE, read_adapter
from llmrec.language_model.adapters import Adapters
from llmrec.language_model.decision_files import copy_decision_files
from llmrec.language_model.loading import CausalLM, LoadedModel, check_adapter_files, no_progress_bars
from llmrec.whole_files import whole_or_absent


def merged_model(adapter: Path, load_base: Callable[[], LoadedModel], *, base_name: str) -> LoadedModel:
    """The base with `adapter` in its weights, and its tokenizer.

    Args:
        adapter: The directory.
        load_base: Gives the base; asked only for an adapter that fits its name.
        base_name: What the base is called.

    Raises:
        ConfigError: There is no such adapter, or it knows items instead of prompts.
        ModelError: It is damaged, made for another base, or changes nothing.
    """
    if read_adapter(adapter).knows_items:
        raise ConfigError(
            f"the adapter {adapter} knows the items of one catalogue, which no other runtime could read.",
            hint="Serve it with ranking.mode=item_tokens.",
        )
    check_adapter_files(adapter, base_name=base_name)
    model, tokenizer = load_base()
    name = adapter.resolve().name
    return Adapters(model, {name: adapter}, base_name=base_name).merged(name), tokenizer


def require_absent(out: Path) -> None:
    """Raise ConfigError when something is at `out` already."""
    if out.exists() or out.is_symlink():
        raise ConfigError(f"{out} exists already.", hint="Give --out a new name, or remove it.")


def save_merged(model: CausalLM, tokenizer: PreTrainedTokenizerBase, adapter: Path, out: Path) -> None:
    """Write the directory `out`: weights as safetensors, tokenizer, and what the adapter says of itself.

    Raises:
        ArtifactError: The disk is full or the like; nothing is left behind.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with no_progress_bars(), whole_or_absent(partial):
        cast(PreTrainedModel, model).save_pretrained(partial)
        tokenizer.save_pretrained(str(partial))
        copy_decision_files(adapter, partial)
        if (adapter / ABOUT_FILE).is_file():
            shutil.copyfile(adapter / ABOUT_FILE, partial / ABOUT_FILE)
        partial.replace(out)
