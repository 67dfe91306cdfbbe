"""An encoder that knows a few topics, so that likeness in meaning can be worked out by hand."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from llmrec.types import Vectors

TOPICS = (
    ("laugh", "funny", "comedy", "witty", "cheerful"),
    ("ghosts", "scary", "horror", "nightmares", "creepy"),
    ("short", "quick", "brief", "hour"),
    ("weather", "hello", "neighbour", "lighthouse"),
)


class TopicEmbedder:
    """Unit vectors with one number for each topic that a text has a word of, and one for no topic."""

    name = "topics"
    dim = len(TOPICS) + 1

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        rows = np.array([[any(word in text for word in topic) for topic in TOPICS] for text in texts], dtype=np.float32)
        rows = np.hstack([rows, ~rows.any(axis=1, keepdims=True)]) if len(texts) else np.zeros((0, self.dim))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
