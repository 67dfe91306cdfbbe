"""The same recommender as a visitor set it: in one language, or in the retrievers' order without the language model."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, runtime_checkable

from llmrec.assistant import Assistant
from llmrec.interfaces import DialogueTracker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.recommender import Recommender
from llmrec.ui.contract import Chat, ChatRecommender, Variants


@runtime_checkable
class _Polyglot(Protocol):
    def speaking(self, language: str) -> DialogueTracker: ...


class RecommenderVariants:
    """Shares everything that was learned; only the stages that a visitor changed are others. Implements Variants."""

    def __init__(self, recommender: Recommender) -> None:
        """Vary `recommender`, whose models are loaded by whoever asks first."""
        self._recommender = recommender

    def of(self, language: str | None, *, with_model: bool) -> Chat:
        """See Variants. Raises AssetError, ModelError where the models cannot be loaded."""
        if language is None and with_model:
            return self._recommender
        stages = self._recommender.assistant.stages
        if not with_model:
            stages = replace(stages, ranker=RetrievalOrderRanker(), phraser=None)
        if language is not None and isinstance(stages.tracker, _Polyglot):
            stages = replace(stages, tracker=stages.tracker.speaking(language))
        return self._recommender.answered_by(Assistant(stages))


def variants_of(recommender: ChatRecommender) -> Variants | None:
    """The variants of a recommender; None where it cannot be taken apart."""
    return RecommenderVariants(recommender) if isinstance(recommender, Recommender) else None
