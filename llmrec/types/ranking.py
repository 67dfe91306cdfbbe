"""Candidates, prompts, and the order a model and the retrievers agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

from llmrec.types.items import ItemId

Label = NewType("Label", str)
Role = Literal["system", "user", "assistant"]
RankedBy = Literal["lm+retrieval", "retrieval"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item some retriever found.

    Attributes:
        score: Higher is better; comparable only among candidates of the same `source`.
        source: Name of the retriever, or `fusion`.
        ranks: Rank from 1 at each retriever that found it.
        parts: What each retriever adds to `score`, where it is a sum; empty when it is one retriever's own.
    """

    item_id: ItemId
    score: float
    source: str
    ranks: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slate:
    """The items one prompt shows, each under a label; the model can name nothing else."""

    labels: tuple[Label, ...]
    item_ids: tuple[ItemId, ...]

    def item_id(self, label: Label) -> ItemId:
        """The item behind `label`. Raises KeyError for a label that is not on the slate."""
        return dict(zip(self.labels, self.item_ids, strict=True))[label]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages ready for a chat model, and the hash of the template they were made from."""

    messages: tuple[ChatMessage, ...]
    template_hash: str


@dataclass(frozen=True, slots=True)
class LabelScores:
    """What a model thinks of each label as its next token.

    Attributes:
        log_probs: float32 [n_labels], natural logarithm of the probability over the whole vocabulary.
        label_mass: Sum of the labels' probabilities, in [0, 1]; low means the model is not answering.
        n_prompt_tokens: Length of the prompt.
    """

    log_probs: NDArray[np.float32]
    label_mass: float
    n_prompt_tokens: int


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """What a model thinks of each candidate by itself.

    Attributes:
        scores: float32 [n_candidates], logit of yes less logit of no; higher is better.
        label_mass: Mean probability of yes and no together, in [0, 1]; low means the model is not answering.
        n_prompt_tokens: Length of the shared prompt and all candidates.
    """

    scores: NDArray[np.float32]
    label_mass: float
    n_prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Generated text and why it ended."""

    text: str
    finished: Literal["stop", "length", "timeout"]


@dataclass(frozen=True, slots=True)
class RankReport:
    """How a ranking came about.

    Attributes:
        model: Name of the language model, or empty when none was asked.
        adapter: Name of the LoRA adapter in use, or empty.
        prompt_hash: Hash of the template, or empty.
        label_mass: See LabelScores; nan when no model answered.
        degraded: Why the model's voice is missing, in one sentence; empty when it is there.
        lm_scores: The model's own score by item; empty when no model answered.
        order_flip_rate: Share of the slate's pairs that the model ordered otherwise when it was shown them in another
            order, in [0, 1]; nan when it was not asked twice.
        voices: What each voice adds to an item's score, by item; a score that was capped is below their sum. Items
            that no voice was weighed for are missing.
        weights: What the voices, or the inputs of a learned fusion, were multiplied by; empty where nothing was.
        prompts: What the model was asked, once for each order of the slate; empty where it read no text.
        judged: The texts it judged, each by itself after the prompt; empty where all stand in the prompt.
    """

    model: str = ""
    adapter: str = ""
    prompt_hash: str = ""
    label_mass: float = float("nan")
    degraded: str = ""
    lm_scores: Mapping[ItemId, float] = field(default_factory=dict)
    order_flip_rate: float = float("nan")
    voices: Mapping[ItemId, Mapping[str, float]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    prompts: tuple[Prompt, ...] = ()
    judged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items best first with their final scores (higher is better)."""

    item_ids: tuple[ItemId, ...]
    scores: tuple[float, ...]
    ranked_by: RankedBy
    report: RankReport = field(default_factory=RankReport)

    def keep(self, item_ids: tuple[ItemId, ...]) -> Ranking:
        """The same ranking with only `item_ids`, in the order they are given."""
        score_of = dict(zip(self.item_ids, self.scores, strict=True))
        return replace(self, item_ids=item_ids, scores=tuple(score_of[i] for i in item_ids))


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """Where a retriever's score of one item comes from: `score` = sum of `items` + sum of `words` + `rest`.

    Attributes:
        score: As the retriever gives it; higher is better.
        items: Share of each of the user's items; only those that have one.
        words: Share of each word of the wish or of the user's items, or of the whole wish where words cannot be told
            apart.
        rest: What neither an item nor a word of the user's accounts for.
    """

    score: float
    items: Mapping[ItemId, float] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    rest: float = 0.0
