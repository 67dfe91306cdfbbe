"""What vague words do to the profile."""

from collections.abc import Sequence
from typing import Literal

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import constraint_text
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.leanings import Leanings
from llmrec.dialogue.profile import is_blank, summary, undo
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.dialogue.vocabulary import Meaning, Vocabulary
from llmrec.types import LeaningEntry, Profile, Understanding
from tests.dialogue.reading_out import say

FUNNY, SCARY = Meaning("genres", "Comedy"), Meaning("genres", "Horror")


class Reads:
    """A voice that knows a few words by heart, and remembers what it was asked."""

    def __init__(self, name: Literal["model", "encoder"], known: dict[str, tuple[Meaning, ...]]) -> None:
        self.name = name
        self._known = known
        self.asked: list[str] = []

    def read(self, words: str) -> Sequence[Meaning]:
        self.asked.append(words)
        return next((meant for part, meant in self._known.items() if part in words), ())


def tracker(films: Catalogue, *readers: Reads) -> GrammarTracker:
    vocabulary = Vocabulary.of(films, concepts_in("en"))
    return GrammarTracker(films, TitleIndex(films), leanings=Leanings(films, vocabulary, readers))


def leanings(understanding: Understanding) -> list[str]:
    return [constraint_text(entry.constraint) for entry in understanding.profile.leanings]


@pytest.fixture
def voice() -> Reads:
    known = {"rough day": (FUNNY,), "ghosts": (SCARY.turned(),), "heavy": (Meaning("genres", "Crime", wanted=False),)}
    return Reads("encoder", known)


def test_vague_words_become_a_leaning_that_is_told_and_no_condition(films: Catalogue, voice: Reads) -> None:
    understood = say(tracker(films, voice), "I had a rough day")
    assert leanings(understood) == ["genres = Comedy"]
    assert understood.profile.constraints == ()
    assert understood.notes == ('"had a rough day", so rather Comedy.',)
    assert understood.wants_items
    assert [wish.text for wish in understood.profile.wishes] == ["had a rough day"]


def test_what_is_unwanted_attracts_nothing_and_is_leant_away_from(films: Catalogue, voice: Reads) -> None:
    understood = say(tracker(films, voice), "nothing with ghosts")
    assert leanings(understood) == ["genres != Horror"]
    assert understood.profile.wishes == ()
    assert "cannot act" not in " ".join(understood.notes)


def test_a_denied_quality_leans_to_its_opposite_in_the_words_of_the_user(films: Catalogue) -> None:
    understood = say(tracker(films, Reads("encoder", {"cheerful": (FUNNY,)})), "nothing sad")
    assert leanings(understood) == ["genres = Comedy"]
    assert understood.profile.leanings[0].words == "nothing sad"


def test_what_no_voice_knows_cannot_be_acted_on(films: Catalogue, voice: Reads) -> None:
    assert "cannot act" in " ".join(say(tracker(films, voice), "nothing with umbrellas").notes)


def test_only_what_the_grammar_left_unread_is_asked_for(films: Catalogue, voice: Reads) -> None:
    say(tracker(films, voice), "a comedy from the 90s")
    assert voice.asked == []
    say(tracker(films, voice), "a rough day comedy from the 90s")
    assert voice.asked == ["a rough day"]


def test_the_first_voice_that_understands_is_believed(films: Catalogue, voice: Reads) -> None:
    model = Reads("model", {"ghosts": (SCARY,), "rough day": (SCARY,)})
    understood = say(tracker(films, model, voice), "a rough day")
    assert [(e.read_by, e.constraint.value) for e in understood.profile.leanings] == [("model", "Horror")]
    assert voice.asked == []


def test_the_grammar_overrules_and_the_trace_says_so(films: Catalogue) -> None:
    understood = say(tracker(films, Reads("encoder", {"creepy": (SCARY,)})), "no horror, something creepy")
    assert leanings(understood) == []
    assert understood.overruled == (
        'the encoder read Horror in "something creepy"; the grammar read otherwise, and counts',
    )


def test_a_condition_that_comes_later_ends_a_leaning_against_it(films: Catalogue, voice: Reads) -> None:
    assert leanings(say(tracker(films, voice), "I had a rough day", "no comedies")) == []


def test_another_wish_ends_a_leaning_and_a_refinement_does_not(films: Catalogue, voice: Reads) -> None:
    assert leanings(say(tracker(films, voice), "I had a rough day", "set in Paris")) == []
    assert leanings(say(tracker(films, voice), "I had a rough day", "and set in Paris")) == ["genres = Comedy"]


def test_the_other_way_round_replaces_a_leaning(films: Catalogue, voice: Reads) -> None:
    voice._known["ghost train"] = (SCARY,)
    assert leanings(say(tracker(films, voice), "nothing with ghosts", "and a ghost train")) == ["genres = Horror"]


def test_a_leaning_is_undone_and_forgotten_with_the_rest(films: Catalogue, voice: Reads) -> None:
    assert leanings(say(tracker(films, voice), "I had a rough day", "undo")) == []
    assert leanings(say(tracker(films, voice), "I had a rough day", "start over")) == []


def test_what_is_believed_names_leanings(films: Catalogue, voice: Reads) -> None:
    profile = say(tracker(films, voice), "nothing with ghosts").profile
    assert not is_blank(profile)
    assert summary(profile, films) == ('"nothing with ghosts", so rather not Horror.',)
    assert is_blank(undo(profile))


def test_a_message_in_another_language_is_left_alone(films: Catalogue, voice: Reads) -> None:
    say(tracker(films, voice), "来点 rough day 的")
    assert voice.asked == []


def test_a_profile_knows_the_turn_of_its_newest_leaning(films: Catalogue, voice: Reads) -> None:
    constraint = say(tracker(films, voice), "I had a rough day").profile.leanings[0].constraint
    assert Profile(leanings=(LeaningEntry(constraint, 6, "x", "model"),)).last_turn == 6
