"""The same items with other texts, to see whether a language model reads them at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item


def with_shuffled_texts(catalogue: Catalogue, *, seed: int) -> Catalogue:
    """Every item with title, facts and description of another one, the same wherever it is shown.

    The texts are as fluent as before and say nothing of the item any more; none keeps its own, unless it is alone.
    """
    items = list(catalogue.values())
    order = np.random.default_rng(seed).permutation(len(items))
    # Along one cycle through all of them, each text moves.
    text_of = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return Catalogue(
        replace(items[text_of[place]], id=item.id, available=item.available) for place, item in enumerate(items)
    )


def with_ids_alone(catalogue: Catalogue) -> Catalogue:
    """Every item with its id as the title, and nothing else said of it."""
    return Catalogue(Item(item.id, title=item.id, available=item.available) for item in catalogue.values())
