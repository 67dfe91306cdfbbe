"""Critiques become conditions where the catalogue measures what they speak of, and soft wishes where it does not."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item, ItemId
from tests.dialogue.reading_out import read_out, say, shown, tracker_of


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    rows = [
        ("1", "Oak Lamp", 40, 1990, 2),
        ("2", "Tin Lamp", 20, 2005, 1),
        ("3", "Glass Lamp", 90, 2020, 3),
    ]
    return Catalogue(
        [Item(ItemId(i), title, {"price": price, "year": year, "weight": kg}) for i, title, price, year, kg in rows]
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("cheaper", "price < 40; note"),
        ("something cheaper please", "price < 40; note"),
        ("too expensive", "price < 40; note"),
        ("not so expensive", "price < 40; note"),
        ("pricier", "price > 40; note"),
        ("newer", "year > 1990; note"),
        ("too old for me", "year > 1990; note"),
        ("newer than the Tin Lamp", "year > 2005; note"),
        ("cheaper than Glass Lamp", "price < 90; note"),
        ("lighter", "weight < 2; note"),
        ("a lower price", "price < 40; note"),
        ("cheaper than 30", "price < 30"),
        ("newer than 2010", "year > 2010"),
        ("an older man", '"an older man"'),
    ],
)
def test_a_comparison_after_one_card_is_a_condition(shop: Catalogue, message: str, expected: str) -> None:
    assert read_out(say(tracker_of(shop), message, profile=shown("1"))) == expected


def test_a_comparison_goes_beyond_all_cards_where_anything_is_left(shop: Catalogue) -> None:
    assert read_out(say(tracker_of(shop), "newer", profile=shown("1", "2"))) == "year > 2005; note"


def test_a_comparison_goes_as_far_as_something_is_left(shop: Catalogue) -> None:
    more = Catalogue([*shop.values(), Item(ItemId("4"), "Clay Lamp", {"price": 30})])
    assert read_out(say(tracker_of(more), "cheaper", profile=shown("1", "2"))) == "price < 40; note"


def test_like_a_title_but_newer_compares_with_that_title(shop: Catalogue) -> None:
    assert read_out(say(tracker_of(shop), "something like the Oak Lamp but newer")) == "+1; year > 1990; note"


def test_a_comparison_replaces_a_bound_that_it_breaks(shop: Catalogue) -> None:
    tracker = tracker_of(shop)
    profile = say(tracker, "before 1995", profile=shown("1")).profile
    assert read_out(say(tracker, "newer", profile=profile)) == "year > 1990; note"


def test_an_unwanted_kind_is_excluded(films: Catalogue) -> None:
    assert read_out(say(tracker_of(films), "too scary", profile=shown("2"))) == "genres != Horror; note"
    assert read_out(say(tracker_of(films), "less romantic", profile=shown("8"))) == "genres != Romance; note"


def test_an_unwanted_quality_becomes_its_opposite_and_takes_its_own_words_away(films: Catalogue) -> None:
    tracker = tracker_of(films)
    assert read_out(say(tracker, "a bleak film", "too bleak", profile=shown("2"))) == '"light, hopeful"; note'


def test_a_quality_without_a_known_opposite_is_said_to_be_beyond_reach(films: Catalogue) -> None:
    understanding = say(tracker_of(films), "too purple", profile=shown("2"))
    assert understanding.notes == ('I cannot act on "too purple": nothing that is recorded of the items says it.',)


def test_me_too_is_no_critique(films: Catalogue) -> None:
    acts = say(tracker_of(films), "I liked Alien too and Heat", profile=shown("9")).acts
    assert "critique" not in {act.kind for act in acts}
