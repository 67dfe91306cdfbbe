"""What the sentence encoder learns from, worked by hand."""

import numpy as np
import pytest

from finetune.retriever_examples import Example, example_texts, next_item_examples, with_hard_negatives
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.types import Interaction, Item, ItemId, UserId, Vectors


def catalogue_of(n_items: int) -> Catalogue:
    return Catalogue(Item(ItemId(str(n)), f"item {n}", {}) for n in range(n_items))


def met(n_items: int, **histories: list[int]) -> Interactions:
    rows = [
        Interaction(UserId(user), ItemId(str(item)), 1.0, float(at))
        for user, items in histories.items()
        for at, item in enumerate(items)
    ]
    return Interactions.from_rows(rows, catalogue_of(n_items))


def on_a_line(n_items: int) -> Vectors:
    """Unit vectors a degree apart: the nearest to item i are i ± 1, then i ± 2, and so on."""
    angles = np.deg2rad(np.arange(n_items))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_every_step_but_the_first_is_an_example_newest_first() -> None:
    examples = next_item_examples(met(5, ann=[3, 1, 4], bob=[2]), max_history=10, per_user=10)
    assert examples == (Example(0, (3, 1), 4), Example(0, (3,), 1))


def test_a_users_oldest_steps_and_a_historys_oldest_items_are_left_out() -> None:
    examples = next_item_examples(met(6, ann=[0, 1, 2, 3, 4, 5]), max_history=2, per_user=2)
    assert examples == (Example(0, (3, 4), 5), Example(0, (2, 3), 4))


def test_an_item_met_again_is_no_next_item() -> None:
    examples = next_item_examples(met(5, ann=[3, 1, 3]), max_history=10, per_user=10)
    assert examples == (Example(0, (3,), 1),)


def test_data_without_a_next_item_is_refused() -> None:
    with pytest.raises(DataError, match="none of 2 users met two items"):
        next_item_examples(met(5, ann=[3], bob=[2]), max_history=10, per_user=10)


def mined(interactions: Interactions, n: int, *, skip: int = 0, pool: int = 1) -> tuple[Example, ...]:
    examples = next_item_examples(interactions, max_history=5, per_user=1)
    vectors = on_a_line(len(interactions.item_ids))
    rng = np.random.default_rng(0)
    return with_hard_negatives(examples, interactions, vectors, n=n, skip=skip, pool=pool, rng=rng)


def test_a_hard_negative_is_the_nearest_item_that_the_user_never_met() -> None:
    everything = met(10, ann=[6, 4, 5], bob=[0, 1, 2, 3, 7, 8, 9])
    ann = mined(everything, 2, pool=2)[0]
    assert ann.item == 5
    assert set(ann.negatives) == {3, 7}


def test_what_a_user_met_later_is_no_negative_of_an_earlier_step() -> None:
    interactions = met(10, ann=[0, 5, 6, 4], bob=[1, 2, 3, 7, 8, 9])
    examples = next_item_examples(interactions, max_history=5, per_user=3)
    every = with_hard_negatives(
        examples, interactions, on_a_line(10), n=6, skip=0, pool=99, rng=np.random.default_rng(0)
    )
    ann = [example for example in every if example.user == 0]
    assert [example.item for example in ann] == [4, 6, 5]
    assert all(set(example.negatives) == {1, 2, 3, 7, 8, 9} for example in ann)


def test_the_very_nearest_are_spared() -> None:
    everything = met(10, ann=[6, 4, 5], bob=[0, 1, 2, 3, 7, 8, 9])
    assert set(mined(everything, 2, skip=2, pool=2)[0].negatives) == {2, 8}


def test_what_nobody_met_is_no_negative() -> None:
    unmet_3_and_7 = met(10, ann=[6, 4, 5], bob=[0, 1, 2, 8, 9])
    assert set(mined(unmet_3_and_7, 2, pool=2)[0].negatives) == {2, 8}


def test_an_example_without_enough_negatives_is_dropped() -> None:
    assert [example.user for example in mined(met(4, ann=[0, 1], bob=[0, 1, 2, 3]), 2, pool=2)] == [0]


def test_texts_stand_in_the_order_the_loss_reads_them(films: Catalogue) -> None:
    place = films.position
    example = Example(0, (place(ItemId("2")), place(ItemId("3"))), place(ItemId("5")), (place(ItemId("9")),))
    columns = example_texts([example], films, max_history=5)
    assert list(columns) == ["history", "item", "negative_1"]
    assert columns["history"] == ["Aliens (1986); Alien (1979)"]
    assert columns["item"] == [
        "The Matrix (1999). genres Action, Sci-Fi. year 1999. hidden reality, rebellion, stylish fights."
    ]
    assert columns["negative_1"][0].startswith("Heat (1995).")
