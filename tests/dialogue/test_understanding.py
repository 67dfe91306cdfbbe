import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import Item, ItemId, Profile, Turn
from tests.contracts.tracker import TrackerContract
from tests.dialogue.reading_out import read_out, say, shown, tracker_of
from tests.dialogue.sentences import CONVERSATIONS, ONE_MESSAGE


@pytest.fixture(scope="module")
def tracker(films: Catalogue) -> GrammarTracker:
    return tracker_of(films)


class TestContract(TrackerContract):
    """The tracker keeps to its seam."""


@pytest.mark.parametrize(("message", "expected"), ONE_MESSAGE)
def test_one_message_is_read_as(tracker: GrammarTracker, message: str, expected: str) -> None:
    assert read_out(say(tracker, message)) == expected


@pytest.mark.parametrize(("messages", "expected"), CONVERSATIONS)
def test_a_conversation_leaves(tracker: GrammarTracker, messages: tuple[str, ...], expected: str) -> None:
    assert read_out(say(tracker, *messages)) == expected


ABOUT_SHOWN = [
    ("seen it", "ask"),
    ("I've seen the second one", "seen:9"),
    ("the second one I have seen", "seen:9"),
    ("I loved the first", "+2"),
    ("the last one was great", "+10"),
    ("I have seen the first two", "seen:2 seen:9"),
    ("I've seen the first and third ones", "seen:2 seen:10"),
    ("the second one looks great", "taken:9; note; quiet"),
    ("I've seen the first and fifth ones", "seen:2"),
    ("I adore Mulholland Drive, got anything like it?", "note"),
    ("why did you suggest the second one?", "quiet"),
    ("not these", "-2 -9 -10"),
    ("none of these", "-2 -9 -10"),
    ("I don't like any of these", "-2 -9 -10"),
    ("I've seen them all", "seen:2 seen:9 seen:10"),
    ("not the second one", "-9"),
    ("no, something else", ""),
    ("more", ""),
    ("another", ""),
]


@pytest.mark.parametrize(("message", "expected"), ABOUT_SHOWN)
def test_words_that_point_at_shown_items_are_read_as(tracker: GrammarTracker, message: str, expected: str) -> None:
    assert read_out(say(tracker, message, profile=shown("2", "9", "10"))) == expected


def test_the_only_shown_item_is_meant_by_it(tracker: GrammarTracker) -> None:
    assert read_out(say(tracker, "seen it", profile=shown("9"))) == "seen:9"


def test_only_the_items_shown_last_are_meant(tracker: GrammarTracker) -> None:
    profile = Profile(shown=shown("2").shown + tuple(type(e)(e.item_id, 3) for e in shown("9").shown))
    assert read_out(say(tracker, "seen it", profile=profile)) == "seen:9"


def test_an_ambiguous_title_is_asked_about_and_kept_pending(tracker: GrammarTracker) -> None:
    understanding = say(tracker, "I hated Sabrina")
    assert understanding.question == "Which one do you mean: Sabrina (1954) or Sabrina (1995)?"
    assert understanding.profile.pending == ("7", "8")
    assert understanding.profile.pending_as == "disliked"


def test_an_answered_question_is_no_longer_pending(tracker: GrammarTracker) -> None:
    profile = say(tracker, "I hated Sabrina", "1995").profile
    assert (profile.pending, profile.pending_as) == ((), "")


def test_a_contradiction_is_asked_about_and_leaves_the_field_as_it_was(tracker: GrammarTracker) -> None:
    understanding = say(tracker, "before 1980", "90s, but from 2020, not horror")
    assert understanding.question.startswith("Nothing can be from 1990 to 1999 and from 2020 at once")
    assert [e.constraint.field for e in understanding.profile.constraints] == ["year", "genres"]
    assert understanding.profile.constraints[0].constraint.value == 1980


def test_a_misspelt_title_is_taken_with_a_note(tracker: GrammarTracker) -> None:
    assert say(tracker, "I loved Toy Stori").notes == ('I took "Toy Stori" for Toy Story (1995).',)


def test_a_title_that_is_not_here_is_said_so_with_the_nearest(tracker: GrammarTracker) -> None:
    assert say(tracker, 'I loved "Sabrinas Toy"').notes == (
        'No item called "Sabrinas Toy" is in this catalogue; the nearest is Sabrina (1954).',
    )


def test_entries_carry_the_turn_they_came_from(tracker: GrammarTracker) -> None:
    profile = tracker.update(Profile(), Turn("user", "a comedy from 1995, I loved Alien"), index=4).profile
    entries = (*profile.liked, *profile.constraints, *profile.wishes)
    assert {entry.turn for entry in entries} == {4}


def test_only_the_first_part_of_a_very_long_message_is_read(tracker: GrammarTracker) -> None:
    understanding = say(tracker, "I loved Alien. " + "la " * 10_000 + "I loved Heat")
    assert [entry.item_id for entry in understanding.profile.liked] == ["2"]
    assert understanding.notes[0] == "The message is very long; only its first 20,000 characters were read."


