"""One language model in one number format, as every system of a run uses it; an adapter is part of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from llmrec.errors import ModelError
from llmrec.language_model.candidate_encoding import CandidateEncoding
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.item_token_files import has_item_tokens
from llmrec.language_model.loading import CausalLM, ModelSource, load_model
from llmrec.language_model.merging import merged_model, save_merged
from llmrec.language_model.transformers_lm import TransformersLM


@dataclass(frozen=True)
class Loaded:
    """A model that is ready.

    Attributes:
        model: As transformers has it.
        lm: The same as this package serves it.
        chat: From prompts to token ids.
        encoding: From prompts and candidates to what `lm` reads.
    """

    directory: Path
    name: str
    model: CausalLM
    tokenizer: PreTrainedTokenizerBase
    lm: TransformersLM
    chat: ChatEncoding
    encoding: CandidateEncoding

    @classmethod
    def of(cls, directory: Path, *, name: str, dtype: torch.dtype, device: torch.device) -> Loaded:
        """The model in `directory`. Raises ModelError."""
        model, tokenizer = load_model(ModelSource(str(directory), device, dtype))
        chat, lm = ChatEncoding(tokenizer, name=name), TransformersLM(model, tokenizer, name=name)
        return cls(directory, name, model, tokenizer, lm, chat, CandidateEncoding(chat, name=name))


def with_adapter(directory: Path, adapter: Path | None, scratch: Path) -> Path:
    """A directory with the model of `directory` whose weights contain the adapter; `directory` itself without one.

    All systems read these files, so that none is timed with an adapter beside the weights and another without.

    Args:
        directory: The base model.
        adapter: A PEFT adapter for prompts, trained on it or on its first layers, which are then all there is.
        scratch: A directory to write to.

    Raises:
        ModelError: The adapter is missing, of another base, or reads items instead of prompts.
    """
    if adapter is None:
        return directory
    if has_item_tokens(adapter):
        raise ModelError(f"the adapter {adapter} reads items, not prompts.", hint="Give one that ranks with prompts.")
    source = ModelSource(str(directory), torch.device("cpu"), torch.float32)
    model, tokenizer = merged_model(adapter, lambda: load_model(source), base_name=directory.name)
    place = scratch / directory.name
    save_merged(model, tokenizer, adapter, place)
    return place
