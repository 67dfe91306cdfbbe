"""How well a catalogue is known, counted by hand."""

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.insights.health import described, filled, like_rates, met_by
from llmrec.insights.plane import plane_of
from llmrec.types import Item, ItemId, SignalCount


def test_items_are_counted_by_how_many_met_them() -> None:
    counts = np.array([0, 0, 1, 4, 5, 99, 100, 5000])
    assert met_by(counts) == ((0, 2), (1, 2), (5, 1), (20, 1), (100, 2))


def test_missing_descriptions_and_facts_are_shares_of_all_items() -> None:
    catalogue = Catalogue([Item(ItemId("1"), "A", {"year": 1990}, "text"), Item(ItemId("2"), "B", {}, "  ")])
    assert described(catalogue) == 0.5
    assert filled(catalogue) == (("year", 0.5),)


def test_a_share_of_likes_has_its_score_interval() -> None:
    # 8 of 10: Wilson's interval is 0.490 to 0.943 (Newcombe 1998, table I's method).
    (rate,) = like_rates([SignalCount("2026-11-01", "like", 8), SignalCount("2026-11-01", "dislike", 2)])
    assert (rate.period, rate.n, rate.share) == ("2026-11-01", 10, 0.8)
    assert (rate.low, rate.high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))


def test_seen_is_no_opinion() -> None:
    assert like_rates([SignalCount("2026-11-01", "seen", 3)]) == ()


def test_many_days_are_summed_by_month() -> None:
    days = [SignalCount(f"2026-{month:02}-{day:02}", "like", 1) for month in (1, 2) for day in range(1, 21)]
    assert [(rate.period, rate.n) for rate in like_rates(days)] == [("2026-01", 20), ("2026-02", 20)]


def test_the_map_keeps_the_directions_in_which_items_differ_most() -> None:
    vectors = np.array([[3, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=np.float32)
    plane = plane_of(vectors)
    assert np.abs(plane.points) == pytest.approx(np.array([[3, 0], [3, 0], [0, 1], [0, 1]]))
    assert plane.explained == pytest.approx(1.0)


def test_items_that_are_all_alike_lie_on_one_point() -> None:
    plane = plane_of(np.ones((3, 2), dtype=np.float32))
    assert plane.points == pytest.approx(np.zeros((3, 2)))
    assert plane.explained == 0.0
