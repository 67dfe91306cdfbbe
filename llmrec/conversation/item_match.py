"""Voices of text: items whose own words are near to what was said, or to the items spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from llmrec.conversation.facts import MAX_KINDS
from llmrec.conversation.precedents import context_text
from llmrec.conversation.situations import Situation
from llmrec.conversation.text_vectors import TextVectors
from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Item, Vectors


class ItemMatch:
    """Cosine of the encoded situation with each item's document."""

    def __init__(self, texts: TextVectors, items: Vectors) -> None:
        """Compare with `items`, float32 [n_items, dim], unit rows; use `fit` to make one."""
        self._texts = texts
        self.items = items

    @classmethod
    def fit(cls, catalogue: Catalogue, texts: TextVectors) -> Self:
        """Encode the documents of `catalogue`."""
        kinds = [
            field.name for field in catalogue.fields.values() if field.kind == "list" and len(field.values) <= MAX_KINDS
        ]
        return cls(texts, texts.of([_document(item, kinds) for item in catalogue.values()], "document"))

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Cosines; 0 throughout where nothing was said."""
        vectors = self._texts.of([context_text(situation) for situation in situations], "query")
        return np.asarray(vectors @ self.items.T, dtype=np.float32)


def _document(item: Item, kinds: Sequence[str]) -> str:
    """Title, kinds and description: names of people only dilute what an encoder makes of it."""
    values = (item.facts.get(name) for name in kinds)
    words = ", ".join(word for value in values if isinstance(value, tuple) for word in value)
    return f"{item.title}. {words}. {item.description}"
