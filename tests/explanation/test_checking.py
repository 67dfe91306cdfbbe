import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.checking import CoverageChecker
from llmrec.types import Evidence, ItemId

SCREAM = ItemId("6")
EVIDENCE = (
    Evidence("constraint", "it is from 1996, within 1990 to 1999", "year", "1996"),
    Evidence("wish", '"scary" fits its description', "description", "scary"),
    Evidence("shared_fact", "it shares Horror with Alien (1979), which you loved", "genres", "Horror", ItemId("2")),
)


@pytest.fixture(scope="module")
def checker(films: Catalogue) -> CoverageChecker:
    return CoverageChecker(films)


@pytest.mark.parametrize(
    "text",
    [
        "From 1996, within 1990 to 1999; shares Horror with Alien (1979), which you loved.",
        "Scream (1996) is a scary pick for fans of Alien.",
        "Because you loved Alien, you might enjoy this scary horror from 1996.",
        "It's scary, and it shares Horror with Alien (1979)!",
    ],
)
def test_words_of_the_evidence_pass(films: Catalogue, checker: CoverageChecker, text: str) -> None:
    report = checker.check(text, EVIDENCE, films[SCREAM])
    assert (report.ok, report.uncovered) == (True, ())


@pytest.mark.parametrize(
    ("text", "uncovered"),
    [
        ("A scary one like The Matrix.", "Matrix"),
        ("A scary one like Toy Story.", "Toy Story"),
        ("Scary, with Neve Campbell.", "Neve"),
        ("Directed to be scary.", "Directed"),
        ("A scary comedy from 1996.", "comedy"),
        ("A scary one from 1997.", "1997"),
        ("A scary one from 1979.", "1979"),
        ("Scary, and 5 people like it.", "5"),
        ("An award for scary horror.", "award"),
        ("It is not scary.", "not"),
        ("A scary masterpiece.", "masterpiece"),
        ("Scary, the best of the nineties.", "best"),
        ("A scary one for a Match.", "Match"),
        ("", "nothing is said"),
        ("...", "nothing is said"),
        ("Scary, see www.example.com", "a web address"),
        ("Scary, see https://a.b", "a web address"),
        ("<b>Scary</b>", "markup"),
        ("**Scary**", "markup"),
        ("[Scary](x)", "markup"),
        ("Scary scary scary scary.", "repetition"),
        ("It is scary and it is scary.", "repetition"),
        ("Scary " + "and " * 50, "too long"),
    ],
)
def test_what_the_evidence_does_not_hold_is_named(
    films: Catalogue, checker: CoverageChecker, text: str, uncovered: str
) -> None:
    report = checker.check(text, EVIDENCE, films[SCREAM])
    assert not report.ok
    assert uncovered in report.uncovered


def test_without_evidence_only_the_own_title_may_be_said(films: Catalogue) -> None:
    assert CoverageChecker(films).check("You might like Scream.", (), films[SCREAM]).ok
    assert not CoverageChecker(films).check("You might like scary things.", (), films[SCREAM]).ok


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=100))
def test_a_title_a_genre_or_a_year_from_outside_never_passes(films: Catalogue, text: str) -> None:
    for claim in ("Toy Story", "Comedy", "2001", "Spielberg"):
        assert not CoverageChecker(films).check(f"{text} {claim}", EVIDENCE, films[SCREAM]).ok
