"""A model that says how likely texts are, in the place of one that says yes or no to candidates."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.interfaces import BulkContinuationScorer, ContinuationScorer
from llmrec.types import CandidateScores, Prompt


class LikelihoodScorer:
    """Implements CandidateScorer: a candidate is worth log P(its text | prompt)."""

    def __init__(self, model: ContinuationScorer) -> None:
        """Ask `model`."""
        self._model = model

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    @property
    def adapter(self) -> str:
        """The model's."""
        return self._model.adapter

    @property
    def max_prompt_tokens(self) -> int:
        """The model's."""
        return self._model.max_prompt_tokens

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int:
        """Tokens as they would be fed."""
        return self._model.count_continuations(prompt, candidates)

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """How likely each is to come next. Raises ModelError, ModelTimeout."""
        return self._model.score_continuations(prompt, candidates, timeout_s=timeout_s)


class BulkLikelihoodScorer(LikelihoodScorer):
    """Implements BulkCandidateScorer, for a model that reads several prompts in one pass."""

    def __init__(self, model: BulkContinuationScorer) -> None:
        """Ask `model`."""
        super().__init__(model)
        self._bulk = model

    def score_candidates_many(
        self, prompts: Sequence[Prompt], candidates: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """How likely each is to come next after its own prompt. Raises ModelError, ModelTimeout."""
        return self._bulk.score_continuations_many(prompts, candidates, timeout_s=timeout_s)
