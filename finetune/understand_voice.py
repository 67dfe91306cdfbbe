"""The second voice: a language model with its adapter, held to the language of meanings; implements VagueReader."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from finetune.held_writing import HeldWriting
from finetune.understand_card import RECORD
from finetune.understand_language import grammar, read
from finetune.understand_prompt import understand_prompt
from llmrec.assets import AssetStore
from llmrec.dialogue.vocabulary import Meaning, Vocabulary
from llmrec.errors import ModelError
from llmrec.language_model.adapters import Adapters
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.models import load_plain_model
from llmrec.prompting.templates import PromptLibrary

MAX_TOKENS = 16
_MAX_ENTRIES = 3
_NAME = "understand"


class AdaptedModel:
    """A base with the adapter of a directory, loaded once for all catalogues."""

    def __init__(self, directory: Path, store: AssetStore, *, dtype: str) -> None:
        """Load the base that `directory` names. Raises ModelError, AssetError."""
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        self.template = PromptLibrary.load()["understand"]
        if record["template_hash"] != self.template.hash:
            raise ModelError(
                f"{directory} was trained with another {self.template.name}.jinja.", hint="Train it again."
            )
        self.model, tokenizer = load_plain_model(record["base"], store, dtype=dtype)
        adapters = Adapters(self.model, {_NAME: directory}, base_name=record["base"])
        adapters.use(_NAME)
        self.chat = ChatEncoding(tokenizer, name=record["base"])
        self.writing = HeldWriting(tokenizer, n_vocabulary=int(self.model.config.vocab_size))


class AdapterReader:
    """Reads words over one vocabulary."""

    name: Literal["model"] = "model"

    def __init__(self, adapted: AdaptedModel, vocabulary: Vocabulary, *, timeout_s: float = 60.0) -> None:
        """Ask `adapted` what words mean in `vocabulary`; what takes longer than `timeout_s` means nothing."""
        self._adapted = adapted
        self._vocabulary = vocabulary
        self._grammar = grammar(vocabulary, most=_MAX_ENTRIES)
        self._timeout_s = timeout_s
        self.seconds: list[float] = []

    def read(self, words: str) -> Sequence[Meaning]:
        """What `words` mean, in at most 16 tokens."""
        began = time.monotonic()
        ids = self._adapted.chat.ids(understand_prompt(self._adapted.template, self._vocabulary, words))
        with torch.inference_mode():
            completion = self._adapted.writing.write(
                self._adapted.model, ids, self._grammar, max_new_tokens=MAX_TOKENS, deadline=began + self._timeout_s
            )
        self.seconds.append(time.monotonic() - began)
        return read(completion.text, self._vocabulary)
