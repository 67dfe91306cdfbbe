"""A causal language model through transformers: scores of labels and of candidates, and greedy text."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from llmrec.errors import ModelError
from llmrec.language_model.adapters import Adapters, with_in_use
from llmrec.language_model.bounds import Stop, foreign_errors
from llmrec.language_model.choosing import choose_row
from llmrec.language_model.devices import choose_device, choose_dtype
from llmrec.language_model.item_token_files import has_item_tokens, load_item_tokens
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.language_model.loading import CausalLM, ModelSource, end_ids, load_model
from llmrec.language_model.padding import Batch, left_padded
from llmrec.language_model.scoring import ScoringLM
from llmrec.language_model.streaming import streamed
from llmrec.types import Completion, Item, ItemId, Prompt


class TransformersLM(ScoringLM):
    """Implements LanguageModel, TextChooser, all scorers and ItemReader. Threads may share one and take turns."""

    def __init__(
        self,
        model: CausalLM,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str,
        adapters: Adapters | None = None,
        item_tokens: Path | None = None,
    ) -> None:
        """Take over a loaded model and make it greedy. Raises ModelError when it has no chat template.

        Args:
            model: The base; it answers without adapter.
            tokenizer: Its own.
            name: For traces.
            adapters: Those that were put into it.
            item_tokens: Directory of an adapter that knows items; texts are read and written without it.
        """
        self._end_ids = end_ids(model, tokenizer)
        pad_id = self._end_ids[0] if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
        adapters = adapters or Adapters(model, {}, base_name=name)
        super().__init__(model, tokenizer, name=name, adapters=adapters, pad_id=pad_id)
        self._tokenizer = tokenizer
        self._item_tokens = item_tokens
        # The model's own defaults may ask for sampling; ours are complete, so nothing is merged and nothing warns.
        model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False, num_beams=1, eos_token_id=self._end_ids, pad_token_id=pad_id
        )

    @classmethod
    def from_pretrained(
        cls,
        path_or_id: str | Path,
        *,
        device: str | None = None,
        dtype: str | None = None,
        adapter: Path | None = None,
        more_adapters: Mapping[str, Path] = MappingProxyType({}),
        local_files_only: bool = True,
        revision: str | None = None,
        name: str | None = None,
    ) -> TransformersLM:
        """A model from a directory or, when `local_files_only` is off, from the hub.

        Args:
            path_or_id: Directory with safetensors weights, or a hub id. No code in it is run.
            device: `cpu`, `cuda`, `cuda:1`, `mps`; None or `auto` takes the best there is.
            dtype: `float32`, `bfloat16`, `float16`, `fast`; None or `auto` is bfloat16 on CUDA, else float32.
            adapter: Directory of a PEFT adapter trained on this very model; its last part is its name. It is in use.
            more_adapters: Others by name, for `with_adapter`.
            local_files_only: Whether the hub may not be asked.
            revision: The hub's commit.
            name: Name for traces and for the adapter's base; the path's last part when None.

        Raises:
            ModelError: Something is missing, damaged or does not fit.
        """
        chosen = choose_device(device)
        # A directory has all there is; the libraries would still ask the hub about its name.
        is_local = local_files_only or Path(path_or_id).is_dir()
        source = ModelSource(str(path_or_id), chosen, choose_dtype(dtype, chosen), is_local, revision)
        model, tokenizer = load_model(source)
        shown_name = name or Path(path_or_id).name
        item_tokens = adapter if adapter is not None and has_item_tokens(adapter) else None
        in_use = adapter if item_tokens is None else None
        if item_tokens is not None and more_adapters:
            raise ModelError(f"the adapter {adapter} knows items and cannot share {shown_name} with others.")
        adapters = Adapters(model, with_in_use(more_adapters, in_use), base_name=shown_name)
        whole = cls(model, tokenizer, name=shown_name, adapters=adapters, item_tokens=item_tokens)
        return whole.with_adapter(in_use.name if in_use else "")

    def with_adapter(self, name: str) -> TransformersLM:
        """The same model, nothing of it loaded again, answering with the adapter `name`; without any for "".

        Both may be used by several threads: each call switches for itself. Raises ModelError for an unknown name.
        """
        if name and name not in self._adapters.names:
            known = ", ".join(self._adapters.names) or "none"
            raise ModelError(f"{self._name} was loaded without an adapter called {name!r}; it has {known}.")
        view = copy.copy(self)
        view._adapter = name
        if (model := self._adapters.read_with(name)) is not self._ranks_with:
            view._read_with(model)
        return view

    @property
    def reads_items(self) -> bool:
        """Whether it was loaded with an adapter that knows items."""
        return self._item_tokens is not None

    def catalogue_scorer(self, items: Mapping[ItemId, Item]) -> ItemTokenScorer:
        """What scores `items` from histories, with a copy of its first layers. Raises ModelError, ArtifactError."""
        if self._item_tokens is None:
            raise ModelError(f"{self._name} was loaded without an adapter that knows items.")
        return load_item_tokens(self._model, self._tokenizer, self._item_tokens, items, base_name=self._name)

    def generate(self, prompts: Sequence[Prompt], *, max_new_tokens: int, timeout_s: float) -> Sequence[Completion]:
        """One greedy completion per prompt, all in one batch.

        At `timeout_s` what is there is returned, marked `timeout`; when not even the turn came, ModelTimeout is raised.
        """
        if not prompts:
            return []
        deadline = time.monotonic() + timeout_s
        rows = [self._checked(self._chat.ids(prompt)) for prompt in prompts]
        longest = max(map(len, rows))
        stop = Stop(deadline)
        what = f"a batch of {len(rows)} prompts of up to {longest} tokens"
        with self._my_turn(deadline), foreign_errors(what=what):
            output = self._model.generate(
                **self._padded(rows), max_new_tokens=max_new_tokens, stopping_criteria=StoppingCriteriaList([stop])
            )
        return [self._completion(row, late=stop.late) for row in output[:, longest:].tolist()]

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """For each prompt one of its `choices`, written token by token; see TextChooser. Raises ModelError."""
        deadline = time.monotonic() + timeout_s
        rows = [self._checked(self._chat.ids(prompt)) for prompt in prompts]
        what = f"{len(rows)} prompts of up to {max(map(len, rows), default=0)} tokens"
        with self._my_turn(deadline), foreign_errors(what=what), torch.inference_mode():
            return [self._chosen(ids, texts, deadline) for ids, texts in zip(rows, choices, strict=True)]

    def stream(self, prompt: Prompt, *, max_new_tokens: int, timeout_s: float) -> Iterator[str]:
        """The greedy completion in pieces; it ends early at `timeout_s`. Closing the iterator stops the model."""
        deadline = time.monotonic() + timeout_s
        ids = self._checked(self._chat.ids(prompt))

        def write(streamer: BaseStreamer, criteria: StoppingCriteriaList) -> None:
            with self._my_turn(deadline), foreign_errors(what=f"a prompt of {len(ids)} tokens"):
                self._model.generate(
                    **self._padded([ids]),
                    max_new_tokens=max_new_tokens,
                    stopping_criteria=criteria,
                    streamer=streamer,
                )

        yield from streamed(write, self._tokenizer, Stop(deadline))

    def _chosen(self, ids: Sequence[int], texts: Sequence[str], deadline: float) -> Completion:
        if not texts:
            return Completion("", "length")
        continuations = [[*own, self._end_ids[0]] for own in self._chat.text_ids(texts)]
        chosen = choose_row(self._model, ids, continuations, deadline=deadline)
        return Completion("", "timeout") if chosen is None else Completion(texts[chosen], "stop")

    def _padded(self, rows: Sequence[Sequence[int]]) -> Batch:
        return left_padded(rows, pad_id=self._pad_id, device=self._model.device)

    def _completion(self, ids: list[int], *, late: bool) -> Completion:
        ends = [place for place, token_id in enumerate(ids) if token_id in self._end_ids]
        text = str(self._tokenizer.decode(ids[: ends[0]] if ends else ids, skip_special_tokens=True)).strip()
        return Completion(text, "stop" if ends else "timeout" if late else "length")
