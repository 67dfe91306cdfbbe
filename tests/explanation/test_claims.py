"""A text is read back as the reasons it says, or as nothing."""

import pytest

from llmrec.explanation.claims import Claim, claims, told_in
from llmrec.types import Evidence, ItemId

HEAT, ALIEN = ItemId("9"), ItemId("2")
NAMES = {HEAT: "Heat", ALIEN: "Alien"}
CRIME = Evidence("shared_fact", "it shares Crime with Heat (1995), which you loved", "genres", "Crime", HEAT)
HORROR = Evidence(
    "shared_fact", "it shares Horror with Alien (1979), which is in your history", "genres", "Horror", ALIEN
)
LOVED = Evidence("contribution", "it scores higher thanks to Alien (1979), which you loved", item_id=ALIEN)
DRAMA = Evidence("constraint", "its genres include Drama, as you asked", "genres", "Drama")
COMEDY = Evidence("constraint", "its genres include Comedy, as you asked", "genres", "Comedy")
YEAR = Evidence("constraint", "it is from 1991, within 1990 to 1999", "year", "1991")
PRICE = Evidence("constraint", "its price is 39.9, at most 40", "price", "39.9")
WIRELESS = Evidence("constraint", "its wireless is yes, as you asked", "wireless", "yes")
WORDS = Evidence("wish", '"slow" and "sad" fit its description', "description", "slow, sad")


def known(*evidence: Evidence) -> list[Claim]:
    return list(claims(evidence, NAMES))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It shares Crime with Heat, which you loved.", {0}),
        ("You might enjoy it because you loved Heat, and this one has Crime too.", {0}),
        ("It has Crime in common with Heat, one you loved; it is from 1991.", {0, 1}),
        ("It shares Crime with Heat.", {0}),
        ("It is from 1991 and shares Crime with Heat, which you loved.", {0, 1}),
        ("Since it is from 1991, as you asked, it might suit you.", {1}),
    ],
)
def test_a_text_of_known_ways_says_their_reasons(text: str, told: set[int]) -> None:
    assert told_in(text, known(CRIME, YEAR)) == told


@pytest.mark.parametrize(
    "text",
    [
        "It shares Crime with Alien, which you loved.",  # the other's title
        "It shares Crime with Heat, which is in your history.",  # not known to be loved, and the other way round
        "It shares Horror with Alien, which you loved.",
        "It shares Crime with Heat and Horror with Alien, both of which you loved.",
        "It shares Crime with Heat, which you loved and is from 1991.",  # which of them is?
        "It shares Crime with Heat, which you loved",
        "It shares Crime with Heat, which you loved, and it is a masterpiece.",
        "It shares Crime with Heat, which you loved, and it has Crime in common with Heat, one you loved.",
        "You loved Crime.",
        "Worth a look.",
        "",
    ],
)
def test_what_claims_anything_else_says_nothing(text: str) -> None:
    assert told_in(text, known(CRIME, HORROR, YEAR)) == frozenset()


def test_a_text_may_begin_with_a_title() -> None:
    assert told_in("Alien is in your history, and this one has Horror too.", known(HORROR)) == {0}


def test_two_that_the_user_loved_are_told_together() -> None:
    text = "It shares Crime with Heat and scores higher thanks to Alien, both of which you loved."
    assert told_in(text, known(CRIME, LOVED)) == {0, 1}


def test_one_item_is_not_both() -> None:
    era = Evidence("shared_fact", "it shares 1995 with Heat (1995), which you loved", "era", "1995", HEAT)
    assert told_in("It shares Crime with Heat and 1995 with Heat, both of which you loved.", known(CRIME, era)) == set()


def test_two_values_of_one_field_are_told_together() -> None:
    assert told_in("It has the Drama and Comedy you asked for.", known(DRAMA, COMEDY)) == {0, 1}


def test_numbers_and_words_of_the_record_have_ways_of_their_own() -> None:
    assert told_in("At 39.9, its price is at most 40.", known(PRICE)) == {0}
    assert told_in('Try it, since it has "slow" and "sad" in its description.', known(WORDS)) == {0}


def test_nobody_asked_for_yes() -> None:
    assert [claim.text for claim in known(WIRELESS)] == ["its wireless is yes, as you asked"]
