"""What the sentence encoder learns from: a history's text, the next item's text, and texts that only look like it.

Everything is taken from the interactions that are given; nothing here can see what a user is tested on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.prompting.textualize import history_document, item_document
from llmrec.types import Vectors

HISTORY, ITEM, NEGATIVE = "history", "item", "negative_{}"


@dataclass(frozen=True, slots=True)
class Example:
    """One step of one user; items are catalogue positions.

    Attributes:
        user: Number of the user.
        history: What the user had met, oldest first.
        item: What came next.
        negatives: What the user never met but reads like `item`.
    """

    user: int
    history: tuple[int, ...]
    item: int
    negatives: tuple[int, ...] = ()


def next_item_examples(interactions: Interactions, *, max_history: int, per_user: int) -> tuple[Example, ...]:
    """The newest `per_user` steps of each user, newest first.

    Args:
        interactions: What may be learned from.
        max_history: How many items before the step are kept.
        per_user: How many steps of each user; one user's thousand would drown the others.

    Raises:
        DataError: Nobody has met two items.
    """
    items = interactions.items.tolist()
    examples = tuple(
        example
        for user in range(len(interactions.user_ids))
        for example in _steps(user, items[interactions.rows_of(user)], max_history, per_user)
    )
    if not examples:
        raise DataError(
            f"none of {len(interactions.user_ids)} users met two items, so there is no next item to learn.",
            hint="Give data with longer histories.",
        )
    return examples


def _steps(user: int, items: Sequence[int], max_history: int, per_user: int) -> Iterator[Example]:
    for step in range(len(items) - 1, max(0, len(items) - 1 - per_user), -1):
        # An item met again is in its own history: that pair would teach the encoder to repeat.
        if items[step] not in items[:step]:
            yield Example(user, tuple(items[max(0, step - max_history) : step]), items[step])


def with_hard_negatives(
    examples: Sequence[Example],
    interactions: Interactions,
    vectors: Vectors,
    *,
    n: int,
    skip: int,
    pool: int,
    rng: np.random.Generator,
) -> tuple[Example, ...]:
    """Each example with `n` items that read like the right one.

    Drawn are items that somebody met (what nobody met is unknown, not unwanted) and that the example's user met at no
    time in `interactions`, before or after. Examples for which fewer than `n` are left are dropped.

    Args:
        examples: Made from `interactions`.
        interactions: What may be learned from.
        vectors: float32 [n_items, dim], unit rows: how items read before fine-tuning.
        n: Negatives per example; 0 gives the examples back.
        skip: How many of the nearest such items are spared.
        pool: From how many of the next ones to draw.
        rng: Of the draws.
    """
    if n == 0:
        return tuple(examples)
    met = np.unique(interactions.items)
    nearest: dict[int, NDArray[np.int32]] = {}
    mined = []
    for example in examples:
        if example.item not in nearest:
            nearest[example.item] = met[np.argsort(-(vectors[met] @ vectors[example.item]), kind="stable")]
        own = interactions.items[interactions.rows_of(example.user)]
        foreign = nearest[example.item][~np.isin(nearest[example.item], own)][skip : skip + pool]
        if len(foreign) >= n:
            mined.append(replace(example, negatives=tuple(rng.choice(foreign, n, replace=False).tolist())))
    return tuple(mined)


def example_texts(examples: Sequence[Example], catalogue: Catalogue, *, max_history: int) -> Mapping[str, list[str]]:
    """Columns of texts as the trainer reads them: `history`, `item`, then `negative_1`, `negative_2`, ..."""
    ids = catalogue.ids
    documents = [item_document(item) for item in catalogue.values()]
    columns = {
        HISTORY: [history_document([ids[i] for i in e.history], catalogue, max_items=max_history) for e in examples],
        ITEM: [documents[e.item] for e in examples],
    }
    n_negatives = len(examples[0].negatives) if examples else 0
    negatives = {NEGATIVE.format(n + 1): [documents[e.negatives[n]] for e in examples] for n in range(n_negatives)}
    return columns | negatives
