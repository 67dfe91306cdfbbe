"""Numbers that stop a training and stand in a model card, worked by hand."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from finetune.retriever_evaluation import NDCG, NextItemEvaluator, Validation
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Answers, Task
from llmrec.types import Interaction, Item, ItemId, UserId, Vectors

NORTH_EAST = (0.6, 0.8)
PLACES = {"a": (1.0, 0.0), "b": (0.8, 0.6), "c": NORTH_EAST, "d": (0.0, 1.0)}


class MapEmbedder:
    """Knows where each item and the history `a` lie."""

    name = "map"
    dim = 2

    def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
        return np.array([PLACES[text[0]] for text in texts], dtype=np.float32)


@pytest.fixture
def validation() -> Validation:
    """One user knows `a` and goes on to `c`, which seven people met; two met `b`, none `d`. By cosine `b` is nearer."""
    catalogue = Catalogue(Item(ItemId(name), name, {}) for name in PLACES)
    rows = [("me", "a"), *((f"u{n}", "c") for n in range(7)), ("u0", "b"), ("u1", "b")]
    met = Interactions.from_rows((Interaction(UserId(u), ItemId(i), 1.0, 0.0) for u, i in rows), catalogue)
    me = np.array([0])
    task = Task(met, me, met.histories(me), Answers(np.array([0]), np.array([2], dtype=np.int32)))
    return Validation(catalogue, task, max_history=5, scale=2.0)


def test_training_is_stopped_by_cosine_and_the_popularity_that_the_loss_leaves_out(validation: Validation) -> None:
    # b: 0.8 + log(3) / 2 = 1.35; c: 0.6 + log(8) / 2 = 1.64. By the cosine alone, c would be second.
    found = NextItemEvaluator(validation, MapEmbedder())(None)
    assert found[NDCG] == 1.0


def test_the_card_shows_both_user_vectors_alone_and_with_popularity(validation: Validation) -> None:
    embedder = MapEmbedder()
    rows = validation.rows(embedder, validation.documents(embedder), "base")
    found = {name: float(metrics[NDCG][0]) for name, metrics in rows.items()}
    second = 1 / np.log2(3)
    assert found == {
        "base, history text": pytest.approx(second),
        "base, history text + popularity": 1.0,
        "base, mean of the last 1 items": pytest.approx(second),
        "base, mean of the last 1 items + popularity": 1.0,
    }


def test_shortened_vectors_are_brought_back_to_unit_length(validation: Validation) -> None:
    # On the first axis alone a, b and c are one place and d has none: b and c share the first two ranks.
    embedder = MapEmbedder()
    rows = validation.shortened_rows(embedder, validation.documents(embedder), (2, 1))
    assert list(rows) == [
        "fine-tuned, history text, first 1 numbers",
        "fine-tuned, history text, first 1 numbers + popularity",
    ]
    assert rows["fine-tuned, history text, first 1 numbers"][NDCG][0] == pytest.approx(1 / np.log2(2.5))