@pytest.mark.parametrize(
    "piece", ["I loved alien and not horror 1990 ", "not ", "the first ", " ", "'", '"a" ', "comedy, ", "from 1990 to "]
)
def test_a_message_of_a_megabyte_is_read_in_seconds_at_most(tracker: GrammarTracker, piece: str) -> None:
    started = time.process_time()
    say(tracker, piece * (1_000_000 // len(piece)), profile=shown("2"))
    assert time.process_time() - started < 5  # far above what it takes, far below what a quadratic reader takes


def test_control_characters_change_nothing(tracker: GrammarTracker) -> None:
    assert read_out(say(tracker, "I lo\x00ved Al\u200bien\x07")) == "+2"


def test_items_of_one_title_and_year_are_taken_together() -> None:
    twins = Catalogue([Item(ItemId(n), "Chasing Amy (1997)", {"year": 1997}) for n in ("1", "2")])
    assert read_out(say(tracker_of(twins), "I loved Chasing Amy")) == "+1 +2"


def test_a_catalogue_without_facts_still_has_likes_and_wishes() -> None:
    bare = Catalogue([Item(ItemId("1"), "The Hobbit")])
    assert read_out(say(tracker_of(bare), "I loved The Hobbit, something cosy from the 90s")) == (
        '+1; "something cosy from the 90s"'
    )


def test_amounts_are_read_on_fields_that_exist() -> None:
    facts = {"price": 12.5, "pages": 300, "original_publication_year": 1937, "in_print": True}
    books = Catalogue([Item(ItemId("1"), "The Hobbit", facts)])
    tracker = tracker_of(books)
    assert read_out(say(tracker, "under 20 dollars")) == "price < 20"
    assert read_out(say(tracker, "price below 9.5")) == "price < 9.5"
    assert read_out(say(tracker, "at least 300 pages")) == "pages >= 300"
    assert read_out(say(tracker, "between 200 and 400 pages, since 1930")) == (
        "pages >= 200; pages <= 400; original_publication_year >= 1930"
    )
    assert read_out(say(tracker, "less than 2 hours")) == "note"


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(max_size=80), max_size=4))
def test_any_text_leaves_a_valid_profile(films: Catalogue, texts: list[str]) -> None:
    _assert_valid(say(tracker_of(films), *texts, profile=shown("2", "9")).profile, films)


WORDS = """
I loved like hated not no seen it the first one Alien heat Sabrina 1995 90s from before after horror comedy or and , .
" ' but undo reset three films give me more (1995) any year it's between 1990
"""


@settings(max_examples=300, deadline=None)
@given(messages=st.lists(st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join), max_size=5))
def test_any_mixture_of_known_words_leaves_a_valid_profile(films: Catalogue, messages: list[str]) -> None:
    _assert_valid(say(tracker_of(films), *messages, profile=shown("2", "9")).profile, films)


@settings(max_examples=50, deadline=None)
@given(
    first=st.lists(st.sampled_from([messages for messages, _ in CONVERSATIONS]), min_size=1, max_size=2),
    second=st.lists(st.sampled_from([message for message, _ in ONE_MESSAGE]), min_size=1, max_size=4),
)
def test_interleaved_conversations_are_read_as_apart(
    films: Catalogue, first: list[tuple[str, ...]], second: list[str]
) -> None:
    one, other = [message for messages in first for message in messages], second
    shared, apart = tracker_of(films), tracker_of(films)
    profiles = [Profile(), Profile()]
    for place in range(max(len(one), len(other))):
        for who, messages in enumerate((one, other)):
            if place < len(messages):
                turn = Turn("user", messages[place])
                profiles[who] = shared.update(profiles[who], turn, index=2 * place).profile
    assert profiles == [say(apart, *one).profile, say(apart, *other).profile]


def _assert_valid(profile: Profile, films: Catalogue) -> None:
    entries = (*profile.liked, *profile.disliked, *profile.seen)
    assert all(entry.item_id in films for entry in entries)
    assert not {e.item_id for e in profile.liked} & {e.item_id for e in profile.disliked}
    assert all(entry.constraint.field in films.fields for entry in profile.constraints)
    assert len(profile.wishes) <= 3
    assert all(wish.text.strip() for wish in profile.wishes)
    assert bool(profile.pending) == bool(profile.pending_as)


@pytest.mark.parametrize(
    ("message", "wish"),
    [
        ("something calm for a long rainy evening", "something calm"),
        ("something calm on a sunday afternoon with my wife", "something calm"),
        ("a story set on a stormy night", "story set on a stormy night"),
        ("a man who lives for his morning walk", "man who lives for his morning walk"),
    ],
)
def test_when_and_with_whom_is_no_wish(tracker: GrammarTracker, message: str, wish: str) -> None:
    (entry,) = say(tracker, message).profile.wishes
    assert wish in entry.text
    assert "sunday" not in entry.text
    assert "rainy" not in entry.text
