"""Misspellings that are put right, and those that are left alone."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.slips import respelt, slips_of
from tests.dialogue.reading_out import read_out, say, tracker_of


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ive seen it", "i've seen it"),
        ("Dont like teh second", "Don't like the second"),
        ("somthing liek Heat", "something like Heat"),
        ("a tehran story", "a tehran story"),
        ("we were ill", "we were ill"),
        ("i'm fine", "i'm fine"),
    ],
)
def test_everyday_words_are_put_right_and_others_left(typed: str, meant: str) -> None:
    assert respelt(typed) == meant


def test_a_slip_misses_doubles_or_swaps_a_letter_but_the_first() -> None:
    found = set(slips_of("crime"))
    assert found == {
        "cime", "crme", "crie", "crim", "crrime", "criime", "crimme", "crimee", "cirme", "crmie", "criem",
    }  # fmt: skip


def test_what_is_a_word_of_its_own_is_no_slip() -> None:
    assert "back" not in set(slips_of("black"))
    assert "balck" in set(slips_of("black"))


def test_short_words_have_no_slips() -> None:
    assert not list(slips_of("war"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [("a horor film", "genres = Horror"), ("commedy", "genres = Comedy"), ("an auction", '"an auction"')],
)
def test_a_misspelt_kind_is_the_kind(films: Catalogue, message: str, expected: str) -> None:
    assert read_out(say(tracker_of(films), message)) == expected
