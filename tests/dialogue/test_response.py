from dataclasses import replace

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.response import TemplateResponder
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    History,
    Interaction,
    ItemId,
    Profile,
    Query,
    Understanding,
    UserId,
)
from tests.contracts.responder import ResponderContract, card, everything_allowed
from tests.dialogue.reading_out import say, tracker_of


@pytest.fixture(scope="module")
def responder(films: Catalogue) -> TemplateResponder:
    return TemplateResponder(films)


class TestContract(ResponderContract):
    """The responder keeps to its seam."""


def reply_to(films: Catalogue, responder: TemplateResponder, message: str, *shown: str) -> str:
    understanding = say(tracker_of(films), message)
    query = Query(profile=understanding.profile)
    return responder.respond(query, understanding, everything_allowed(films), [card(films, i) for i in shown])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("horror from the 90s, I loved Alien", "Horror from 1990 to 1999, in the mood of Alien (1979):"),
        ("no horror, after 1990", "After 1990, not Horror:"),
        ("something dark", 'For "something dark":'),
        ("I loved Alien and Heat", "In the mood of Alien (1979) and Heat (1995):"),
        ("surprise me", "Popular with others here; tell me what you feel like or a title you loved."),
        ("three comedies", "Only 1 fits. Comedy:"),
        ("hi", "Tell me what you feel like, or a title you loved."),
    ],
)
def test_says_what_was_understood(films: Catalogue, responder: TemplateResponder, message: str, text: str) -> None:
    assert reply_to(films, responder, message, "6") == text


def test_says_which_condition_was_given_up(films: Catalogue, responder: TemplateResponder) -> None:
    understanding = say(tracker_of(films), "horror from 2020")
    allowed = replace(everything_allowed(films), relaxed=(Constraint("year", "$eq", 2020),))
    text = responder.respond(Query(profile=understanding.profile), understanding, allowed, [card(films, "6")])
    assert text == 'Nothing satisfied every condition, so I dropped "from 2020". Horror:'


def test_says_what_to_loosen_when_nothing_is_left(films: Catalogue, responder: TemplateResponder) -> None:
    profile = Profile(constraints=(ConstraintEntry(Constraint("year", "$gt", 2020), 0),))
    text = responder.respond(Query(profile=profile), Understanding(profile), everything_allowed(films), [])
    assert text == 'Nothing is left that fits; loosen "after 2020" to see more.'


def test_notes_come_before_the_heading(films: Catalogue, responder: TemplateResponder) -> None:
    text = reply_to(films, responder, "I loved Toy Stori", "2")
    assert text == 'I took "Toy Stori" for Toy Story (1995). In the mood of Toy Story (1995):'


def test_a_known_user_without_a_wish_is_not_told_what_is_popular(
    films: Catalogue, responder: TemplateResponder
) -> None:
    query = Query(history=History((Interaction(UserId("ann"), ItemId("2")),)))
    text = responder.respond(query, Understanding(Profile()), everything_allowed(films), [card(films, "3")])
    assert text == "Going by what you liked before:"


def test_of_two_bounds_the_tighter_is_said(films: Catalogue) -> None:
    years = [Constraint("year", "$gte", 1980), Constraint("year", "$lte", 1999), Constraint("year", "$gt", 1996)]
    assert ConstraintPhrases(films).phrases(years) == ("after 1996", "up to 1999")


def test_words_that_a_note_has_quoted_are_not_said_twice(films: Catalogue, responder: TemplateResponder) -> None:
    understanding = say(tracker_of(films), "something hilarious")
    wish = understanding.profile.wishes[-1].text
    noted = replace(understanding, notes=(f'"{wish}", so rather Comedy.',))
    query, allowed, cards = Query(profile=noted.profile), everything_allowed(films), [card(films, "6")]
    assert responder.respond(query, understanding, allowed, cards) == f'For "{wish}":'
    assert responder.respond(query, noted, allowed, cards) == f'"{wish}", so rather Comedy.'


def test_words_that_a_note_only_happens_to_hold_are_said(films: Catalogue, responder: TemplateResponder) -> None:
    understanding = say(tracker_of(films), "something dark")
    noted = replace(understanding, notes=("Nothing of the something darker kind is here.",))
    text = responder.respond(Query(profile=noted.profile), noted, everything_allowed(films), [card(films, "6")])
    assert text.endswith('For "something dark":')
