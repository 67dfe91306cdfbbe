import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import constraint_text
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.types import Item, ItemId

FACTS = {"year": 1997, "price": 12.5, "pages": 300, "genres": ("Horror", "Sci-Fi", "Film-Noir", "Children's", "War")}
MORE = {"year": 2020, "price": 5.0, "pages": 90, "genres": ("Comedy", "Romance", "unknown"), "language": "English"}


@pytest.fixture(scope="module")
def grammar() -> ConstraintGrammar:
    return ConstraintGrammar(Catalogue([Item(ItemId("1"), "One", FACTS), Item(ItemId("2"), "Two", MORE)]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("late 80s", "year >= 1986; year <= 1989"),
        ("the early '60s", "year >= 1960; year <= 1963"),
        ("the 20s", "year >= 2020; year <= 2029"),
        ("the 10s", "year >= 2010; year <= 2019"),
        ("the 00s", "year >= 2000; year <= 2009"),
        ("the 2000s", "year >= 2000; year <= 2009"),
        ("19th century", "year >= 1800; year <= 1899"),
        ("1990-1995", "year >= 1990; year <= 1995"),
        ("from 1990 to 1995", "year >= 1990; year <= 1995"),
        ("from the 80s to the 90s", "year >= 1980; year <= 1999"),
        ("after the 90s", "year > 1999"),
        ("before the 80s", "year < 1980"),
        ("1990 or later", "year >= 1990"),
        ("1990 or earlier", "year <= 1990"),
        ("up to 1990", "year <= 1990"),
        ("no later than 1985", "year <= 1985"),
        ("nothing before 1985", "year >= 1985"),
        ("not 1994", "year != 1994"),
        ("around 1990", "year >= 1988; year <= 1992"),
        ("in 1994 or 1996", "year = 1994|1996"),
        ("1994 and 1995", "year >= 1994; year <= 1995"),
        ("a 1500 dollars thing", ""),
        ("year > 1990", "year > 1990"),
        ("under $20", "price < 20"),
        ("cheaper than 20", "price < 20"),
        ("at most 9.99 euros", "price <= 9.99"),
        ("10 dollars or less", "price <= 10"),
        ("price between 5 and 10", "price >= 5; price <= 10"),
        ("fewer than 1,000 pages", "pages < 1000"),
        ("over 100 minutes", ""),
        ("more than 3 friends", ""),
        ("film noir", "genres = Film-Noir"),
        ("noir", "genres = Film-Noir"),
        ("sci-fi", "genres = Sci-Fi"),
        ("for kids", "genres = Children's"),
        ("a rom-com", "genres = Romance; genres = Comedy"),
        ("neither horror nor war", "genres != Horror; genres != War"),
        ("no horror, comedy please", "genres != Horror; genres = Comedy"),
        ("no horror, war or romance", "genres != Horror; genres != War; genres != Romance"),
        ("not horror but comedy", "genres != Horror; genres = Comedy"),
        ("nothing but horror", "genres = Horror"),
        ("everything except war", "genres != War"),
        ("horror, comedy or war", "genres = Horror|Comedy|War"),
        ("horrors and comedies", "genres = Horror|Comedy"),
        ("not just horror", ""),
        ("not a light comedy", ""),
        ("not too much romance", ""),
        ("with a bit of romance", ""),
        ("a book about war", ""),
        ("anti-war", ""),
        ("unknown", ""),
        ("an English comedy", "language = English; genres = Comedy"),
        ("", ""),
    ],
)
def test_conditions_are_read_exactly(grammar: ConstraintGrammar, text: str, expected: str) -> None:
    constraints = [constraint for reading in grammar.read(text) for constraint in reading.constraints]
    assert "; ".join(constraint_text(constraint) for constraint in constraints) == expected


def test_the_twenties_are_of_the_last_century_in_an_old_catalogue() -> None:
    old = ConstraintGrammar(Catalogue([Item(ItemId("1"), "One", {"year": 1998})]))
    (reading,) = old.read("from the 20s")
    assert [constraint.value for constraint in reading.constraints] == [1920, 1929]


def test_a_number_field_in_the_range_of_years_is_the_year() -> None:
    grammar = ConstraintGrammar(Catalogue([Item(ItemId("1"), "One", {"made": 1937, "price": 3})]))
    (reading,) = grammar.read("before 1950")
    assert reading.constraints[0].field == "made"


def test_one_lower_case_word_is_no_condition_on_a_field_of_many_tags() -> None:
    items = [Item(ItemId(str(n)), f"Item {n}", {"tags": (f"tag{n}x", "dark")}) for n in range(150)]
    assert ConstraintGrammar(Catalogue(items)).read("something dark") == ()


def test_a_wanted_value_stays_in_the_wish_and_an_excluded_one_does_not(grammar: ConstraintGrammar) -> None:
    assert [reading.keep for reading in grammar.read("horror but no romance from 1990")] == [True, False, False]
