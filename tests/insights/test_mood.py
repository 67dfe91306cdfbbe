"""What items read like, worked by hand on a line."""

from math import sqrt

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.insights.mood import mood_field, moods_of
from llmrec.types import Facts, Item, ItemId, Vectors


def on_a_line(n_each: int = 5, facts: Facts | None = None) -> tuple[Catalogue, Vectors]:
    """Warm items at 1, dark ones at -1, and one more at 1, with `facts`."""
    kinds: list[Facts] = [{"mood": ("warm",)}] * n_each + [{"mood": ("dark",)}] * n_each + [facts or {}]
    items = [Item(ItemId(str(n)), f"Item {n}", fact) for n, fact in enumerate(kinds)]
    return Catalogue(items), np.array([[1.0]] * n_each + [[-1.0]] * n_each + [[1.0]], dtype=np.float32)


def test_an_item_that_is_filed_under_nothing_still_reads_like_something() -> None:
    catalogue, vectors = on_a_line()
    # The mean of all is 1/11 and their variance 1 - 1/121.
    moods = moods_of([10], vectors, catalogue, "mood")
    assert moods == pytest.approx({"warm": (10 / 11) / sqrt(1 - 1 / 121), "dark": -(10 / 11) / sqrt(1 - 1 / 121)})
    assert list(moods) == ["warm", "dark"]


def test_nobody_is_like_themselves() -> None:
    catalogue, vectors = on_a_line(facts={"mood": ("rare",)})
    assert "rare" not in moods_of([10], vectors, catalogue, "mood")
    few, vectors = on_a_line(n_each=4)
    assert moods_of([8], vectors, few, "mood") == {}


def test_nothing_is_inferred_of_nothing() -> None:
    catalogue, vectors = on_a_line()
    assert moods_of([], vectors, catalogue, "mood") == {}
    assert set(moods_of([0], np.zeros_like(vectors), catalogue, "mood").values()) <= {0.0}


def test_moods_come_before_kinds_and_without_either_there_are_none(films: Catalogue) -> None:
    both = Catalogue(
        [Item(ItemId(str(n)), f"T {n}", {"genres": ("a", "b")[n % 2 :], "mood": ("x", "y")[n % 2]}) for n in range(6)]
    )
    assert [getattr(mood_field(each), "name", None) for each in (both, films)] == ["mood", "genres"]
    assert mood_field(Catalogue([Item(ItemId("1"), "A")])) is None
