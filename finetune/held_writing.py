"""Greedy text that a grammar allows: every next token is taken from those that can still lead to such a text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from transformers import Cache, PreTrainedTokenizerBase, TokenizersBackend

from llmrec.errors import ModelError
from llmrec.language_model.loading import CausalLM
from llmrec.types import Completion

_N_GRAMMARS = 16


class HeldWriting:
    """One tokenizer's grammars; texts are written with any model that reads its tokens. Not for several threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, n_vocabulary: int) -> None:
        """Write tokens of `tokenizer` for a model with logits of `n_vocabulary` tokens.

        Raises:
            ModelError: The tokenizer is of a kind that llguidance does not read.
        """
        if not isinstance(tokenizer, TokenizersBackend):
            raise ModelError("a grammar can only hold a model whose tokenizer is one of the tokenizers library.")
        self._tokens = from_tokenizer(tokenizer, n_vocab=n_vocabulary)
        self._tokenizer = tokenizer
        self._matcher = lru_cache(maxsize=_N_GRAMMARS)(self._compiled)

    def write(
        self, model: CausalLM, prompt_ids: Sequence[int], grammar: str, *, max_new_tokens: int, deadline: float
    ) -> Completion:
        """What greedy decoding arrives at after `prompt_ids` when it may write nothing but texts of `grammar`.

        Tokens that the grammar leaves no choice about are not asked for.

        Args:
            model: Continues the prompt.
            prompt_ids: Token ids up to where the answer begins.
            grammar: In Lark's notation, as llguidance reads it.
            max_new_tokens: An unfinished text of so many is given up: it would be no text of the grammar.
            deadline: Monotonic time after which no pass is begun.

        Returns:
            A text of `grammar`, or an empty one marked `length` or `timeout`.

        Raises:
            ModelError: `grammar` cannot be read.
        """
        matcher = self._matcher(grammar).deep_copy()
        written: list[int] = []
        unread, cache = list(prompt_ids), None
        while len(written) < max_new_tokens:
            forced = list(matcher.compute_ff_tokens())
            if not forced:
                if time.monotonic() > deadline:
                    return Completion("", "timeout")
                logits, cache = _read(model, unread, cache)
                forced, unread = [self._best(matcher, logits)], []
            matcher.consume_tokens(forced)
            written += forced
            unread += forced
            if matcher.is_stopped() and len(written) <= max_new_tokens:
                return Completion(str(self._tokenizer.decode(written, skip_special_tokens=True)), "stop")
        return Completion("", "length")

    def _best(self, matcher: LLMatcher, logits: torch.Tensor) -> int:
        bits = allocate_token_bitmask(1, len(logits))
        fill_next_token_bitmask(matcher, bits)
        allowed = np.unpackbits(bits.view(np.uint8), bitorder="little")[: len(logits)].astype(np.bool_)
        return int(logits.masked_fill(torch.from_numpy(~allowed).to(logits.device), -torch.inf).argmax())

    def _compiled(self, grammar: str) -> LLMatcher:
        matcher = LLMatcher(self._tokens, LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            raise ModelError(f"the grammar cannot be read: {matcher.get_error()}.")
        return matcher


def _read(model: CausalLM, ids: Sequence[int], cache: Cache | None) -> tuple[torch.Tensor, Cache | None]:
    """Logits of the next token after all that was read, float32 [n_vocabulary], and what to go on from."""
    inputs = torch.tensor([list(ids)], device=model.device)
    output = model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return output.logits[0, -1].float(), output.past_key_values
