"""Every turn is read into acts, by exact readers alone."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import Act, Item, ItemId, Profile
from tests.dialogue.reading_out import say, shown, tracker_of


@pytest.fixture(scope="module")
def tracker(films: Catalogue) -> GrammarTracker:
    return tracker_of(films)


def acts_of(tracker: GrammarTracker, message: str, *, profile: Profile | None = None) -> str:
    return " ".join(act.kind for act in say(tracker, message, profile=profile).acts)


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        ("a scary film", "request"),
        ("a comedy from the 90s", "request constraint"),
        ("I love comedies", "preference"),
        ("I hate horror", "preference"),
        ("I loved Alien", "preference"),
        ("something like Alien", "compare"),
        ("I've seen Alien", "seen"),
        ("not horror", "constraint"),
        ("surprise me", "request"),
        ("undo", "undo"),
        ("start over", "start_over"),
        ("start over, a comedy", "start_over request"),
        ("hi", "small_talk"),
        ("who is the president of France?", "off_topic"),
        ("who directed Alien?", "question"),
    ],
)
def test_a_first_turn_is_read_into(tracker: GrammarTracker, message: str, kinds: str) -> None:
    assert acts_of(tracker, message) == kinds


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        ("seen it", "seen"),
        ("seen it, loved it", "seen seen"),
        ("already watched that", "seen"),
        ("not that one", "reject"),
        ("no", "reject"),
        ("not for me", "reject"),
        ("I'm not interested", "reject"),
        ("too scary", "critique"),
        ("something lighter", "critique"),
        ("newer", "critique"),
        ("another one", "more"),
        ("anything else?", "more"),
        ("is it long?", "question"),
        ("when is it from?", "question"),
        ("why?", "question"),
        ("sounds good", "accept"),
        ("I'll watch it", "accept"),
        ("I'll give it a try", "accept"),
        ("looks great, thanks", "accept"),
        ("I've seen it, something from the 80s", "seen constraint"),
    ],
)
def test_a_turn_after_one_card_is_read_into(tracker: GrammarTracker, message: str, kinds: str) -> None:
    assert acts_of(tracker, message, profile=shown("9")) == kinds


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("seen it and loved it", "loved"),
        ("seen it, it was okay", "fine"),
        ("seen it", ""),
        ("I saw it and hated it", "hated"),
    ],
)
def test_the_verdict_on_what_was_seen_is_kept(tracker: GrammarTracker, message: str, verdict: str) -> None:
    (act, *_) = [a for a in say(tracker, message, profile=shown("9")).acts if a.kind == "seen" and a.verdict == verdict]
    assert act.item_ids == ("9",)


def test_both_are_the_two_that_were_shown(tracker: GrammarTracker) -> None:
    profile = say(tracker, "already watched both", profile=shown("2", "9")).profile
    assert [entry.item_id for entry in profile.seen] == ["2", "9"]


def test_accepting_is_kept_and_asks_for_no_more_items(tracker: GrammarTracker) -> None:
    understanding = say(tracker, "sounds good", profile=shown("9"))
    assert [entry.item_id for entry in understanding.profile.accepted] == ["9"]
    assert not understanding.wants_items
    assert understanding.acts == (Act("accept", (ItemId("9"),)),)


def test_accepting_one_of_several_without_saying_which_changes_nothing(tracker: GrammarTracker) -> None:
    profile = shown("2", "9")
    assert say(tracker, "sounds good", profile=profile).profile == profile


def test_an_acceptance_is_undone(tracker: GrammarTracker) -> None:
    taken = say(tracker, "I'll watch it", profile=shown("9")).profile
    assert say(tracker, "undo", profile=taken).profile.accepted == ()


def test_any_catalogue_s_own_fields_are_questions() -> None:
    things = Catalogue([Item(ItemId("1"), "Blue Kettle", {"colour": "Blue", "wattage": 900})])
    tracker = tracker_of(things)
    assert say(tracker, "what colour is it?", profile=shown("1")).notes == ("Blue Kettle: colour Blue.",)
    assert say(tracker, "what wattage is the Blue Kettle?").notes == ("Blue Kettle: wattage 900.",)
    assert say(tracker, "who made it?", profile=shown("1")).notes == (
        "The catalogue does not say that of Blue Kettle.",
    )
