"""What the hybrid keeps, lets lag and learns again as interactions and items come in."""

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.retrieval.held_out import PartFits
from llmrec.retrieval.hybrid import LEARNED, HybridRetriever
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.retrieval.signalled import CLOSED, PlacePart, World, world


def fitted(made: World, fits: PartFits = CLOSED) -> HybridRetriever:
    return HybridRetriever.fit(made.interactions, made.catalogue, fits, vectors=made.vectors)


def more(made: World, n: int, *, first: int = 0) -> Interactions:
    rows = [Interaction(UserId(f"new {first + k}"), made.catalogue.ids[k % 30], 1.0, 2e9 + k) for k in range(n)]
    return Interactions.from_rows(rows, made.catalogue)


def slow_part(hybrid: HybridRetriever) -> PlacePart:
    part = hybrid._signals.parts["one"]
    assert isinstance(part, PlacePart)
    return part


def test_a_part_whose_update_takes_minutes_lags_behind_by_a_twentieth_at_most() -> None:
    made = world()
    before = fitted(made, PartFits(closed={"one": lambda met: PlacePart(met, costs_a_fit=True)}, trained={}))
    n_known = len(made.interactions)
    few, enough = more(made, n_known // 30), more(made, n_known // 30, first=1_000)
    lagging = before.update(made.interactions, few)
    assert slow_part(lagging) is slow_part(before)
    assert lagging.came_since == {"one": len(few), LEARNED: len(few)}
    both = made.interactions.joined(few, made.catalogue)
    caught_up = lagging.update(both, enough)
    # The part of the tests remembers what it was updated by.
    assert slow_part(caught_up).fitted_on is enough
    assert caught_up.came_since == {"one": 0, LEARNED: len(few) + len(enough)}


def test_new_items_stand_at_the_end_and_the_others_keep_what_was_learned_of_them() -> None:
    made = world(n_cold=2)
    before = fitted(made)
    new = Item(ItemId("new"), "new", {"year": 1999, "genres": ("g1",)})
    catalogue = Catalogue([*made.catalogue.values(), new])
    vectors = np.concatenate([made.vectors, made.vectors[1:2]])
    after = before.described_by(catalogue, vectors)
    histories = made.interactions.histories()
    raw_before, raw_after = (dict(hybrid._signals.raw(histories)) for hybrid in (before, after))
    learned_from_users = [name for name in raw_before if not name.startswith(("text", "same", "amounts"))]
    assert {"ease@20", "transitions@3", "slit@20", "itemknn@5", "popularity"} <= set(learned_from_users)
    for name in learned_from_users:
        np.testing.assert_allclose(raw_after[name][:, :-1], raw_before[name], atol=1e-6)
    # It reads as item 1 does, so its text is as near to everybody's.
    np.testing.assert_allclose(raw_after["text@5"][:, -1], raw_after["text@5"][:, 1], atol=1e-6)
    assert after.weights == before.weights
    # And it takes part from its first interaction on.
    met = Interactions.from_rows([Interaction(UserId("u1"), ItemId("new"), 1.0, 2e9)], catalogue)
    known = Interactions.from_rows([], catalogue).joined(made.interactions, catalogue)
    assert dict(after.update(known, met)._signals.raw(histories))["popularity"][0, -1] == pytest.approx(np.log(2))


def test_a_part_that_cannot_take_items_is_said() -> None:
    made = world()
    hybrid = fitted(made, PartFits(closed={"one": PlacePart}, trained={}))
    assert not hybrid.widens
    with pytest.raises(DataError, match=r"a part of the hybrid cannot take more items\. Fit anew"):
        hybrid.described_by(made.catalogue, made.vectors)
