"""What every VectorStore promises: subclass the suite; `store` is an empty store for items a, b, c, d and dim 2."""

import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.interfaces import VectorStore
from llmrec.types import ItemId, Vectors

A, B, C, D = (ItemId(name) for name in "abcd")
EAST, NORTH, WEST = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0))


def rows(*vectors: tuple[float, float]) -> Vectors:
    return np.array(vectors, dtype=np.float32)


class VectorStoreContract:
    def test_an_empty_store_finds_nothing(self, store: VectorStore) -> None:
        assert not store.search(rows(EAST)[0], 3)

    def test_the_nearest_come_first_with_their_cosine(self, store: VectorStore) -> None:
        store.add([A, B, C], rows(WEST, EAST, NORTH))
        assert list(store.search(rows(EAST)[0], 3)) == [(B, 1.0), (C, 0.0), (A, -1.0)]
        assert list(store.search(rows(EAST)[0], 2)) == [(B, 1.0), (C, 0.0)]

    def test_equally_near_items_keep_the_catalogues_order(self, store: VectorStore) -> None:
        store.add([D, C, B, A], rows(EAST, EAST, EAST, EAST))
        assert [item_id for item_id, _ in store.search(rows(EAST)[0], 2)] == [A, B]

    def test_an_item_added_again_is_replaced(self, store: VectorStore) -> None:
        store.add([A, B], rows(EAST, NORTH))
        store.add([A], rows(WEST))
        assert list(store.search(rows(EAST)[0], 4)) == [(B, 0.0), (A, -1.0)]

    def test_only_items_under_the_mask_are_found(self, store: VectorStore) -> None:
        store.add([A, B, C], rows(EAST, NORTH, WEST))
        found = store.search(rows(EAST)[0], 4, where=np.array([False, True, False, True]))
        assert [item_id for item_id, _ in found] == [B]

    def test_less_than_one_item_cannot_be_asked_for(self, store: VectorStore) -> None:
        with pytest.raises(ConfigError, match="k is 0; ask for at least 1 item"):
            store.search(rows(EAST)[0], 0)

    def test_what_is_near_to_some_items_is_found_without_them(self, store: VectorStore) -> None:
        store.add([A, B, C, D], rows(EAST, NORTH, WEST, (0.6, 0.8)))
        # The mean of east and north points north-east: (0.707, 0.707).
        found = store.recommend([A, B], [], 4)
        assert [item_id for item_id, _ in found] == [D, C]
        assert [cosine for _, cosine in found] == pytest.approx([1.4 * 0.5**0.5, -(0.5**0.5)])

    def test_what_is_far_from_others_comes_first(self, store: VectorStore) -> None:
        store.add([A, B, C, D], rows(EAST, NORTH, WEST, (0.8, -0.6)))
        # 2 * north - east = (-1, 2), of length 5 ** 0.5.
        found = store.recommend([B], [A], 4)
        assert [item_id for item_id, _ in found] == [C, D]
        assert [cosine for _, cosine in found] == pytest.approx([5**-0.5, (-0.8 - 1.2) * 5**-0.5])

    def test_nothing_is_near_to_items_without_a_vector_or_a_direction(self, store: VectorStore) -> None:
        store.add([A, C], rows(EAST, WEST))
        assert not store.recommend([D], [A], 4)
        assert not store.recommend([], [A], 4)
        assert not store.recommend([A, C], [], 4)

    def test_only_items_under_the_mask_are_recommended(self, store: VectorStore) -> None:
        store.add([A, B, C, D], rows(EAST, NORTH, WEST, EAST))
        found = store.recommend([A], [], 4, where=np.array([True, True, False, False]))
        assert [item_id for item_id, _ in found] == [B]


class BulkVectorStoreContract(VectorStoreContract):
    """One that searches for many vectors at once."""

    def test_many_vectors_find_together_what_each_finds_alone(self, store: VectorStore) -> None:
        store.add([A, B, C], rows(WEST, EAST, NORTH))
        masks = [np.ones(4, dtype=np.bool_), np.array([True, False, True, True])]
        together = store.search_many(rows(EAST, NORTH), 2, where=masks, stated=[(), ()])
        assert [list(found) for found in together] == [[(B, 1.0), (C, 0.0)], [(C, 1.0), (A, 0.0)]]
