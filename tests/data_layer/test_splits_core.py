import os
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.sources import read_dataset
from llmrec.data.splits import k_core, prepared, without_repeats
from llmrec.errors import ConfigError, DataError
from llmrec.types import Interaction, Item, ItemId, UserId

CATALOGUE = Catalogue(Item(ItemId(name), name.upper()) for name in "abcd")


def met(*pairs: str) -> Interactions:
    """`ua` is user u and item a; a later pair is later in time."""
    rows = (Interaction(UserId(p[0]), ItemId(p[1]), 1.0, float(at)) for at, p in enumerate(pairs))
    return Interactions.from_rows(rows, CATALOGUE)


def pairs(interactions: Interactions) -> list[str]:
    return [
        interactions.user_ids[user] + interactions.item_ids[item]
        for user, item in zip(interactions.users, interactions.items, strict=True)
    ]


def test_a_core_is_dropped_to_until_everyone_has_enough() -> None:
    # c is met once, so it goes; then w has one item left and goes; then b has x alone left, and so on down to u and v.
    rows = met("ua", "ud", "va", "vd", "wc", "wb", "xb", "xa")
    assert pairs(k_core(rows, 2)) == ["ua", "ud", "va", "vd"]


def test_a_core_of_nothing_is_everything() -> None:
    rows = met("ua", "vb")
    assert pairs(k_core(rows, 0)) == ["ua", "vb"]
    assert pairs(k_core(rows, 1)) == ["ua", "vb"]
    assert not len(k_core(rows, 2))


def test_a_negative_core_is_refused() -> None:
    with pytest.raises(ConfigError, match="core is -1"):
        k_core(met("ua"), -1)


def test_of_a_repeated_pair_the_first_stays() -> None:
    left = without_repeats(met("ua", "ub", "ua", "va"))
    assert pairs(left) == ["ua", "ub", "va"]
    assert left.at.tolist() == [0.0, 1.0, 3.0]


def test_what_is_prepared_has_only_what_survived_numbered_anew() -> None:
    ready = prepared(CATALOGUE, met("tc", "ud", "ua", "va", "ud", "vd"), core=2)
    assert list(ready.catalogue) == ["a", "d"]
    assert ready.catalogue[ItemId("d")].title == "D"
    assert ready.interactions.item_ids == ready.catalogue.ids
    assert ready.interactions.user_ids == ("u", "v")
    assert pairs(ready.interactions) == ["ud", "ua", "va", "vd"]
    assert (ready.core, ready.n_repeats) == (2, 1)


def test_without_a_core_the_whole_catalogue_is_ranked() -> None:
    ready = prepared(CATALOGUE, met("ua", "ub", "ua"), core=0)
    assert ready.catalogue.ids == CATALOGUE.ids
    assert pairs(ready.interactions) == ["ua", "ub"]
    assert ready.n_repeats == 1


def test_a_repeat_does_not_help_a_user_into_the_core() -> None:
    with pytest.raises(
        DataError, match=r"none of 2 interactions is left .* must have 2\. Give a lower --core; 0 keeps all"
    ):
        prepared(CATALOGUE, met("ua", "ua"), core=2)


def test_data_without_interactions_is_not_said_to_need_a_lower_core() -> None:
    for core in (0, 5):
        with pytest.raises(DataError, match="there are no interactions to evaluate on"):
            prepared(CATALOGUE, met(), core=core)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "core", "n_users", "n_items", "n_interactions", "n_repeats"),
    [
        ("movielens-100k", 5, 943, 1349, 99287, 0),
        ("movielens-latest-small", 5, 610, 3650, 90274, 0),
        ("amazon-games", 0, 50546, 16859, 440264, 0),
        ("goodbooks-10k", 5, 35659, 10000, 930605, 2278),
    ],
)
def test_real_data_has_the_published_core(
    name: str, core: int, n_users: int, n_items: int, n_interactions: int, n_repeats: int
) -> None:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA names no data directory")
    dataset = read_dataset(name, Path(directory))
    ready = prepared(dataset.catalogue, dataset.interactions, core=core)
    left = ready.interactions
    assert (len(left.user_ids), len(left.item_ids), len(left)) == (n_users, n_items, n_interactions)
    assert ready.n_repeats == n_repeats
    assert min(np.bincount(left.users).min(), np.bincount(left.items, minlength=n_items).min()) >= core
