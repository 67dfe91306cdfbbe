"""The same recommender in the retrievers' order, for a visitor who does not want to wait for the language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llmrec.assistant import Assistant
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.recommender import Recommender
from llmrec.types import Event, Profile, Turn
from llmrec.ui.contract import Chat, ChatRecommender


class WithoutModel:
    """Shares everything that was learned; only ranking and phrasing are left out. Implements Chat."""

    def __init__(self, recommender: Recommender) -> None:
        """Wrap `recommender`, whose models are loaded by whoever asks first."""
        self._recommender = recommender

    def chat_stream(self, turns: Sequence[Turn], profile: Profile, *, k: int) -> Iterator[Event]:
        """The reply to the last of `turns` in pieces, as the recommender gives it without its model."""
        stages = replace(self._recommender.assistant.stages, ranker=RetrievalOrderRanker(), phraser=None)
        return self._recommender.answered_by(Assistant(stages)).chat_stream(turns, profile, k=k)


def without_model(recommender: ChatRecommender) -> Chat | None:
    """The chat without its model; None where the recommender cannot be taken apart."""
    return WithoutModel(recommender) if isinstance(recommender, Recommender) else None
