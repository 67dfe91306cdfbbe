"""The seams of models: texts, beliefs in labels and candidates, scores of items, vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmrec.types import (
    CandidateScores,
    Completion,
    Histories,
    Item,
    ItemId,
    Label,
    LabelScores,
    Prompt,
    Vectors,
)


class LanguageModel(Protocol):
    """Generates text."""

    @property
    def name(self) -> str:
        """Name for traces, e.g. `smollm2-135m-instruct`."""
        ...

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        ...

    def generate(self, prompts: Sequence[Prompt], *, max_new_tokens: int, timeout_s: float) -> Sequence[Completion]:
        """One greedy completion per prompt. Raises ModelError; at `timeout_s` returns what is there, marked."""
        ...

    def stream(self, prompt: Prompt, *, max_new_tokens: int, timeout_s: float) -> Iterator[str]:
        """The completion of `prompt` in pieces. Closing the iterator stops the model."""
        ...


@runtime_checkable
class TextChooser(Protocol):
    """Writes one of several given texts: a model whose next tokens can be read and held to what is allowed."""

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """For each prompt that one of its `choices` which greedy decoding arrives at, and never another text.

        One that had no choices, or whose time ran out, gets an empty text, marked `length` or `timeout`. Raises
        ModelError, ModelTimeout.
        """
        ...


class LabelScorer(Protocol):
    """Reads a model's belief over labels at the answer position, in one forward pass."""

    @property
    def name(self) -> str:
        """Name of the model for traces."""
        ...

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        ...

    @property
    def max_prompt_tokens(self) -> int:
        """Longest prompt it accepts."""
        ...

    def labels(self, n: int) -> Sequence[Label]:
        """`n` distinct labels it reads as one token each. Raises ModelError when it has fewer."""
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of `prompt` as it would be fed, chat markup included."""
        ...

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """Log-probability of each label as the next token. Raises ModelError, ModelTimeout."""
        ...


@runtime_checkable
class BulkLabelScorer(LabelScorer, Protocol):
    """A LabelScorer that reads several prompts in one pass."""

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        """For each of `prompts`, with its own `labels`, what `score_labels` gives it. Raises ModelError for any."""
        ...


class JudgesApart(Protocol):
    """Whoever reads several texts after one prompt, each by itself."""

    @property
    def name(self) -> str:
        """Name of the model for traces."""
        ...

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        ...

    @property
    def max_prompt_tokens(self) -> int:
        """Most tokens it accepts, all texts together."""
        ...


@runtime_checkable
class CandidateScorer(JudgesApart, Protocol):
    """Judges each candidate by itself: what one says moves no other's score, and neither does their order."""

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int:
        """Tokens of `prompt` and of all `candidates` as they would be fed, chat markup included."""
        ...

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """How much rather yes than no the model would say where each candidate, put after `prompt`, ends.

        Raises ModelError, ModelTimeout.
        """
        ...


@runtime_checkable
class BulkCandidateScorer(CandidateScorer, Protocol):
    """A CandidateScorer that reads several prompts, each with candidates of its own, in one pass."""

    def score_candidates_many(
        self, prompts: Sequence[Prompt], candidates: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """For each of `prompts`, with its own `candidates`, what `score_candidates` gives it. Raises as that does."""
        ...


@runtime_checkable
class ContinuationScorer(JudgesApart, Protocol):
    """Says how likely each of some texts is to come next, each by itself, as CandidateScorer judges."""

    def count_continuations(self, prompt: Prompt, texts: Sequence[str]) -> int:
        """Tokens of `prompt` and of all `texts` as they would be fed, chat markup included."""
        ...

    def score_continuations(self, prompt: Prompt, texts: Sequence[str], *, timeout_s: float) -> CandidateScores:
        """How likely each text is, log P(text | prompt); label mass 1, for whatever comes next is an answer.

        Raises ModelError, ModelTimeout.
        """
        ...


@runtime_checkable
class BulkContinuationScorer(ContinuationScorer, Protocol):
    """A ContinuationScorer that reads several prompts, each with texts of its own, in one pass."""

    def score_continuations_many(
        self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """For each of `prompts`, with its own `texts`, what `score_continuations` gives it. Raises as that does."""
        ...


class CatalogueScorer(Protocol):
    """Scores every item of one catalogue by what users met, with a language model that reads items as words."""

    @property
    def name(self) -> str:
        """Name of the model for traces."""
        ...

    @property
    def adapter(self) -> str:
        """Name of the adapter in use, or empty."""
        ...

    def score_histories(self, histories: Histories) -> NDArray[np.float32]:
        """float32 [n_users, n_items] in catalogue order, higher is better; 0 without a history. Raises ModelError."""
        ...


@runtime_checkable
class ItemReader(Protocol):
    """A model whose adapter may have learned the items of a catalogue as words of their own."""

    @property
    def reads_items(self) -> bool:
        """Whether its adapter has; then it is no adapter for prompts."""
        ...

    def catalogue_scorer(self, items: Mapping[ItemId, Item]) -> CatalogueScorer:
        """What scores `items`, in their order. Raises ModelError, ArtifactError when its adapter is of others."""
        ...


class ChatModel(LanguageModel, LabelScorer, Protocol):
    """A language model that writes text and scores labels."""


@runtime_checkable
class AdapterHost(Protocol):
    """A model that can answer with another adapter than the one in use, or without any."""

    def with_adapter(self, name: str) -> ChatModel:
        """The same model with the adapter `name`, without any for "". Raises ModelError."""
        ...


class Embedder(Protocol):
    """Turns text into vectors."""

    @property
    def name(self) -> str:
        """Name of the encoder; vectors of different names are never compared."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        """float32 [len(texts), dim], rows of unit length; same text, same vector."""
        ...
