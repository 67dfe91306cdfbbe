"""What a user's items have in common, counted by hand."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.insights.taste import kind_fields, kinds_of, number_fields, numbers_of, split_of
from llmrec.types import Item, ItemId


def test_kinds_stand_beside_their_share_in_the_catalogue(films: Catalogue) -> None:
    # Alien and Scream: both Horror. Of ten films three are Horror and four Sci-Fi.
    bars = kinds_of([films[ItemId("2")], films[ItemId("6")]], films, "genres")
    assert dict(zip(bars.labels, bars.counts, strict=True)) == {"Horror": 2, "Sci-Fi": 1, "Comedy": 1}
    assert bars.labels[0] == "Horror"
    assert bars.shares[0] == 1.0
    assert bars.usual[0] == pytest.approx(0.3)


def test_years_are_counted_by_decade_and_only_decades_that_exist_are_shown(films: Catalogue) -> None:
    year = films.fields["year"]
    bars = numbers_of([films[ItemId("2")], films[ItemId("4")], films[ItemId("5")]], films, year)
    assert bars.labels == ("1950s", "1970s", "1980s", "1990s", "2000s")
    assert bars.counts == (0, 1, 0, 2, 0)


def test_other_numbers_are_counted_in_equal_parts_of_their_range() -> None:
    shop = Catalogue([Item(ItemId(str(n)), f"Mug {n}", {"price": price}) for n, price in enumerate((0, 10, 60))])
    bars = numbers_of(list(shop.values()), shop, shop.fields["price"])
    assert bars.labels == ("0 to 10", "10 to 20", "50 to 60")
    assert bars.counts == (1, 1, 1)


def test_a_split_divides_each_item_among_its_values(films: Catalogue) -> None:
    # Alien is half Horror, half Sci-Fi; Scream half Horror, half Comedy.
    shares = dict(split_of([films[ItemId("2")], films[ItemId("6")]], "genres"))
    assert shares == {"Horror": 0.5, "Sci-Fi": 0.25, "Comedy": 0.25}


def test_nothing_liked_divides_into_nothing(films: Catalogue) -> None:
    assert split_of([], "genres") == ()
    assert kinds_of([], films, "genres").labels == ()


def test_only_what_sorts_items_is_a_kind(films: Catalogue) -> None:
    assert [field.name for field in kind_fields(films)] == ["genres"]
    assert [field.name for field in number_fields(films)] == ["year"]
    named = Catalogue([Item(ItemId("1"), "A", {"maker": "x"}), Item(ItemId("2"), "B", {"maker": "y"})])
    assert kind_fields(named) == ()
