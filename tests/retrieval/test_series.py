"""Series, read from titles."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.series import names_series, series_key, series_of
from llmrec.types import Item, ItemId


def keys(*titles: str) -> list[str]:
    return list(series_of(Catalogue([Item(ItemId(str(n)), title) for n, title in enumerate(titles)])).values())


@pytest.mark.parametrize(
    "titles",
    [
        ("Alien (1979)", "Aliens (1986)", "Alien³ (1992)", "Alien 3 (1992)", "Alien: Resurrection (1997)"),
        ("Star Trek: First Contact (1996)", "Star Trek IV: The Voyage Home (1986)", "Star Trek V"),
        ("Toy Story (1995)", "Toy Story 2 (1999)"),
        ("Die Hard (1988)", "Die Hard: With a Vengeance (1995)", "Die Hard 2"),
        ("The Godfather (1972)", "The Godfather: Part II (1974)", "Godfather, The"),
        ("Kill Bill: Vol. 1", "Kill Bill: Vol. 2"),
        ("Back to the Future", "Back to the Future Part III"),
        ("Star Wars (1977)", "Star Wars: Episode V - The Empire Strikes Back"),
        ("Mission: Impossible", "Mission: Impossible 2", "Mission: Impossible - Fallout"),
        ("The Goblet (Harry Potter, #4)", "The Stone (Harry Potter, #1)", "The Chamber (Harry Potter #2)"),
        ("Dune (Dune Chronicles #1)", "Dune Messiah (Dune Chronicles #2)"),
        ("Sabrina (1954)", "Sabrina (1995)"),
    ],
)
def test_titles_of_one_series_share_a_key(titles: tuple[str, ...]) -> None:
    assert len(set(keys(*titles))) == 1


@pytest.mark.parametrize(
    "titles",
    [
        ("Home Alone (1990)", "Home for the Holidays (1995)"),
        ("Malcolm X (1992)", "Malcolm (1986)"),
        ("American History X", "American History"),
        ("2001: A Space Odyssey", "2010"),
        ("Blade Runner 2049", "Blade Runner"),
        ("Mission: Impossible", "The Mission Report"),
        ("Dangerous: A Story", "Dangerous: Another Story"),
        ("X2", "X-Men"),
        ("1984", "1985"),
        ("Toy Story", "Toy Soldiers"),
    ],
)
def test_titles_that_only_look_alike_do_not(titles: tuple[str, str]) -> None:
    assert len(set(keys(*titles))) == 2


def test_a_single_word_before_a_colon_needs_an_item_of_that_name() -> None:
    assert series_key("Alien: Resurrection (1997)") == "alien resurrection"
    assert series_key("Alien: Resurrection (1997)", wholes={"alien"}) == "alien"


@pytest.mark.parametrize("title", ["", "(1999)", "???", "夜", "II", "#1", ":"])
def test_odd_titles_do_no_harm(title: str) -> None:
    assert isinstance(keys(title)[0], str)


def test_a_series_is_named_by_its_words_side_by_side() -> None:
    assert names_series("more Star Trek films", "star trek")
    assert names_series("Toy Stories!", "toy story") is True
    assert not names_series("a trek to a star", "star trek")
    assert not names_series("anything", "")
