"""The stages of the conversation protocol: simple baselines, the encoder alone, and all voices together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmrec.conversation.precedents import context_text
from llmrec.conversation.situations import Situation
from llmrec.conversation.voices import Voice
from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Profile, Query, WishEntry

STAGES = ("popularity", "copy", "bm25", "encoder", "hybrid", "fused")


class Alone:
    """One voice as a stage of its own."""

    def __init__(self, voice: Voice) -> None:
        """Hear `voice` only."""
        self._voice = voice

    def scores(self, situations: Sequence[Situation], dialogues: Sequence[str]) -> ScoreTable:
        """The voice's own scores."""
        return self._voice.scores(situations)


class Copy:
    """What was spoken of last is recommended again: how much of a benchmark is mere repetition."""

    def __init__(self, n_items: int) -> None:
        """Rank `n_items` items."""
        self._n_items = n_items

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Higher the later an item was spoken of; 0 for all others."""
        scores: ScoreTable = np.zeros((len(situations), self._n_items), dtype=np.float32)
        for row, situation in enumerate(situations):
            for place, mention in enumerate(situation.mentions, start=1):
                scores[row, mention.item] = place
        return scores


class WordMatch:
    """BM25 of the items' own documents, asked with the last turns."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index `catalogue`."""
        self._retriever = BM25Retriever.fit(catalogue)

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """BM25; 0 where no word is shared."""
        asked = (Query(profile=Profile(wishes=(WishEntry(context_text(one), 0),))) for one in situations)
        return np.stack([self._retriever.scores(query) for query in asked])
