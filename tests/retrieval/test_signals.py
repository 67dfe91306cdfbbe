"""Named, standardised tables: what each is, and how items that nobody met are kept apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.interactions import Interactions
from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.held_out import FusionPlan, PartFits, signals_of
from llmrec.retrieval.item_knn import ItemKNNRetriever
from llmrec.retrieval.signals import Signals, scales, standardised
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.types import Histories
from tests.retrieval.signalled import CLOSED, SPY, PlacePart, World, world

LINEAR = {
    "ease@3", "ease@20", "ease@inf", "transitions@1", "transitions@3", "transitions@15", "transitions-back",
    "slit@5", "slit@20", "itemknn@5", "itemknn@inf",
}  # fmt: skip
LIFTED = {"lifted:ease@20", "lifted:transitions@3", "lifted:slit@20", "lifted:popularity"}
TIMED = {"popularity@30d", "popularity@365d", "around", "not-yet"}
TEXTS = {"text@1", "text@5", "text@20"}
FACTS = {"same:genres", "amounts"}


def signals(made: World, fits: PartFits = CLOSED, *, with_cold: bool = False) -> Signals:
    content = ContentSignals.fit(made.catalogue, made.vectors)
    parts = fits.fit_closed(made.interactions)
    return signals_of(made.interactions, parts, content, plan=FusionPlan(), with_cold=with_cold)


def everybody(made: World) -> Histories:
    return made.interactions.histories()


def test_standardised_scores_have_mean_0_and_spread_1_and_a_row_that_says_nothing_is_0() -> None:
    table = np.array([[1, 2, 3, 2], [7, 7, 7, 7], [0, 0, 0, 4]], dtype=np.float32)
    half, root = np.sqrt(0.5), np.sqrt(3)
    expected = [[-1 / half, 0, 1 / half, 0], [0, 0, 0, 0], [-1 / root, -1 / root, -1 / root, 3 / root]]
    np.testing.assert_allclose(standardised(table), expected, rtol=1e-6)
    np.testing.assert_allclose(scales(table), [1 / half, 0, 1 / root], rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_nothing_at_all_is_standardised_to_nothing(shape: tuple[int, int]) -> None:
    assert standardised(np.zeros(shape, np.float32)).shape == shape


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        (world(), set()),
        (world(timed=False), TIMED),
    ],
)
def test_signals_are_those_that_the_data_has_something_for(made: World, missing: set[str]) -> None:
    expected = LINEAR | LIFTED | TIMED | TEXTS | FACTS | {"popularity"}
    tables = dict(signals(made).tables(everybody(made)))
    assert tables.keys() == expected - missing
    assert all(table.shape == (61, 40) for table in tables.values())
    assert all(np.isfinite(table).all() for table in tables.values())


def test_without_texts_and_facts_there_is_what_users_did() -> None:
    made = world()
    content = ContentSignals(np.zeros((40, 0), np.float32), {}, np.zeros((40, 0), np.float32))
    parts = CLOSED.fit_closed(made.interactions)
    bare = signals_of(made.interactions, parts, content, plan=FusionPlan(), with_cold=False)
    assert dict(bare.tables(everybody(made))).keys() == LINEAR | TIMED | {"popularity"}


def test_each_table_is_its_parts_at_another_half_life_standardised() -> None:
    made = world()
    tables = dict(signals(made).tables(everybody(made)))
    knn = ItemKNNRetriever.fit(made.interactions, half_life=5.0).score_histories(everybody(made))
    np.testing.assert_allclose(tables["itemknn@5"], standardised(knn), atol=1e-5)
    np.testing.assert_allclose(tables["itemknn@5"].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(tables["itemknn@5"][:60].std(axis=1), 1, atol=1e-4)


def test_transitions_are_read_backwards_too() -> None:
    made = world()
    forwards = TransitionRetriever.fit(made.interactions)
    tables = dict(signals(made).raw(everybody(made)))
    expected = forwards.reversed().score_histories(everybody(made))
    np.testing.assert_array_equal(tables["transitions-back"], expected)
    assert not np.allclose(tables["transitions-back"], tables["transitions@3"])


def test_a_lifted_signal_is_the_mean_of_the_nearest_items() -> None:
    made = world()
    fitted = signals(made)
    tables = dict(fitted.tables(everybody(made)))
    nearest: NDArray[np.float32] = fitted.nearest.toarray()
    np.testing.assert_allclose(nearest.sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(tables["lifted:ease@20"], standardised(tables["ease@20"] @ nearest), atol=1e-4)


def test_another_scorer_is_a_signal_under_its_own_name() -> None:
    made = world()
    fits = PartFits(closed={"spy": PlacePart}, trained={})
    tables = dict(signals(made, fits).tables(everybody(made)))
    np.testing.assert_allclose(tables["spy"], standardised(np.tile(np.arange(40, dtype=np.float32), (61, 1))))
    assert not signals(made, fits).linear


def test_an_item_to_item_part_under_any_name_is_read_at_its_own_half_life() -> None:
    fits = PartFits(closed={"mine": lambda rows: ItemKNNRetriever.fit(rows, half_life=7.0)}, trained={})
    assert list(signals(world(), fits).linear) == ["mine@7"]


def test_items_that_nobody_met_have_signals_of_their_own() -> None:
    made = world(n_cold=4)
    fits = PartFits(closed={**CLOSED.closed, SPY: PlacePart}, trained={})
    tables = dict(signals(made, fits, with_cold=True).tables(everybody(made)))
    apart = {name for name in tables if name.startswith("cold:")}
    assert apart == {f"cold:{name}" for name in TEXTS | FACTS | LIFTED | {SPY}}
    for name, table in tables.items():
        if name != "cold":
            other = table[:, :-4] if name in apart else table[:, -4:]
            assert not other.any(), f"{name} speaks of items that are not its own"
    np.testing.assert_array_equal(tables["cold"], np.tile(np.arange(40) >= 36, (61, 1)).astype(np.float32))
    assert all(tables[name][:, -4:].any() for name in apart)
    # Both halves together are the whole table.
    whole = standardised(dict(signals(made, fits).raw(everybody(made)))["text@5"])
    np.testing.assert_allclose(tables["text@5"] + tables["cold:text@5"], whole, atol=1e-6)


def test_only_items_that_somebody_met_are_anybodys_neighbours() -> None:
    fitted = signals(world(n_cold=4), with_cold=True)
    assert fitted.cold.tolist() == [False] * 36 + [True] * 4
    nearest = fitted.nearest.toarray()
    assert not nearest[-4:].any()
    assert nearest[:, -4:].any(axis=0).all()


def test_users_of_whom_nothing_is_known_get_what_is_popular_and_nothing_else() -> None:
    made = world()
    nobody = Interactions.from_rows([], made.catalogue).histories().where(np.zeros(0, np.bool_))
    assert all(table.shape == (0, 40) for _, table in signals(made).tables(nobody))
    stranger = everybody(made).of(np.array([0])).where(np.zeros(everybody(made).lengths[0], np.bool_))
    tables = dict(signals(made).tables(stranger))
    said = {name for name, table in tables.items() if table.any()}
    assert said == {"popularity", "popularity@30d", "popularity@365d", "lifted:popularity"}
