"""Ranking by candidates judged apart: a score depends on the user and the item, on no other item and no order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, LLMRecError, ModelError, ModelTimeout
from llmrec.interfaces import BulkCandidateScorer, CandidateScorer
from llmrec.prompting.rank_prompt import CandidatePrompt, IsolatedPrompt
from llmrec.ranking.model_scores import by_model, objection
from llmrec.ranking.retrieval_order import retrieval_ranking
from llmrec.types import Candidate, CandidateScores, Query, Ranking, RankReport

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IsolatedLimits:
    """Bounds of one isolated call.

    Attributes:
        max_slate: How many candidates the model judges, from the best on.
        max_prompt_tokens: Most tokens, all candidates together, when the model would accept more.
        min_label_mass: Below this the model is not answering, and its order is not used.
        timeout_s: Seconds the model may take.
    """

    max_slate: int = 20
    max_prompt_tokens: int = 1024
    min_label_mass: float = 0.01
    timeout_s: float = 30.0


class IsolatedRanker:
    """Orders candidates by how much rather yes than no a language model says to each."""

    def __init__(
        self, scorer: CandidateScorer, prompt: IsolatedPrompt, catalogue: Catalogue, *, limits: IsolatedLimits
    ) -> None:
        """Keep the parts."""
        self._scorer = scorer
        self._prompt = prompt
        self._catalogue = catalogue
        self._limits = limits

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The slate by the log-odds of yes, then the candidates it had no room for, in their order.

        Each later candidate's score is one below the last. When the model fails, is late or does not answer with yes or
        no, the order and scores are the candidates' own and the report says why. So they are where the prompt has room
        for nothing that is known, as a wish in one that only lists items.
        """
        if not self._is_asked(query, candidates):
            return retrieval_ranking(candidates, RankReport())
        try:
            built = self._built(query, candidates)
            found = self._scorer.score_candidates(built.prompt, built.candidates, timeout_s=self._limits.timeout_s)
        except (ModelError, ConfigError) as error:
            return self._silent(candidates, error)
        return self._heard(candidates, built, found)

    @property
    def ranks_together(self) -> bool:
        """Whether the scorer reads several prompts in one pass."""
        return isinstance(self._scorer, BulkCandidateScorer)

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """What `rank` gives for each of `queries` with its own `candidates`.

        Where something fails together, each is asked by itself: the fault of one is not the others'.
        """
        scorer = self._scorer
        if not isinstance(scorer, BulkCandidateScorer):
            return self._one_by_one(queries, candidates)
        asked = [self._is_asked(query, own) for query, own in zip(queries, candidates, strict=True)]
        try:
            heard = iter(self._together(scorer, list(compress(queries, asked)), list(compress(candidates, asked))))
        except ModelTimeout as error:
            return [self._silent(own, error) for own in candidates]
        except (ModelError, ConfigError):
            return self._one_by_one(queries, candidates)
        return [
            self._heard(own, *next(heard)) if is_asked else retrieval_ranking(own, RankReport())
            for own, is_asked in zip(candidates, asked, strict=True)
        ]

    def _one_by_one(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        return [self.rank(query, own) for query, own in zip(queries, candidates, strict=True)]

    def _together(
        self, scorer: BulkCandidateScorer, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]
    ) -> Sequence[tuple[CandidatePrompt, CandidateScores]]:
        built = [self._built(query, own) for query, own in zip(queries, candidates, strict=True)]
        prompts, texts = [one.prompt for one in built], [one.candidates for one in built]
        found = scorer.score_candidates_many(prompts, texts, timeout_s=self._limits.timeout_s)
        return list(zip(built, found, strict=True))

    def _is_asked(self, query: Query, candidates: Sequence[Candidate]) -> bool:
        return bool(candidates) and self._prompt.shows(query, self._catalogue)

    def _silent(self, candidates: Sequence[Candidate], error: LLMRecError) -> Ranking:
        logger.warning("the language model did not rank", extra={"reason": type(error).__name__})
        return retrieval_ranking(candidates, self._report(degraded=str(error)))

    def _heard(self, candidates: Sequence[Candidate], built: CandidatePrompt, found: CandidateScores) -> Ranking:
        item_ids = [candidate.item_id for candidate in candidates[: self._limits.max_slate]]
        scores = [float(score) for score in found.scores]
        reason = objection(scores, found.label_mass, min_label_mass=self._limits.min_label_mass)
        report = self._report(found.label_mass, degraded=reason)
        report = replace(report, prompts=(built.prompt,), judged=built.candidates)
        if reason:
            return retrieval_ranking(candidates, report)
        return by_model(candidates, dict(zip(item_ids, scores, strict=True)), report)

    def _built(self, query: Query, candidates: Sequence[Candidate]) -> CandidatePrompt:
        return self._prompt.build(
            query,
            [candidate.item_id for candidate in candidates[: self._limits.max_slate]],
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
