"""Facts, constraints and links in words."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Constraint, FactValue, Item, ItemId
from llmrec.ui.examples import example_prompts
from llmrec.ui.wording import clipped, constraint_words, fact_chips, link_host
from llmrec.ui.words import words_in

BOOKS = Catalogue(
    [
        Item(ItemId("a"), "Dune", {"year": 1965, "pages": 612, "price": 9.5, "shelf": ("space", "sand"), "new": True}),
        Item(ItemId("b"), "Emma", {"year": 1815, "pages": 474, "shelf": ("love", "sand"), "new": False}),
        Item(ItemId("c"), "Ulysses", {"year": 1922, "author": "J. " + "Joyce " * 10, "shelf": ("sand", "love", "wit")}),
        Item(ItemId("d"), "It", {"year": 1986, "shelf": ("sand",)}),
        Item(ItemId("e"), "Ada", {"year": 1969, "shelf": ("sand",)}),
    ]
)


def test_chips_name_numbers_but_not_years_and_leave_out_what_is_long_or_false() -> None:
    chips = {item_id: [words for _, words in fact_chips(BOOKS[ItemId(item_id)], BOOKS)] for item_id in "abc"}
    assert chips == {
        "a": ["1965", "pages 612", "price 9.5", "space", "sand", "new"],
        "b": ["1815", "pages 474", "love", "sand"],
        "c": ["1922", "sand", "love", "wit"],
    }


def test_a_year_in_the_title_is_not_said_twice(films: Catalogue) -> None:
    assert [words for _, words in fact_chips(films[ItemId("2")], films)] == ["Horror", "Sci-Fi"]


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (Constraint("year", "$gte", 1990.0), "year ≥ 1990"),
        (Constraint("price", "$lt", 9.5), "price < 9.5"),
        (Constraint("genres", "$ne", "Horror"), "genres is not Horror"),
        (Constraint("genres", "$in", ("Drama", "War")), "genres is one of Drama, War"),
        (Constraint("new", "$eq", True), "new is yes"),
    ],
)
def test_constraints_read_as_phrases(constraint: Constraint, words: str) -> None:
    assert constraint_words(constraint, words_in("en")) == words


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://shop.example/a?b=c", "shop.example"),
        ("http://shop.example:8080/", "shop.example"),
        ("", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//shop.example/a", ""),
        ("https://good.example@evil.example/", ""),
        ("https://shop.example/a b", ""),
        ("java\nscript:alert(1)", ""),
        ("https://[bad", ""),
        ("ftp://shop.example", ""),
    ],
)
def test_only_plain_web_addresses_have_a_host_to_show(url: str, host: str) -> None:
    assert link_host(url) == host


def test_long_text_is_cut_at_a_word() -> None:
    assert clipped("one two,  three", max_chars=10) == "one two …"
    assert clipped("one\ntwo", max_chars=10) == "one two"


def test_examples_come_from_the_catalogues_own_facts(films: Catalogue) -> None:
    assert example_prompts(films, words_in("en")) == (
        "Comedy from the 1990s",
        "Sci-Fi, but no Horror",
        "I loved Toy Story (1995). What is like it?",
        "Surprise me",
    )
    assert example_prompts(BOOKS, words_in("en"))[:2] == ("sand from the 1960s", "love, but no space")


def test_bare_catalogues_still_have_an_example() -> None:
    facts: list[dict[str, FactValue]] = [{}, {"stock": 4}]
    items = [Item(ItemId(str(number)), f"Thing {number}", fact) for number, fact in enumerate(facts)]
    assert example_prompts(Catalogue(items), words_in("en")) == ("I loved Thing 1. What is like it?", "Surprise me")
    assert example_prompts(Catalogue([]), words_in("en")) == ("Surprise me",)
