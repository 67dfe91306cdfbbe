"""Likeness of texts, of values and of amounts, worked by hand."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.content import ContentSignals, nearest_items
from llmrec.types import FactValue, Histories, Item, ItemId, Vectors
from tests.contracts.history_scorer import histories_of

EVERYBODY = np.ones(4, dtype=np.bool_)


def catalogue(*facts: Mapping[str, FactValue]) -> Catalogue:
    """Items a, b, c, ... with these facts."""
    return Catalogue(Item(ItemId(chr(ord("a") + n)), "title", dict(each)) for n, each in enumerate(facts))


def asked(items: Catalogue, *histories: str) -> Histories:
    return histories_of(items, [tuple(history) for history in histories])


def directions(*degrees: float) -> Vectors:
    """Unit vectors; nan asks for a row of zeros."""
    angles = np.radians(np.array(degrees))
    return np.nan_to_num(np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)


def test_texts_are_compared_with_the_weighted_mean_of_the_newest_items() -> None:
    items = catalogue({}, {}, {})
    tables = ContentSignals.fit(items, directions(0, 90, 30)).signals(asked(items, "ab", ""))
    assert list(tables) == ["text@1", "text@5", "text@20"]
    # Half-life 1: b weighs 1, a 1/2; so the mean is (1/3, 2/3).
    expected = [1 / 3, 2 / 3, np.cos(np.pi / 6) / 3 + 2 / 3 * 0.5]
    np.testing.assert_allclose(tables["text@1"], [expected, [0, 0, 0]], rtol=1e-5, atol=1e-7)
    assert tables["text@20"][0, 0] == pytest.approx(0.5 ** (1 / 20) / (1 + 0.5 ** (1 / 20)), rel=1e-5)


def test_an_item_without_a_text_is_like_none() -> None:
    items = catalogue({}, {}, {})
    vectors = directions(0, 90, 30)
    vectors[1] = np.nan
    table = ContentSignals.fit(items, vectors).signals(asked(items, "a", "b"))["text@5"]
    np.testing.assert_allclose(table, [[1, 0, np.cos(np.pi / 6)], [0, 0, 0]], atol=1e-6)


def test_a_shared_value_counts_the_more_the_rarer_it_is() -> None:
    # Values: x of a, b, c; y of a, d. Rarity: ln(1 + 4/3) and ln(1 + 4/2). The solo value z of d counts nothing.
    items = catalogue({"tags": ("x", "y")}, {"tags": ("x",)}, {"tags": ("x", "x")}, {"tags": ("y", "z")})
    table = ContentSignals.fit(items, None).signals(asked(items, "a"))["same:tags"]
    x, y = np.log1p(4 / 3), np.log1p(4 / 2)
    length = np.hypot(x, y)
    np.testing.assert_allclose(table, [[1, x / length, x / length, y / length]], rtol=1e-5)


def test_words_flags_and_lists_are_values_and_numbers_are_amounts() -> None:
    one: dict[str, FactValue] = {"author": "Lee", "signed": True, "genres": ("x",), "year": 1990, "price": 2.5}
    other: dict[str, FactValue] = {"author": "Lee", "signed": True, "genres": ("x",), "year": 1991, "price": 3.5}
    content = ContentSignals.fit(catalogue(one, other), None)
    assert list(content.values) == ["author", "genres", "signed"]
    np.testing.assert_allclose(content.amounts, [[-1, -1], [1, 1]])


def test_yes_and_no_are_different_values() -> None:
    items = catalogue({"signed": True}, {"signed": False}, {"signed": True}, {"signed": False}, {})
    table = ContentSignals.fit(items, None).signals(asked(items, "a"))["same:signed"]
    np.testing.assert_allclose(table, [[1, 0, 1, 0, 0]], atol=1e-6)


def test_fields_in_which_no_two_items_are_alike_make_no_signal() -> None:
    many = {f"number {n}": ("shared",) for n in range(7)}
    items = catalogue({"isbn": "1", "tags": (), **many}, {"isbn": "2", "tags": (), **many}, {"isbn": "3"})
    # Of the seven that are left, six fit; those with most items, then by name.
    assert list(ContentSignals.fit(items, None).values) == [f"number {n}" for n in range(6)]


def test_amounts_are_near_or_far_in_standard_deviations() -> None:
    # Years 0, 2, 4: mean 2, spread sqrt(8/3). Item d has no year.
    items = catalogue({"year": 0}, {"year": 2}, {"year": 4}, {})
    table = ContentSignals.fit(items, None).signals(asked(items, "b", "a", "d"))["amounts"]
    step = 2 / np.sqrt(8 / 3)
    np.testing.assert_allclose(table[:2], [[-step, 0, -step, -1], [0, -step, -2 * step, -1]], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(table[2], [-1, -1, -1, -1])


@pytest.mark.parametrize(("n_items", "distance"), [(7, 7 / np.sqrt(6)), (8, 3.0), (50, 3.0)])
def test_very_far_is_far(n_items: int, distance: float) -> None:
    # One of n stands apart: n / sqrt(n - 1) standard deviations from all others, of which three count.
    items = catalogue(*({"price": 0} for _ in range(n_items - 1)), {"price": 1000})
    last = histories_of(items, [(items.ids[-1],)])
    table = ContentSignals.fit(items, None).signals(last)["amounts"]
    np.testing.assert_allclose(table, [[*[-distance] * (n_items - 1), 0]], rtol=1e-5)


@pytest.mark.parametrize("value", [7, float("nan"), float("inf"), True, "seven"])
def test_an_amount_that_never_differs_or_is_no_number_makes_no_signal(value: FactValue) -> None:
    items = catalogue({"size": value}, {"size": value}, {})
    assert ContentSignals.fit(items, None).amounts.shape == (3, 0)
    assert "amounts" not in ContentSignals.fit(items, None).signals(asked(items, "a"))


def test_infinite_and_missing_numbers_are_unknown() -> None:
    items = catalogue({"size": 1.0}, {"size": float("inf")}, {"size": float("nan")}, {"size": 3})
    np.testing.assert_allclose(ContentSignals.fit(items, None).amounts, [[-1], [np.nan], [np.nan], [1]])


@pytest.mark.parametrize("vectors", [None, np.zeros((2, 0), np.float32)])
def test_items_of_which_nothing_is_known_have_no_signals(vectors: Vectors | None) -> None:
    items = catalogue({}, {})
    assert not ContentSignals.fit(items, vectors).signals(asked(items, "a", ""))


def test_no_items_have_no_signals() -> None:
    items = catalogue()
    assert not ContentSignals.fit(items, None).signals(asked(items, ""))


def neighbours(texts: Vectors, sources: NDArray[np.bool_], n: int) -> NDArray[np.float32]:
    """Dense, row = item, column = its neighbour."""
    return nearest_items(texts, sources, n=n).toarray().T


def test_nearest_items_weigh_the_square_of_their_cosine() -> None:
    # From 0 degrees: 30 is at cosine .866 and 60 at .5; their squares are 3/4 and 1/4. 0 degrees is not its own.
    nearest = neighbours(directions(0, 30, 60, 180), EVERYBODY, 2)
    np.testing.assert_allclose(nearest[0], [0, 0.75, 0.25, 0], atol=1e-6)
    np.testing.assert_allclose(nearest[3], [0, 0, 0, 0])


def test_only_sources_are_neighbours_but_everybody_has_some() -> None:
    sources = np.array([True, False, True, True])
    nearest = neighbours(directions(0, 4, 10, 80), sources, 1)
    np.testing.assert_allclose(nearest, [[0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]], atol=1e-6)


def test_scores_times_the_table_are_the_neighbours_mean() -> None:
    nearest = nearest_items(directions(0, 30, 60, 180), EVERYBODY, n=2)
    scores = np.array([[5, 1, 3, 9]], dtype=np.float32)
    assert (scores @ nearest)[0, 0] == pytest.approx(0.75 * 1 + 0.25 * 3)


def test_an_item_without_a_text_has_no_neighbours_and_is_none() -> None:
    nearest = neighbours(directions(0, np.nan, 10, 20), EVERYBODY, 1)
    assert not nearest[1].any()
    assert not nearest[:, 1].any()


def test_neighbours_that_are_tied_stay_together() -> None:
    # From 0: 30 and -30 are equally near; one place, and both have it.
    nearest = neighbours(directions(0, 30, -30, 80), EVERYBODY, 1)
    np.testing.assert_allclose(nearest[0], [0, 0.5, 0.5, 0], atol=1e-6)


def test_a_text_that_very_many_items_share_says_nothing_beside_what_is_nearer() -> None:
    texts = directions(0, 1, *[40] * 6)
    nearest = neighbours(texts, np.ones(8, dtype=np.bool_), 2)
    np.testing.assert_allclose(nearest[0], [0, 1, 0, 0, 0, 0, 0, 0], atol=1e-6)
    assert not nearest[5].any()


def test_blocks_of_many_items_agree_with_all_pairs() -> None:
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(1100, 6)).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    cosines = texts @ texts.T
    np.fill_diagonal(cosines, 0)
    expected = np.where(cosines >= np.sort(cosines, axis=1)[:, -7, None], np.maximum(cosines, 0), 0) ** 2
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(neighbours(texts, np.ones(1100, dtype=np.bool_), 7), expected, atol=1e-5)


@pytest.mark.parametrize("n_items", [0, 1])
def test_too_few_items_have_no_neighbours(n_items: int) -> None:
    nearest = nearest_items(np.ones((n_items, 3), np.float32), np.ones(n_items, dtype=np.bool_), n=5)
    assert nearest.shape == (n_items, n_items)
    assert not nearest.nnz


def test_without_texts_or_in_a_very_large_catalogue_nothing_is_compared() -> None:
    assert not nearest_items(np.zeros((9, 0), np.float32), np.ones(9, dtype=np.bool_), n=2).nnz
    assert not nearest_items(np.ones((30_001, 1), np.float32), np.ones(30_001, dtype=np.bool_), n=2).nnz
