"""One user as bulk input: what a query knows, in the order it became known."""

from collections.abc import Mapping

import numpy as np
import pytest

from llmrec.retrieval.scoring import query_histories, seed_table
from llmrec.retrieval.seeds import seed_weights
from llmrec.types import History, Interaction, ItemEntry, ItemId, Profile, Query, UserId

PLACES: Mapping[ItemId, int] = {ItemId(name): place for place, name in enumerate("abcd")}


def query(*met: tuple[str, float, float | None], liked: str = "", disliked: str = "") -> Query:
    """Item, strength and time of each interaction; then what the conversation added."""
    history = History(tuple(Interaction(UserId("u"), ItemId(item), value, at) for item, value, at in met))
    profile = Profile(
        liked=tuple(ItemEntry(ItemId(item), 0) for item in liked),
        disliked=tuple(ItemEntry(ItemId(item), 0) for item in disliked),
    )
    return Query(profile=profile, history=history)


def test_a_history_keeps_its_order_strengths_and_times() -> None:
    found = query_histories(query(("c", 4.0, 10.0), ("a", 2.0, 20.0)), PLACES)
    assert found.starts.tolist() == [0, 2]
    assert found.items.tolist() == [2, 0]
    assert found.values.tolist() == [4.0, 2.0]
    assert found.at.tolist() == [10.0, 20.0]
    assert (found.items.dtype, found.values.dtype, found.at.dtype) == (np.int32, np.float32, np.float64)


def test_what_the_conversation_added_comes_last_and_has_no_time() -> None:
    found = query_histories(query(("c", 4.0, 10.0), ("a", 2.0, None), liked="bd"), PLACES)
    assert found.items.tolist() == [2, 0, 1, 3]
    assert found.values.tolist() == [4.0, 2.0, 1.0, 1.0]
    np.testing.assert_array_equal(found.at, [10.0, np.nan, np.nan, np.nan])


def test_an_item_of_the_history_that_is_liked_again_keeps_what_is_known_of_it() -> None:
    found = query_histories(query(("c", 4.0, 10.0), ("a", 2.0, 20.0), liked="c"), PLACES)
    assert found.items.tolist() == [2, 0, 2]
    assert found.at.tolist() == [10.0, 20.0, 10.0]


def test_items_that_are_disliked_or_not_in_the_catalogue_are_left_out() -> None:
    found = query_histories(query(("x", 1.0, 1.0), ("a", 1.0, 2.0), ("b", 1.0, 3.0), liked="y", disliked="a"), PLACES)
    assert found.items.tolist() == [1]
    assert len(found) == 1


@pytest.mark.parametrize("asked", [Query(), query(("x", 1.0, 1.0))])
def test_a_user_of_whom_nothing_is_known_is_one_user_with_an_empty_history(asked: Query) -> None:
    found = query_histories(asked, PLACES)
    assert (len(found), found.starts.tolist(), found.items.tolist()) == (1, [0, 0], [])


def test_seeds_of_a_query_weigh_the_same_in_bulk() -> None:
    asked = query(("c", 1.0, 1.0), ("a", 1.0, 2.0), ("c", 1.0, 3.0), liked="b")
    positions, weights = seed_weights(asked, PLACES, half_life=2.0)
    expected = np.zeros(4)
    expected[positions] = weights
    table = seed_table(query_histories(asked, PLACES), 4, half_life=2.0).toarray()
    np.testing.assert_allclose(table, [expected], rtol=1e-6)
