"""What is taken as new, and what one interaction moves, on a small world."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.loop import Ground, incremental_update, last_ones, newest, next_request
from llmrec.build import Overrides, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.retrieval.signalled import world


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    made, overrides = world(), Overrides(encoder=HashingEmbedder(8))
    known, asked = last_ones(made.interactions, 2)
    is_new = newest(known, 0.05)
    rebuilt, before = (
        fit_tables(made.catalogue, met, settings=Settings(), name="world", overrides=overrides)
        for met in (known, known.where(~is_new))
    )
    place: Path = tmp_path_factory.mktemp("loop")
    return Ground(asked, before, rebuilt, 10.0, known.where(is_new), overrides, place, seed=0)


def test_the_newest_share_is_new() -> None:
    items = Catalogue(Item(ItemId(name), name) for name in "abcd")
    rows = [("u", "a", 1.0), ("u", "b", 4.0), ("v", "c", 3.0), ("v", "d", 2.0)]
    met = Interactions.from_rows((Interaction(UserId(u), ItemId(i), 1.0, at) for u, i, at in rows), items)
    chosen = newest(met, 0.5)
    assert sorted(met.item_ids[item] for item in met.items[chosen]) == ["b", "c"]


def test_the_last_ones_of_who_has_twice_as_many_are_asked_for() -> None:
    items = Catalogue(Item(ItemId(name), name) for name in "abcd")
    rows = [("u", "a", 1.0), ("v", "c", 1.0), ("v", "a", 2.0), ("v", "d", 3.0), ("v", "b", 4.0)]
    met = Interactions.from_rows((Interaction(UserId(u), ItemId(i), 1.0, at) for u, i, at in rows), items)
    known, asked = last_ones(met, 2)
    assert [(met.user_ids[u], met.item_ids[i]) for u, i in zip(known.users, known.items, strict=True)] == [
        ("u", "a"),
        ("v", "c"),
        ("v", "a"),
    ]
    assert [met.item_ids[item] for item in asked.histories.items] == ["c", "a"]
    assert [met.item_ids[item] for item in asked.answers.items] == ["d", "b"]
    assert asked.answers.users.tolist() == [0, 0]


def test_an_update_is_compared_with_learning_all_again(ground: Ground) -> None:
    found = incremental_update(ground)
    assert found["new interactions"] == len(ground.added) > 0
    assert found["rebuild, CPU seconds"] == 10.0
    for name in ("NDCG@10 rebuilt", "NDCG@10 updated", "NDCG@10 not updated"):
        estimate = found[name]
        assert isinstance(estimate, dict)
        assert 0 <= estimate["mean"] <= 1


def test_an_interaction_moves_what_is_related_and_nobody_else(ground: Ground) -> None:
    found = next_request(ground)
    means = {name: value["mean"] for name, value in found.items() if isinstance(value, dict)}
    assert means["change of another user"] == 0
    assert means["related changed"] == 1
    assert np.isfinite(list(means.values())).all()
