"""Ranking by labels: all candidates in one prompt, one forward pass, one log-probability per label."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, ModelError
from llmrec.interfaces import LabelScorer
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.types import Candidate, LabelScores, Prompt, Query, Ranking, RankReport, Slate

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
    """

    max_slate: int = 20
    max_prompt_tokens: int = 1024
    min_label_mass: float = 0.01
    timeout_s: float = 30.0
    shown_in: Literal["shuffled", "retrieval"] = "shuffled"


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

        Scores of the slate are log-probabilities; each later candidate's is one below the last. When the model fails,
        is late or does not answer with labels, the order and scores are the candidates' own and the report says why.
        """
        if not candidates:
            return retrieval_ranking(candidates, RankReport())
        try:
            slate = self._slate(query, candidates[: self._limits.max_slate])
            prompt = self._build(query, slate)
            scores = self._scorer.score_labels(prompt, slate.labels, timeout_s=self._limits.timeout_s)
        except (ModelError, ConfigError) as error:
            logger.warning("the language model did not rank", extra={"reason": type(error).__name__})
            return retrieval_ranking(candidates, self._report(degraded=str(error)))
        report = self._report(scores.label_mass, degraded=self._objection(scores))
        if report.degraded:
            return retrieval_ranking(candidates, report)
        return _by_label(candidates, slate, scores, report)

    def _slate(self, query: Query, shown: Sequence[Candidate]) -> Slate:
        item_ids = [candidate.item_id for candidate in shown]
        if self._limits.shown_in == "shuffled":
            seed = _fingerprint(query)
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

    def _objection(self, scores: LabelScores) -> str:
        if not all(math.isfinite(value) for value in (*scores.log_probs, scores.label_mass)):
            return "the language model returned scores that are not numbers."
        if scores.label_mass < self._limits.min_label_mass:
            return (
                f"the language model put {scores.label_mass:.4f} of its belief on the labels, "
                f"under {self._limits.min_label_mass}: it is not answering with one."
            )
        return ""

    def _report(self, label_mass: float = float("nan"), *, degraded: str) -> RankReport:
        return RankReport(
            model=self._scorer.name,
            adapter=self._scorer.adapter,
            prompt_hash=self._prompt.template.hash,
            label_mass=label_mass,
            degraded=degraded,
        )


def _by_label(candidates: Sequence[Candidate], slate: Slate, scores: LabelScores, report: RankReport) -> Ranking:
    log_probs = dict(zip(slate.item_ids, map(float, scores.log_probs), strict=True))
    # The retrievers' order decides between equals: sorting is stable.
    shown = sorted((c.item_id for c in candidates if c.item_id in log_probs), key=lambda item_id: -log_probs[item_id])
    unseen = [c.item_id for c in candidates if c.item_id not in log_probs]
    lowest = min(log_probs.values())
    values = [log_probs[item_id] for item_id in shown] + [lowest - n for n in range(1, len(unseen) + 1)]
    return Ranking((*shown, *unseen), tuple(values), "lm+retrieval", replace(report, lm_scores=log_probs))


def _fingerprint(query: Query) -> bytes:
    said = [query.text, *(turn.text for turn in query.turns), *query.positive_item_ids]
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).digest()
