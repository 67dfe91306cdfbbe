"""Demand around a moment, and what the data needs for it to be a signal."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.retrieval.recency import DemandOverTime, TimedPopularity, newest_moments
from llmrec.types import Histories, Interaction, Item, ItemId, UserId

DAY = 86_400.0
PRIOR = 0.3


def met(*rows: tuple[str, str, float | None]) -> Interactions:
    """User, item and day over the items a to d."""
    catalogue = Catalogue(Item(ItemId(name), name) for name in "abcd")
    return Interactions.from_rows(
        (Interaction(UserId(u), ItemId(i), 1.0, None if day is None else day * DAY) for u, i, day in rows), catalogue
    )


def seen(*newest_days: float) -> Histories:
    """One user per day, each of whom met item a then."""
    n = len(newest_days)
    starts, items = np.arange(n + 1, dtype=np.int64), np.zeros(n, dtype=np.int32)
    return Histories(starts, items, np.ones(n, np.float32), np.array(newest_days, dtype=np.float64) * DAY)


def double_sum(at: NDArray[np.float64], items: NDArray[np.int32], moments: NDArray[np.float64], span: float) -> object:
    """Demand by its definition, float64 [n_moments, n_items]."""
    weights = np.exp(-np.abs(moments[:, None] - at[None, :]) / span)
    return weights @ np.eye(int(items.max()) + 1)[items]


def test_demand_is_the_double_sum_within_what_a_bin_blurs() -> None:
    rng = np.random.default_rng(0)
    days, moments, items = rng.random(400) * 300, rng.random(50) * 300, rng.integers(0, 4, 400)
    interactions = met(*((f"u{n}", "abcd"[item], day) for n, (item, day) in enumerate(zip(items, days, strict=True))))
    demand = DemandOverTime.fit(interactions, span_s=30 * DAY)
    assert demand.width == 30 * DAY / 4
    counted = np.exp(demand.at(moments * DAY)) - PRIOR
    exact = double_sum(interactions.at, interactions.items, moments * DAY, 30 * DAY)
    # Two moments are at most one bin, a quarter of a span, further apart or nearer than their bins are.
    assert (np.abs(np.log(counted / exact)) <= 0.25).all()
    assert abs(float(np.log(counted / exact).mean())) < 0.02


def test_demand_at_the_edges_of_bins_is_exact() -> None:
    # A bin is half a day: item a stands in the bins 0 and 4, so 4 half days apart; b in bin 2.
    demand = DemandOverTime.fit(met(("u", "a", 0.0), ("v", "a", 2.0), ("w", "b", 1.0)), span_s=2 * DAY)
    expected = [[1 + np.exp(-1), np.exp(-0.5), 0, 0], [2 * np.exp(-0.5), 1, 0, 0]]
    np.testing.assert_allclose(demand.at(np.array([0.0, DAY])), np.log(np.array(expected) + PRIOR), rtol=1e-5)


def test_moments_outside_the_data_are_at_its_ends_and_no_moment_is_the_newest() -> None:
    demand = DemandOverTime.fit(met(("u", "a", 10.0), ("v", "b", 90.0)), span_s=20 * DAY)
    first, last, before, after, unknown = demand.at(np.array([10.0, 90.0, -5.0, 500.0, np.nan]) * DAY)
    np.testing.assert_array_equal(before, first)
    np.testing.assert_array_equal(after, last)
    np.testing.assert_array_equal(unknown, last)
    assert last[1] > last[0]


def test_interactions_without_a_time_are_no_demand() -> None:
    timed, mixed = met(("u", "a", 1.0)), met(("u", "a", 1.0), ("v", "b", None))
    moments = np.array([DAY])
    expected = DemandOverTime.fit(timed, span_s=DAY).at(moments)
    np.testing.assert_array_equal(DemandOverTime.fit(mixed, span_s=DAY).at(moments), expected)
    none = DemandOverTime.fit(met(("v", "b", None)), span_s=DAY).at(moments)
    np.testing.assert_allclose(none, np.log([[PRIOR] * 4]), rtol=1e-6)


def test_everything_at_one_moment_is_one_bin() -> None:
    demand = DemandOverTime.fit(met(("u", "a", 5.0), ("v", "a", 5.0)), span_s=DAY)
    np.testing.assert_allclose(demand.at(np.array([5 * DAY]))[0], np.log([2 + PRIOR, *[PRIOR] * 3]), rtol=1e-6)


def test_bins_grow_wider_rather_than_too_many() -> None:
    demand = DemandOverTime.fit(met(("u", "a", 0.0), ("v", "b", 1e6)), span_s=DAY)
    assert len(demand.counts) <= 4096
    assert demand.width > DAY


def test_signals_of_time_are_worked_by_hand() -> None:
    # First met: a on day 0, b on day 4, c on day 9, d never.
    interactions = met(("u", "a", 0.0), ("u", "b", 4.0), ("v", "a", 5.0), ("v", "c", 9.0))
    tables = TimedPopularity.fit(interactions).signals(seen(4.0, 9.0))
    assert tables.keys() == {"popularity", "popularity@30d", "popularity@365d", "around", "not-yet"}
    np.testing.assert_allclose(tables["popularity"], [np.log([3, 2, 2, 1])] * 2, rtol=1e-6)
    np.testing.assert_allclose(tables["around"], np.log([[5, 1, 1, 1], [10, 6, 1, 1]]), rtol=1e-6)
    np.testing.assert_array_equal(tables["not-yet"], [[0, 0, 1, 0], [0, 0, 0, 0]])


def test_a_user_without_a_time_is_asked_about_the_present() -> None:
    interactions = met(("u", "a", 0.0), ("u", "b", 40.0))
    popularity = TimedPopularity.fit(interactions)
    tables, newest = popularity.signals(seen(np.nan)), popularity.signals(seen(40.0))
    np.testing.assert_array_equal(tables["popularity@30d"], newest["popularity@30d"])
    assert not tables["around"].any()
    assert not tables["not-yet"].any()


@pytest.mark.parametrize("rows", [[("u", "a", None)], []])
def test_data_without_times_is_popular_without_time(rows: list[tuple[str, str, float | None]]) -> None:
    popularity = TimedPopularity.fit(met(*rows))
    assert popularity.signals(seen(3.0)).keys() == {"popularity"}
    assert np.isinf(popularity.first).all()


def test_an_item_met_with_and_without_a_time_was_first_met_when_that_is_known() -> None:
    popularity = TimedPopularity.fit(met(("u", "a", None), ("v", "a", 7.0), ("w", "b", None)))
    assert popularity.first.tolist() == [7 * DAY, np.inf, np.inf, np.inf]
    assert all(np.isfinite(table).all() for table in popularity.signals(seen(7.0, np.nan)).values())


def test_the_newest_moment_of_a_user_leaves_out_what_has_no_time() -> None:
    histories = met(("u", "a", 1.0), ("u", "b", 3.0), ("v", "a", None), ("w", "a", 2.0), ("w", "c", None)).histories()
    np.testing.assert_array_equal(newest_moments(histories), [3 * DAY, np.nan, 2 * DAY])
