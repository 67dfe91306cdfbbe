"""Titles are suggested while one is typed."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item, ItemId
from llmrec.ui.picker import Picker
from llmrec.ui.titles import TitleSearch
from llmrec.ui.words import words_in


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("ali", ["Alien (1979)", "Alien³ (1992)", "Aliens (1986)"]),
        ("  SABRINA ", ["Sabrina (1954)", "Sabrina (1995)"]),
        ("matr", ["The Matrix (1999)"]),
        ("amelie", ["Amélie (2001)"]),
        ("toi stor", ["Toy Story (1995)"]),
        ("", []),
        ("zzzzqqqq", []),
    ],
)
def test_beginnings_come_before_words_and_slips_are_forgiven(films: Catalogue, typed: str, titles: list[str]) -> None:
    found = [films[item_id].title for item_id in TitleSearch(films).suggest(typed)]
    assert sorted(found) == sorted(titles)


def test_a_megabyte_is_read_as_far_as_a_title_goes(films: Catalogue) -> None:
    assert len(TitleSearch(films).suggest("alien" + "x" * 1_000_000)) <= 8


def test_at_most_eight_are_suggested_shortest_first() -> None:
    many = Catalogue([Item(ItemId(str(n)), "Part " + "x" * n) for n in range(1, 30)])
    assert [str(i) for i in TitleSearch(many).suggest("part")] == [str(n) for n in range(1, 9)]


def test_the_list_says_that_nothing_is_called_like_that(films: Catalogue) -> None:
    picker = Picker(films)
    assert "No title like that here." in picker.list_html("zzzzqqqq", words_in("en"))
    assert 'role="option"' not in picker.list_html("", words_in("en"))
    assert "&lt;b&gt;" in Picker(Catalogue([Item(ItemId("1"), "<b>bold")])).list_html("bold", words_in("en"))
