"""A language model that says what it was told to: the whole path runs without weights, in tests and in demos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from string import ascii_uppercase
from threading import Lock

import numpy as np

from llmrec.errors import ModelError, ModelTimeout
from llmrec.types import CandidateScores, Completion, Label, LabelScores, Prompt

ScoreFunction = Callable[[Prompt, Sequence[Label]], Sequence[float]]
Judgement = Callable[[Prompt, str], float]


class ScriptedModel:
    """Implements LanguageModel, LabelScorer and CandidateScorer; a word counts as a token."""

    def __init__(
        self,
        completions: Sequence[str] = ("",),
        *,
        score: ScoreFunction | None = None,
        judge: Judgement | None = None,
        label_mass: float = 1.0,
        failure: ModelError | None = None,
        seconds: float = 0.0,
        max_prompt_tokens: int = 8192,
    ) -> None:
        """Keep the script.

        Args:
            completions: Texts it generates, in turn; after the last it begins anew.
            score: Its preference for each label (a logit, higher is better); without one all labels are equal.
            judge: Its preference for a candidate by itself (a logit, higher is better); without one all are equal.
            label_mass: Share of its belief that the labels get.
            failure: Raised at every call instead of an answer.
            seconds: How long it pretends to take; it never waits.
            max_prompt_tokens: Longest prompt it accepts.
        """
        self._completions = cycle(completions)
        self._score = score
        self._judge = judge
        self._label_mass = label_mass
        self._failure = failure
        self._seconds = seconds
        self._max_prompt_tokens = max_prompt_tokens
        self._lock = Lock()

    @property
    def name(self) -> str:
        """`scripted`."""
        return "scripted"

    @property
    def adapter(self) -> str:
        """Empty: it has none."""
        return ""

    @property
    def max_prompt_tokens(self) -> int:
        """Longest prompt it accepts, in words."""
        return self._max_prompt_tokens

    def generate(self, prompts: Sequence[Prompt], *, max_new_tokens: int, timeout_s: float) -> Sequence[Completion]:
        """The next scripted text for each prompt; nothing, marked `timeout`, when it pretends to be late."""
        return [self._complete(prompt, max_new_tokens, timeout_s) for prompt in prompts]

    def stream(self, prompt: Prompt, *, max_new_tokens: int, timeout_s: float) -> Iterator[str]:
        """The next scripted text, word by word."""
        words = self._complete(prompt, max_new_tokens, timeout_s).text.split(" ")
        for place, word in enumerate(words):
            yield word if place == 0 else f" {word}"

    def labels(self, n: int) -> Sequence[Label]:
        """`A` to `Z`, then `AA` to `ZZ`. Raises ModelError when `n` is more than that."""
        known = [*ascii_uppercase, *(a + b for a in ascii_uppercase for b in ascii_uppercase)]
        if n > len(known):
            raise ModelError(f"{self.name} has {len(known)} labels, not {n}.")
        return [Label(text) for text in known[:n]]

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int:
        """Words of the prompt and of the candidates, and one per message."""
        in_prompt = sum(len(message.content.split()) + 1 for message in prompt.messages)
        return in_prompt + sum(len(text.split()) for text in candidates)

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """The scripted preferences as log-probabilities that sum to the label mass. Raises ModelError, ModelTimeout."""
        self._check(prompt)
        self._check_time(timeout_s)
        logits = np.asarray(self._score(prompt, labels) if self._score else [0.0] * len(labels), dtype=np.float64)
        with np.errstate(invalid="ignore"):  # a script may say nan, and nan comes out
            total = float(np.logaddexp.reduce(logits))
        log_probs = (logits - total + math.log(self._label_mass)).astype(np.float32)
        return LabelScores(log_probs, self._label_mass, self.count_tokens(prompt))

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """The scripted preference for each candidate. Raises ModelError, ModelTimeout."""
        self._check(prompt, candidates)
        self._check_time(timeout_s)
        scores = [self._judge(prompt, text) if self._judge else 0.0 for text in candidates]
        n_tokens = self.count_tokens(prompt, candidates)
        return CandidateScores(np.asarray(scores, dtype=np.float32), self._label_mass, n_tokens)

    def _complete(self, prompt: Prompt, max_new_tokens: int, timeout_s: float) -> Completion:
        self._check(prompt)
        if self._seconds > timeout_s:
            return Completion("", "timeout")
        with self._lock:
            words = next(self._completions).split(" ")
        text = " ".join(words[:max_new_tokens])
        return Completion(text, "stop" if len(words) <= max_new_tokens else "length")

    def _check_time(self, timeout_s: float) -> None:
        if self._seconds > timeout_s:
            raise ModelTimeout(f"{self.name} took {self._seconds:g} s; {timeout_s:g} s were allowed.")

    def _check(self, prompt: Prompt, candidates: Sequence[str] = ()) -> None:
        if self._failure is not None:
            raise self._failure
        n_tokens = self.count_tokens(prompt, candidates)
        if n_tokens > self._max_prompt_tokens:
            raise ModelError(f"the prompt has {n_tokens} tokens; {self.name} reads {self._max_prompt_tokens}.")


class ScriptedChooser(ScriptedModel):
    """Implements TextChooser too: takes the first choice that begins as its next scripted text does."""

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """For each prompt a choice that begins with the scripted text, else the first. Raises ModelError."""
        return [self._chosen(prompt, texts, timeout_s) for prompt, texts in zip(prompts, choices, strict=True)]

    def _chosen(self, prompt: Prompt, texts: Sequence[str], timeout_s: float) -> Completion:
        wanted = self._complete(prompt, self.max_prompt_tokens, timeout_s)
        if wanted.finished == "timeout":
            return wanted
        if not texts:
            return Completion("", "length")
        return Completion(next((text for text in texts if text.startswith(wanted.text)), texts[0]), "stop")
