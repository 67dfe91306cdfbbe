"""What may be shown."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import ItemFilter
from llmrec.retrieval.filters import HardFilter
from llmrec.types import Constraint, Item, ItemId, Profile, Query, WishEntry
from tests.contracts.item_filter import HORROR, ItemFilterContract, entries, ranked, stated


class TestHardFilter(ItemFilterContract):
    @pytest.fixture
    def item_filter(self, films: Catalogue) -> ItemFilter:
        return HardFilter(films)


def test_unavailable_items_are_kept_out_twice() -> None:
    shop = Catalogue([Item(ItemId("a"), "Lamp", available=False), Item(ItemId("b"), "Chair")])
    allowed = HardFilter(shop).allowed(Query())
    assert allowed.mask.tolist() == [False, True]
    allowed.mask[0] = True
    assert HardFilter(shop).select(Query(), allowed, ranked(shop), 5) == ("b",)


def test_liked_items_are_known_and_kept_out(films: Catalogue) -> None:
    allowed = HardFilter(films).allowed(Query(profile=Profile(liked=entries("9"))))
    assert not allowed.mask[films.position(ItemId("9"))]


def test_the_fewest_constraints_are_given_up_and_the_oldest_of_as_few(films: Catalogue) -> None:
    old, romance = Constraint("year", "$lt", 1960), Constraint("genres", "$eq", "Romance")
    # Dropping HORROR alone leaves Sabrina (1954); dropping either of the others leaves nothing.
    assert HardFilter(films).allowed(Query(profile=stated(old, romance, HORROR))).relaxed == (HORROR,)
    crime, animation = Constraint("genres", "$eq", "Crime"), Constraint("genres", "$eq", "Animation")
    assert HardFilter(films).allowed(Query(profile=stated(crime, animation))).relaxed == (crime,)
    # Both ends of a period are one wish: half of it is no compromise.
    since, until = Constraint("year", "$gte", 1800), Constraint("year", "$lte", 1899)
    assert HardFilter(films).allowed(Query(profile=stated(since, until, HORROR))).relaxed == (since, until)
    # Three that exclude each other: two must go, the oldest two.
    assert HardFilter(films).allowed(Query(profile=stated(crime, animation, HORROR))).relaxed == (crime, animation)


def test_a_given_up_constraint_does_not_stop_the_selection(films: Catalogue) -> None:
    query = Query(profile=stated(Constraint("year", "$lt", 1900), HORROR))
    item_filter = HardFilter(films)
    assert item_filter.select(query, item_filter.allowed(query), ranked(films), 10) == ("2", "4", "6")


def test_what_the_caller_demands_outlives_the_same_wish_given_up(films: Catalogue) -> None:
    allowed = HardFilter(films).allowed(Query(profile=stated(HORROR, Constraint("year", "$lt", 1900))))
    query = Query(constraints=(Constraint("year", "$lt", 1900),), profile=stated(HORROR))
    assert HardFilter(films).select(query, allowed, ranked(films), 10) == ()


def test_a_third_of_a_series_is_shown_to_those_who_ask(films: Catalogue) -> None:
    item_filter, ranking = HardFilter(films), ranked(films, "2", "3", "4", "9")
    asking = Query(profile=Profile(wishes=(WishEntry("all the Alien ones", 0),)))
    assert item_filter.select(asking, item_filter.allowed(asking), ranking, 9) == ("2", "3", "4", "9")
    fond = Query(profile=Profile(liked=entries("2", "3")), filter_viewed=False)
    assert item_filter.select(fond, item_filter.allowed(fond), ranking, 9) == ("2", "3", "4", "9")


def test_of_items_that_are_displayed_alike_one_is_shown() -> None:
    names = [
        ("a", "Lamp", 9),
        ("b", "Lamp", 9),
        ("c", "Lamp", 12),
        ("d", "Chair", 9),
        ("e", "Stool", 9),
        ("f", "Rug", 9),
    ]
    shop = Catalogue([Item(ItemId(item_id), title, {"price": price}) for item_id, title, price in names])
    item_filter, ranking = HardFilter(shop), ranked(shop)
    allowed = item_filter.allowed(Query())
    assert item_filter.select(Query(), allowed, ranking, 4) == ("a", "c", "d", "e")
    assert item_filter.select(Query(), allowed, ranking, 6) == ("a", "b", "c", "d", "e", "f")
    seen = Query(profile=Profile(seen=entries("a")))
    assert item_filter.select(seen, item_filter.allowed(seen), ranking, 3) == ("c", "d", "e")
