import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrec.data.titles import split_year, title_key, title_keys, uninvert


@pytest.mark.parametrize(
    ("inverted", "upright"),
    [
        ("Matrix, The (1999)", "The Matrix (1999)"),
        ("Good, the Bad and the Ugly, The (1966)", "The Good, the Bad and the Ugly (1966)"),
        ("Misérables, Les (1995)", "Les Misérables (1995)"),
        ("Star Maker, The (Uomo delle stelle, L') (1995)", "The Star Maker (L'Uomo delle stelle) (1995)"),
        (
            "Double vie de Véronique, La (Double Life of Veronique, The) (1991)",
            "La Double vie de Véronique (The Double Life of Veronique) (1991)",
        ),
        ("City of the Dead (a.k.a. Gates of Hell, The) (1980)", "City of the Dead (a.k.a. The Gates of Hell) (1980)"),
        ("Bridge Too Far, A (1977)", "A Bridge Too Far (1977)"),
        ("Matrix, The", "The Matrix"),
        ("MATRIX, THE (1999)", "THE MATRIX (1999)"),
        ("Convent, The (Convento, O) (1995)", "The Convent (O Convento) (1995)"),
    ],
)
def test_an_article_behind_a_comma_goes_to_the_front(inverted: str, upright: str) -> None:
    assert uninvert(inverted) == upright
    assert uninvert(upright) == upright


@pytest.mark.parametrize(
    "title",
    [
        "Lock, Stock and Two Smoking Barrels (1998)",
        "Lock, Stock",
        "Me, Myself & I",
        "The Hunger Games (The Hunger Games, #1)",
        "Toy Story (1995)",
        "(500) Days of Summer (2009)",
        "Film (odd (nesting)) (1999)",
        ", The",
        "",
        "())(",
    ],
)
def test_other_titles_stay_as_they_are(title: str) -> None:
    assert uninvert(title) == title


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Toy Story (1995)", ("Toy Story", 1995)),
        ("1984 (1956) ", ("1984", 1956)),
        ("Blade Runner 2049", ("Blade Runner 2049", None)),
        ("Ben-Hur (1869)", ("Ben-Hur (1869)", None)),
        ("Far (2101)", ("Far (2101)", None)),
        ("Death Note (2006\u20132007)", ("Death Note (2006\u20132007)", None)),
        ("(1995)", ("(1995)", None)),
        ("Arabic digits (١٩٩٥)", ("Arabic digits (١٩٩٥)", None)),
    ],
)
def test_a_closing_year_is_split_off(title: str, parts: tuple[str, int | None]) -> None:
    assert split_year(title) == parts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Matrix, The (1999)", "the matrix"),
        ("Amélie (2001)", "Amelie"),
        ("Dumb & Dumber", "Dumb and Dumber (1994)"),
        ("Schindler\u2019s List", "Schindlers List"),
        ("Alien³ (1992)", "Alien 3"),
        ("8½ (1963)", "8 1/2"),
        ("WALL·E", "wall-e"),
        ("L'avventura", "Avventura, L'"),
        ("Straße", "STRASSE"),
        ("Søren", "Soren"),
        ("Les Misérables", "Miserables, Les (1995)"),
    ],
)
def test_spellings_of_one_title_share_a_key(one: str, other: str) -> None:
    assert title_key(one) == title_key(other)


@pytest.mark.parametrize("title", ["!!!", "千と千尋の神隠し", "???  (1999)", "The", "A", "🎬", "हम आपके"])
def test_a_title_without_latin_letters_keeps_a_key(title: str) -> None:
    assert title_key(title)


def test_different_titles_have_different_keys() -> None:
    titles = ["!!!", "???", "Die Hard", "Hard", "千と千尋", "が", "か", "The The", "Alien", "Aliens"]
    assert len({title_key(title) for title in titles}) == len(titles)


def test_second_titles_have_keys_of_their_own() -> None:
    assert title_keys("Seven (a.k.a. Se7en) (1995)") == ("seven a k a se7en", "seven", "se7en")
    assert title_keys("Toy Story (1995)") == ("toy story",)


@given(st.text())
def test_no_text_breaks_a_title_function(text: str) -> None:
    uninvert(text)
    split_year(text)
    assert title_key(text) or not text.strip()
