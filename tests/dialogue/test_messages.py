"""Every language says everything, with the same slots."""

from string import Formatter

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import language_of, messages_in
from llmrec.dialogue.response import TemplateResponder
from llmrec.types import Query
from tests.contracts.responder import card, everything_allowed
from tests.dialogue.reading_out import read_out, say, tracker_of


def slots(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_chinese_has_every_message_of_english() -> None:
    assert messages_in("zh").keys == messages_in("en").keys


def test_no_message_needs_a_slot_that_its_english_twin_is_not_given() -> None:
    english, chinese = messages_in("en"), messages_in("zh")
    extra = {key: slots(chinese.template(key)) - slots(english.template(key)) for key in english.keys}
    assert {key for key, names in extra.items() if names} == {"more_than"}  # says the condition, not the word


def test_an_unknown_language_is_answered_in_english() -> None:
    assert messages_in("xx").language == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [("a comedy", "en"), ("恐怖片", "zh"), ("ホラー映画", "en"), ("我喜欢Alien", "zh"), ("", "en")],
)
def test_the_language_of_a_message(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("90年代的恐怖片", "genres = Horror; year >= 1990; year <= 1999"),
        ("1990年代的恐怖片", "genres = Horror; year >= 1990; year <= 1999"),
        ("九十年代", "year >= 1990; year <= 1999"),
        ("不要恐怖片", "genres != Horror"),
        ("1990年到1995年", "year >= 1990; year <= 1995"),
        ("2000年以后的喜剧", "genres = Comedy; year >= 2000"),
        ("我喜欢《Alien》", "+2"),
        ("我不喜欢《Heat》", "-9"),
        ("我看过《Scream》", "seen:6"),
        ("我没看过《Scream》", "note; quiet"),
        ("重新开始", "note; quiet"),
    ],
)
def test_chinese_is_read_as(films: Catalogue, message: str, expected: str) -> None:
    assert set(read_out(say(tracker_of(films), message)).split("; ")) == set(expected.split("; "))


def test_a_chinese_wish_over_english_items_is_said_to_be_hard_to_match(films: Catalogue) -> None:
    assert any("温暖" in note for note in say(tracker_of(films), "我想看温暖的").notes)


def test_a_chinese_message_is_answered_in_chinese(films: Catalogue) -> None:
    understanding = say(tracker_of(films), "90年代的恐怖片")
    query = Query(profile=understanding.profile)
    text = TemplateResponder(films).respond(query, understanding, everything_allowed(films), [card(films, "6")])
    assert text.startswith("Horror 1990年到1999年")


def test_a_tracker_held_to_one_language_answers_in_it_and_reads_both(films: Catalogue) -> None:
    tracker = tracker_of(films)
    chinese = tracker.speaking("zh")
    english_message = say(chinese, "no horror, please, in the way of Zzyzx Road")
    assert english_message.language == "zh"
    assert set(read_out(say(tracker.speaking("en"), "90年代的恐怖片")).split("; ")) == {
        "genres = Horror", "year >= 1990", "year <= 1999",
    }  # fmt: skip
    assert say(tracker, "no horror").language == "en"
