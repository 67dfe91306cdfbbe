import hashlib

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.types import Interaction, Item, ItemId, UserId

CATALOGUE = Catalogue(Item(ItemId(name), name) for name in "ab")
# As text "1\t" stands before "10\t" and "1 x\t" after "1\t".
ROWS = [("10", "b", 4.5, 7.0), ("1", "b", 1.0, 9.0), ("1 x", "a", 2.0, 1.5), ("1", "a", 3.0, 8.0), ("2", "a", 1.0, 0.0)]


def met(rows: list[tuple[str, str, float, float]]) -> Interactions:
    return Interactions.from_rows((Interaction(UserId(u), ItemId(i), v, at) for u, i, v, at in rows), CATALOGUE)


def test_the_hash_is_that_of_all_rows_sorted_as_text() -> None:
    text = "\n".join(["1\ta\t3\t8.000", "1\tb\t1\t9.000", "1 x\ta\t2\t1.500", "10\tb\t4.5\t7.000", "2\ta\t1\t0.000"])
    assert met(ROWS).content_hash == hashlib.sha256(text.encode()).hexdigest()


def test_the_hash_knows_neither_the_order_of_reading_nor_users_without_rows() -> None:
    assert met(ROWS[::-1]).content_hash == met(ROWS).content_hash
    left = met(ROWS).where(np.array([True, True, True, True, False]))
    assert left.content_hash == met(met_rows(left)).content_hash


def met_rows(interactions: Interactions) -> list[tuple[str, str, float, float]]:
    columns = (interactions.users, interactions.items, interactions.values, interactions.at)
    return [
        (interactions.user_ids[user], interactions.item_ids[item], float(value), float(at))
        for user, item, value, at in zip(*columns, strict=True)
    ]
