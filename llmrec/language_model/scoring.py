"""What a causal language model thinks of labels, candidates and texts: one request, or several in one pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

import torch
from transformers import PreTrainedTokenizerBase

from llmrec.errors import ModelError, ModelTimeout
from llmrec.language_model.adapters import Adapters
from llmrec.language_model.bounds import check_deadline, foreign_errors
from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.candidate_reader import CandidateReader
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.continuation_reader import ContinuationReader, continuation_ids
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.padding import left_padded
from llmrec.language_model.prefix_cache import PrefixCache
from llmrec.types import CandidateScores, Label, LabelScores, Prompt

T = TypeVar("T")
_DEFAULT_CONTEXT = 2048


class ScoringLM:
    """Implements all scorers and their bulk kinds. Threads may share one and take turns.

    A pass cannot be interrupted: ModelTimeout is raised when the turn does not come, or when a pass has taken longer
    than `timeout_s`. What is asked together shares one pass, and its time; each answer is what it would be alone.
    """

    def __init__(
        self, model: CausalLM, tokenizer: PreTrainedTokenizerBase, *, name: str, adapters: Adapters, pad_id: int
    ) -> None:
        """Score with a loaded model. Raises ModelError when it has no chat template.

        Args:
            model: The base.
            tokenizer: Its own.
            name: For traces.
            adapters: Those that were put into it.
            pad_id: The token that fills up shorter prompts.
        """
        self._model = model
        self._name = name
        self._adapter = ""
        self._adapters = adapters
        self._pad_id = pad_id
        self._chat = ChatEncoding(tokenizer, name=name)
        self._candidates = CandidateEncoding(self._chat, name=name)
        self._read_with(model)
        self._turn = Lock()

    @property
    def name(self) -> str:
        """Name for traces."""
        return self._name

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        return self._adapter

    @property
    def max_prompt_tokens(self) -> int:
        """The model's context."""
        return int(getattr(self._model.config, "max_position_embeddings", None) or _DEFAULT_CONTEXT)

    def labels(self, n: int) -> Sequence[Label]:
        """`A` to `Z`, then letter pairs, all single tokens where the answer begins. Raises ModelError."""
        return self._chat.labels(n)

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int:
        """Tokens of `prompt` and of `candidates` after it, as they are fed."""
        return self._candidates.ids(prompt, candidates).n_tokens

    def count_continuations(self, prompt: Prompt, texts: Sequence[str]) -> int:
        """Tokens of `prompt` and of `texts` after it, as they are fed."""
        return continuation_ids(self._chat, prompt, texts).n_tokens

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """Log-probability of each label as the next token, from one forward pass."""
        return self.score_labels_many([prompt], [labels], timeout_s=timeout_s)[0]

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        """What `score_labels` gives for each of `prompts` with its own `labels`, from one forward pass."""
        if not prompts:
            return []
        deadline = time.monotonic() + timeout_s
        rows = [self._checked(self._chat.ids(prompt)) for prompt in prompts]
        label_ids = [self._chat.label_ids(each) for each in labels]
        longest = max(map(len, rows))
        what = f"{len(rows)} prompts of up to {longest} tokens" if len(rows) > 1 else f"a prompt of {longest} tokens"
        with self._my_turn(deadline), foreign_errors(what=what), torch.inference_mode():
            found = [
                (logits[ids] - torch.logsumexp(logits, dim=-1)).cpu()
                for logits, ids in zip(self._last_logits(rows), label_ids, strict=True)
            ]
        self._check(found, deadline)
        return [
            LabelScores(log_probs.numpy(), min(1.0, float(log_probs.exp().sum())), len(row))
            for log_probs, row in zip(found, rows, strict=True)
        ]

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """How much rather yes than no follows each candidate; see CandidateScorer.

        The prompt is read once, not again when its beginning was read for an earlier call; the candidates are read in
        one pass.
        """
        return self.score_candidates_many([prompt], [candidates], timeout_s=timeout_s)[0]

    def score_candidates_many(
        self, prompts: Sequence[Prompt], candidates: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """What `score_candidates` gives for each of `prompts` with its own `candidates`."""
        deadline = time.monotonic() + timeout_s
        batch = [self._candidates.ids(prompt, texts) for prompt, texts in zip(prompts, candidates, strict=True)]
        found = self._read(batch, self._reader.read_many, deadline, what="candidates")
        scores, mass = [each.cpu() for each, _ in found], [float(own.mean()) for _, own in found]
        self._check(scores, deadline)
        return [
            CandidateScores(each.numpy(), label_mass, ids.n_tokens)
            for each, label_mass, ids in zip(scores, mass, batch, strict=True)
        ]

    def score_continuations(self, prompt: Prompt, texts: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """How likely each text comes next; see ContinuationScorer."""
        return self.score_continuations_many([prompt], [texts], timeout_s=timeout_s)[0]

    def score_continuations_many(
        self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """What `score_continuations` gives for each of `prompts` with its own `texts`."""
        deadline = time.monotonic() + timeout_s
        batch = [continuation_ids(self._chat, prompt, own) for prompt, own in zip(prompts, texts, strict=True)]
        found = self._read(batch, self._continuations.read_many, deadline, what="texts")
        scores = [each.cpu() for each in found]
        self._check(scores, deadline)
        return [CandidateScores(each.numpy(), 1.0, ids.n_tokens) for each, ids in zip(scores, batch, strict=True)]

    def _read(
        self, batch: Sequence[CandidateIds], read: Callable[..., list[T]], deadline: float, *, what: str
    ) -> list[T]:
        for ids in batch:
            self._check_length(ids.n_tokens)
        n_texts, n_tokens = sum(len(ids.candidates) for ids in batch), sum(ids.n_tokens for ids in batch)
        described = f"{n_texts} {what} of {n_tokens} tokens with their prompt{'s' if len(batch) > 1 else ''}"
        with self._my_turn(deadline), foreign_errors(what=described), torch.inference_mode():
            return read(batch, adapter=self._adapter, deadline=deadline)

    def _last_logits(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """What comes after each of `rows`, float32 [n_rows, n_vocabulary]."""
        padded = left_padded(rows, pad_id=self._pad_id, device=self._model.device)
        mask = padded["attention_mask"]
        # One row alone needs no mask, and is quicker without.
        is_padded = len(set(map(len, rows))) > 1
        output = self._ranks_with(
            input_ids=padded["input_ids"],
            attention_mask=mask if is_padded else None,
            position_ids=(mask.cumsum(dim=-1) - 1).clamp(min=0) if is_padded else None,
            use_cache=False,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    def _read_with(self, model: CausalLM) -> None:
        """Score with `model`, which may be the beginning of the one that writes."""
        self._ranks_with = model
        self._reader = CandidateReader(model, self._candidates, name=self._name, kept=PrefixCache())
        self._continuations = ContinuationReader(model, self._reader.tokens)

    def _checked(self, ids: list[int]) -> list[int]:
        self._check_length(len(ids))
        return ids

    def _check_length(self, n_tokens: int) -> None:
        if n_tokens > self.max_prompt_tokens:
            raise ModelError(f"the prompt has {n_tokens} tokens; {self._name} reads {self.max_prompt_tokens}.")

    def _check(self, scores: Sequence[torch.Tensor], deadline: float) -> None:
        """Raise ModelError for scores that are none, ModelTimeout when they come too late."""
        if not all(bool(torch.isfinite(each).all()) for each in scores):
            raise ModelError(f"{self._name} returned scores that are not numbers.", hint="Try dtype float32.")
        check_deadline(deadline, self._name)

    @contextmanager
    def _my_turn(self, deadline: float) -> Iterator[None]:
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ModelTimeout(f"{self._name} was busy for the whole time allowed.")
        try:
            self._adapters.use(self._adapter)
            yield
        finally:
            self._turn.release()
