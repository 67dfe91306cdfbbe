"""Buttons change the profile."""

from llmrec.types import Constraint, ConstraintEntry, ItemEntry, ItemId, LeaningEntry, Profile, WishEntry
from llmrec.ui.reactions import carry_over, holds, react, remove


def entry(number: str, turn: int = 0) -> ItemEntry:
    return ItemEntry(ItemId(number), turn)


TWO = ItemId("2")
FULL = Profile(
    liked=(entry("1"), entry("2")),
    disliked=(entry("3"),),
    seen=(entry("4"),),
    constraints=(ConstraintEntry(Constraint("year", "$gte", 1990), 0),),
    wishes=(WishEntry("scary", 0), WishEntry("slow", 2)),
    leanings=(LeaningEntry(Constraint("genres", "$eq", "Horror"), 0, "scary", "encoder"),),
)


def test_a_like_replaces_a_dislike_and_leaves_seen_alone() -> None:
    profile = react(Profile(disliked=(entry("2"),), seen=(entry("2"),)), "like", TWO, turn=3)
    assert profile == Profile(liked=(entry("2", 3),), seen=(entry("2"),))


def test_a_second_press_takes_the_reaction_back() -> None:
    profile = react(Profile(), "seen", TWO, turn=3)
    assert holds(profile, "seen", TWO)
    assert react(profile, "seen", TWO, turn=5) == Profile()


def test_each_kind_of_entry_can_be_removed() -> None:
    assert remove(FULL, "liked", 0).liked == (entry("2"),)
    assert remove(FULL, "disliked", 0).disliked == ()
    assert remove(FULL, "seen", 0).seen == ()
    assert remove(FULL, "constraints", 0).constraints == ()
    assert remove(FULL, "wishes", 1).wishes == (WishEntry("scary", 0),)
    assert remove(FULL, "leanings", 0).leanings == ()


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove(FULL, "liked", 99) == FULL


def test_changes_by_hand_are_carried_over_a_turn() -> None:
    before = Profile(liked=(entry("1"), entry("2")), wishes=(WishEntry("scary", 0),))
    now = Profile(liked=(entry("2"), entry("5")))
    after = Profile(liked=(entry("1"), entry("2"), entry("6", 2)), wishes=(WishEntry("scary", 0), WishEntry("slow", 2)))
    merged = carry_over(before, now, after)
    assert merged.liked == (entry("2"), entry("6", 2), entry("5"))
    assert merged.wishes == (WishEntry("slow", 2),)


def test_without_changes_by_hand_the_turn_decides() -> None:
    assert carry_over(FULL, FULL, Profile()) == Profile()
