import time

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import Item, ItemId, Profile, Turn


def catalogue_of(*titles: str) -> Catalogue:
    return Catalogue([Item(ItemId(str(number)), title) for number, title in enumerate(titles, start=1)])


@pytest.fixture(scope="module")
def titles(films: Catalogue) -> TitleIndex:
    return TitleIndex(films)


@pytest.mark.parametrize(
    ("typed", "item_ids"),
    [
        ("Alien", ("2",)),
        ("alien", ("2",)),
        ("Aliens", ("3",)),
        ("The Matrix", ("5",)),
        ("matrix", ("5",)),
        ("Amelie", ("10",)),
        ("Alien 3", ("4",)),
        ("Sabrina", ("7", "8")),
        ("Sabrina 1995", ("8",)),
        ("Sabrina (1995)", ("8",)),
        ("Sabrina, 1954", ("7",)),
        ('"Heat"', ("9",)),
    ],
)
def test_a_title_is_found_exactly(titles: TitleIndex, typed: str, item_ids: tuple[str, ...]) -> None:
    match = titles.resolve(typed)
    assert (match.item_ids, match.exact, match.score) == (item_ids, True, 1.0)


def test_a_misspelt_title_is_close_and_not_exact(titles: TitleIndex) -> None:
    match = titles.resolve("Toy Stroy")
    assert match.item_ids == ("1",)
    assert match.is_close
    assert not match.exact


def test_a_wrong_year_is_near_and_not_close(titles: TitleIndex) -> None:
    match = titles.resolve("Alien (1985)")
    assert match.item_ids == ("2",)
    assert not match.is_close


def test_another_number_is_another_title() -> None:
    assert not TitleIndex(catalogue_of("Rocky III (1982)", "Rocky 3 (1982)")).resolve("Rocky 4").is_close


def test_a_title_is_found_by_its_second_title_and_its_first_part() -> None:
    titles = TitleIndex(catalogue_of("Seven (Se7en) (1995)", "Alien: Resurrection (1997)", "Solo: A Story (2018)"))
    assert titles.resolve("Se7en").item_ids == ("1",)
    assert titles.resolve("Seven").item_ids == ("1",)
    assert titles.resolve("Solo").item_ids == ("3",)


def test_an_exact_title_beats_the_first_part_of_a_longer_one() -> None:
    titles = TitleIndex(catalogue_of("Alien: Resurrection (1997)", "Alien (1979)"))
    assert titles.resolve("Alien").item_ids == ("2",)


def test_a_year_that_belongs_to_the_title_is_no_year() -> None:
    titles = TitleIndex(catalogue_of("Blade Runner 2049 (2017)", "Blade Runner (1982)", "1984 (1956)"))
    assert titles.resolve("Blade Runner 2049").item_ids == ("1",)
    assert titles.resolve("1984").item_ids == ("3",)


def test_the_year_may_come_from_the_facts() -> None:
    titles = TitleIndex(
        Catalogue([Item(ItemId("1"), "Dune", {"year": 1965}), Item(ItemId("2"), "Dune", {"year": 2021})])
    )
    assert titles.resolve("Dune 2021").item_ids == ("2",)


def test_an_empty_catalogue_finds_nothing() -> None:
    match = TitleIndex(Catalogue([])).resolve("Alien")
    assert (match.item_ids, match.exact, match.is_close) == ((), False, False)


@pytest.mark.parametrize("typed", ["", " ", "(1995)", "1995", "\n", "'", "x" * 10_000])
def test_odd_input_is_no_error(titles: TitleIndex, typed: str) -> None:
    assert not titles.resolve(typed).exact


def test_a_message_over_ten_thousand_titles_is_read_fast() -> None:
    many = catalogue_of(*(f"Title {n} of the {'great' * (n % 7)} collection ({1900 + n % 120})" for n in range(10_000)))
    tracker = GrammarTracker(many, TitleIndex(many))
    started = time.process_time()
    for _ in range(10):
        tracker.update(Profile(), Turn("user", "a scary one from the 90s, I loved Title 77 of the collection"), index=0)
    assert (time.process_time() - started) / 10 < 0.5  # about 0.01 s on an idle core
