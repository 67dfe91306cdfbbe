"""What every DialogueTracker must do; a test class inherits from the suite and gives it a `tracker` over `films`."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import DialogueTracker
from llmrec.types import Profile, Turn

MESSAGES = [
    "a scary film from the 90s, I loved Alien",
    "not horror",
    "",
    "hello",
    "undo",
    "\x00",
    "🙂" * 50,
    "x" * 30_000,
]


class TrackerContract:
    """Inherit and define the fixture `tracker`."""

    @pytest.mark.parametrize("message", MESSAGES)
    def test_any_message_is_understood_as_something(self, tracker: DialogueTracker, message: str) -> None:
        understanding = tracker.update(Profile(), Turn("user", message), index=0)
        assert isinstance(understanding.profile, Profile)

    def test_the_same_message_is_understood_alike_every_time(self, tracker: DialogueTracker) -> None:
        first, again = (tracker.update(Profile(), Turn("user", MESSAGES[0]), index=0) for _ in range(2))
        assert first == again

    def test_items_of_the_profile_are_in_the_catalogue(self, tracker: DialogueTracker, films: Catalogue) -> None:
        profile = tracker.update(Profile(), Turn("user", "I loved Alien, hated Heat, seen Scream"), index=0).profile
        entries = (*profile.liked, *profile.disliked, *profile.seen)
        assert entries
        assert all(entry.item_id in films for entry in entries)

    def test_entries_carry_the_index_of_their_turn(self, tracker: DialogueTracker) -> None:
        profile = tracker.update(Profile(), Turn("user", MESSAGES[0]), index=6).profile
        assert {entry.turn for entry in (*profile.liked, *profile.constraints, *profile.wishes)} == {6}

    def test_what_was_believed_before_is_kept(self, tracker: DialogueTracker) -> None:
        before = tracker.update(Profile(), Turn("user", "I loved Alien"), index=0).profile
        after = tracker.update(before, Turn("user", "from the 90s"), index=2).profile
        assert set(before.liked) <= set(after.liked)
