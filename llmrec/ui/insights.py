"""The Insights page: pictures of the user's taste, of the recommender and of its catalogue, as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llmrec.interfaces import FeedbackStore
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation
from llmrec.ui.markup import Html, element


class InsightsPage:
    """Draws the page for one recommender."""

    def __init__(self, recommender: ChatRecommender, feedback: FeedbackStore | None, evaluation: Path | None) -> None:
        """Draw from what the recommender has learned, the reactions and the last evaluation."""
        self._recommender = recommender

    def grow(self, conversation: Conversation) -> Iterator[Html]:
        """The page, with one section more each time."""
        yield element("p", Html("Drawing"), class_="nothing")
