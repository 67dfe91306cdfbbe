"""The seams: one page of protocols between the stages. Implementations are named in build.py and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmrec.types import (
    Allowed,
    Candidate,
    CandidateScores,
    Completion,
    Contributions,
    Explanation,
    Feedback,
    Histories,
    Item,
    ItemId,
    ItemMask,
    Label,
    LabelScores,
    Profile,
    Prompt,
    Query,
    QuestionEntry,
    Ranking,
    Recommendation,
    Turn,
    Understanding,
    UserId,
    Vectors,
    WhyNot,
)


class DialogueTracker(Protocol):
    """Reads a turn and updates what is believed of the user."""

    def update(self, profile: Profile, turn: Turn, *, index: int) -> Understanding:
        """Profile after the user's `turn`, message number `index` (from 0) of the chat; `profile` is unchanged."""
        ...


class ItemFilter(Protocol):
    """Hard constraints as code: what may be shown at all."""

    def allowed(self, query: Query) -> Allowed:
        """Items that satisfy every constraint and are neither seen, shown, disliked nor unavailable."""
        ...

    def select(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> tuple[ItemId, ...]:
        """The first `k` of `ranking` that pass every check again, at most two of one series unless it was asked for."""
        ...


class Retriever(Protocol):
    """Finds candidates in the catalogue."""

    @property
    def name(self) -> str:
        """Its name in settings, traces and reports."""
        ...

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates among `allowed`, best first; none when it has nothing to say about this query."""
        ...


@runtime_checkable
class BulkRetriever(Retriever, Protocol):
    """A retriever that answers many queries sooner together than one by one."""

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask]
    ) -> Sequence[Sequence[Candidate]]:
        """For each of `queries`, with its own of `allowed`, what `retrieve` gives it."""
        ...


class CandidateFusion(Protocol):
    """Makes one candidate list out of several retrievers' lists."""

    def fuse(self, lists: Sequence[Sequence[Candidate]], k: int) -> Sequence[Candidate]:
        """The best `k` over all lists, best first, each with its rank at every retriever that found it."""
        ...


class Ranker(Protocol):
    """Orders candidates."""

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """All candidates, best first. A model that fails degrades the ranking and is reported, never raised."""
        ...


class ContributionMeter(Protocol):
    """Measures what speaks for an item, by ranking again without it."""

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        """What each of `sources`, items the user met or likes, and the user's wish do for each item of `ranking`.

        In the order of `ranking`, which is all or a part of what the pipeline ranked for `query`. None for an item that
        it does not find for `query`.
        """
        ...


class Explainer(Protocol):
    """Says why an item is shown, from facts that can be checked."""

    def explain(self, query: Query, ranking: Ranking) -> Sequence[Explanation]:
        """One explanation per item of `ranking`, in its order."""
        ...


class Justifier(Protocol):
    """Says why an item is not shown, from what the pipeline did with it."""

    def why_not(self, query: Query, item_id: ItemId, *, k: int) -> WhyNot:
        """Why `item_id`, an item of the catalogue, is not among the `k` shown for `query`, or that it is.

        What the last reply showed counts as not shown yet: the question is about that reply.
        """
        ...


class Phraser(Protocol):
    """Says an explanation in livelier words, without saying more."""

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        """The explanations, some rephrased; one whose new words its evidence does not cover stays as it was."""
        ...


class Asker(Protocol):
    """Decides whether a question would help more than it bothers."""

    def ask(self, query: Query, candidates: Sequence[ItemId], *, k: int, turn: int) -> QuestionEntry | None:
        """The question to ask at `turn` beside `k` cards, to tell the other `candidates` apart; None for none.

        Never one that the profile of `query` says was asked before.
        """
        ...


class Responder(Protocol):
    """Words of the reply."""

    def respond(
        self, query: Query, understanding: Understanding, allowed: Allowed, shown: Sequence[Recommendation]
    ) -> str:
        """A short text to stand above the cards; names no title that is not on a card."""
        ...


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


class VectorStore(Protocol):
    """Vectors by item, searched exactly or nearly."""

    def add(self, item_ids: Sequence[ItemId], vectors: Vectors) -> None:
        """Store one vector per item; an item that is already there is replaced."""
        ...

    def search(self, vector: Vectors, k: int, *, where: ItemMask | None = None) -> Sequence[tuple[ItemId, float]]:
        """At most `k` (item, cosine) with `where` true, best first. `vector` is float32 [dim]."""
        ...


class ItemSimilarity(Protocol):
    """How alike two items are in content."""

    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        """Cosine of `item_id` with each of `others`, in [-1, 1]; nan where either has no vector."""
        ...


class FeedbackStore(Protocol):
    """Keeps what users said about items."""

    def record(self, feedback: Feedback) -> None:
        """Durable when it returns. Raises FeedbackError, and then nothing was stored."""
        ...

    def for_user(self, user_id: UserId) -> Sequence[Feedback]:
        """All feedback of one user, oldest first."""
        ...

    def export(self, user_id: UserId) -> str:
        """All that is stored of one user, as JSON Lines."""
        ...

    def delete(self, user_id: UserId) -> int:
        """Remove all of one user; returns how many rows went."""
        ...
