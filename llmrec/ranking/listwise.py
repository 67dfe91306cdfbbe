"""Ranking by labels: all candidates in one prompt, one forward pass, one log-probability per label."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, LLMRecError, ModelError, ModelTimeout
from llmrec.interfaces import BulkLabelScorer, LabelScorer
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.ranking.model_scores import by_model, objection, order_flip_rate
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.types import Candidate, ItemId, LabelScores, Prompt, Query, Ranking, RankReport, Slate

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListwiseLimits:
    """Bounds of one listwise call.

    Attributes:
        max_slate: How many candidates the model is shown, from the best on.
        max_prompt_tokens: Longest prompt, when the model would accept a longer one.
        min_label_mass: Below this the model is not answering, and its order is not used.
        timeout_s: Seconds the model may take.
        shown_in: `shuffled` shows the slate in an order drawn from the query, the same whenever the same is asked, so
            that a model's liking for early labels does not follow the retrievers; `retrieval` shows it as retrieved.
        n_orders: In how many orders the slate is shown; each costs a pass, the second tells how often pairs flip.
    """

    max_slate: int = 20
    max_prompt_tokens: int = 1024
    min_label_mass: float = 0.01
    timeout_s: float = 30.0
    shown_in: Literal["shuffled", "retrieval"] = "shuffled"
    n_orders: int = 1


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one order of the slate was answered with."""

    prompt: Prompt
    log_probs: Mapping[ItemId, float]
    label_mass: float

    @classmethod
    def of(cls, prompt: Prompt, slate: Slate, scores: LabelScores) -> _Answer:
        return cls(prompt, dict(zip(slate.item_ids, map(float, scores.log_probs), strict=True)), scores.label_mass)


class ListwiseRanker:
    """Orders candidates by how probable a language model finds their labels as its answer."""

    def __init__(
        self, scorer: LabelScorer, prompt: RankPrompt, catalogue: Catalogue, *, limits: ListwiseLimits
    ) -> None:
        """Keep the parts. Raises ModelError when `scorer` has fewer labels than `limits.max_slate`."""
        self._scorer = scorer
        self._prompt = prompt
        self._catalogue = catalogue
        self._limits = limits
        self._labels = tuple(scorer.labels(limits.max_slate))

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The slate by log-probability, then the candidates it had no room for, in their order.

        Scores of the slate are log-probabilities, their mean where it is shown in several orders; each later
        candidate's is one below the last. When the model fails, is late or does not answer with labels, the order and
        scores are the candidates' own and the report says why.
        """
        if not candidates:
            return retrieval_ranking(candidates, RankReport())
        try:
            heard = self._hear(query, candidates[: self._limits.max_slate])
        except (ModelError, ConfigError) as error:
            return self._silent(candidates, error)
        return self._heard(candidates, heard)

    @property
    def ranks_together(self) -> bool:
        """Whether the scorer reads several prompts in one pass."""
        return isinstance(self._scorer, BulkLabelScorer)

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """What `rank` gives for each of `queries` with its own `candidates`.

        Where something fails together, each is asked by itself: the fault of one is not the others'.
        """
        scorer = self._scorer
        if not isinstance(scorer, BulkLabelScorer):
            return self._one_by_one(queries, candidates)
        asked = [(query, own[: self._limits.max_slate]) for query, own in zip(queries, candidates, strict=True) if own]
        try:
            heard = iter(self._hear_together(scorer, asked))
        except ModelTimeout as error:
            return [self._silent(own, error) for own in candidates]
        except (ModelError, ConfigError):
            return self._one_by_one(queries, candidates)
        return [self._heard(own, next(heard)) if own else retrieval_ranking(own, RankReport()) for own in candidates]

    def _one_by_one(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        return [self.rank(query, own) for query, own in zip(queries, candidates, strict=True)]

    def _hear_together(
        self, scorer: BulkLabelScorer, asked: Sequence[tuple[Query, Sequence[Candidate]]]
    ) -> Sequence[list[_Answer]]:
        deadline = time.monotonic() + self._limits.timeout_s
        answers: list[list[_Answer]] = [[] for _ in asked]
        for number in range(self._limits.n_orders):
            slates = [self._slate(query, shown, number) for query, shown in asked]
            prompts = [self._build(query, slate) for (query, _), slate in zip(asked, slates, strict=True)]
            left_s = max(0.0, deadline - time.monotonic()) if number else self._limits.timeout_s
            found = scorer.score_labels_many(prompts, [slate.labels for slate in slates], timeout_s=left_s)
            for own, prompt, slate, scores in zip(answers, prompts, slates, found, strict=True):
                own.append(_Answer.of(prompt, slate, scores))
        return answers

    def _silent(self, candidates: Sequence[Candidate], error: LLMRecError) -> Ranking:
        logger.warning("the language model did not rank", extra={"reason": type(error).__name__})
        return retrieval_ranking(candidates, self._report(degraded=str(error)))

    def _heard(self, candidates: Sequence[Candidate], heard: Sequence[_Answer]) -> Ranking:
        label_mass = sum(answer.label_mass for answer in heard) / len(heard)
        values = [value for answer in heard for value in answer.log_probs.values()]
        reason = objection(values, label_mass, min_label_mass=self._limits.min_label_mass)
        report = replace(self._report(label_mass, degraded=reason), prompts=tuple(answer.prompt for answer in heard))
        if reason:
            return retrieval_ranking(candidates, report)
        if len(heard) > 1:
            report = replace(report, order_flip_rate=order_flip_rate(heard[0].log_probs, heard[1].log_probs))
        mean = {item_id: fmean(answer.log_probs[item_id] for answer in heard) for item_id in heard[0].log_probs}
        return by_model(candidates, mean, report)

    def _hear(self, query: Query, shown: Sequence[Candidate]) -> list[_Answer]:
        deadline = time.monotonic() + self._limits.timeout_s
        answers = []
        for number in range(self._limits.n_orders):
            slate = self._slate(query, shown, number)
            left_s = max(0.0, deadline - time.monotonic()) if number else self._limits.timeout_s
            prompt = self._build(query, slate)
            scores = self._scorer.score_labels(prompt, slate.labels, timeout_s=left_s)
            answers.append(_Answer.of(prompt, slate, scores))
        return answers

    def _slate(self, query: Query, shown: Sequence[Candidate], number: int) -> Slate:
        item_ids = [candidate.item_id for candidate in shown]
        if self._limits.shown_in == "shuffled" or number:
            seed = _fingerprint(query) + (str(number).encode() if number else b"")
            item_ids.sort(key=lambda item_id: hashlib.sha256(seed + item_id.encode("utf-8", "surrogatepass")).digest())
        return make_slate(item_ids, self._labels)

    def _build(self, query: Query, slate: Slate) -> Prompt:
        return self._prompt.build(
            query,
            slate,
            self._catalogue,
            count_tokens=self._scorer.count_tokens,
            max_tokens=min(self._limits.max_prompt_tokens, self._scorer.max_prompt_tokens),
        )

    def _report(self, label_mass: float = float("nan"), *, degraded: str) -> RankReport:
        return RankReport(
            model=self._scorer.name,
            adapter=self._scorer.adapter,
            prompt_hash=self._prompt.template.hash,
            label_mass=label_mass,
            degraded=degraded,
        )


def _fingerprint(query: Query) -> bytes:
    said = [query.text, *(turn.text for turn in query.turns), *query.positive_item_ids]
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).digest()
