from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.profile import (
    add_constraints,
    add_items,
    add_wish,
    drop_constraints,
    is_blank,
    remove_items,
    summary,
    undo,
)
from llmrec.types import Constraint, ItemEntry, ItemId, Profile

ALIEN, HEAT = ItemId("2"), ItemId("9")
SINCE_1990, HORROR = Constraint("year", "$gte", 1990), Constraint("genres", "$eq", "Horror")


def test_liking_ends_disliking() -> None:
    profile = add_items(Profile(), "disliked", [ALIEN], turn=0)
    profile = add_items(profile, "liked", [ALIEN], turn=2)
    assert (profile.liked, profile.disliked) == ((ItemEntry(ALIEN, 2),), ())


def test_having_seen_leaves_liking_alone() -> None:
    profile = add_items(add_items(Profile(), "liked", [ALIEN], turn=0), "seen", [ALIEN], turn=2)
    assert (profile.liked, profile.seen) == ((ItemEntry(ALIEN, 0),), (ItemEntry(ALIEN, 2),))


def test_an_item_stands_once_with_its_latest_turn() -> None:
    profile = add_items(add_items(Profile(), "liked", [ALIEN, HEAT], turn=0), "liked", [ALIEN, ALIEN], turn=4)
    assert profile.liked == (ItemEntry(HEAT, 0), ItemEntry(ALIEN, 4))


def test_items_are_removed_from_the_named_lists_only() -> None:
    profile = add_items(add_items(Profile(), "liked", [ALIEN], turn=0), "seen", [ALIEN], turn=0)
    assert remove_items(profile, [ALIEN], ["seen"]) == add_items(Profile(), "liked", [ALIEN], turn=0)


def test_adding_does_not_change_the_profile_that_was_given() -> None:
    profile = Profile()
    add_items(profile, "liked", [ALIEN], turn=0)
    assert profile == Profile()


def test_a_repeated_constraint_is_kept_once(films: Catalogue) -> None:
    profile = Profile()
    for turn in (0, 2):
        profile = add_constraints(profile, [HORROR], turn=turn, refines=True, fields=films.fields)
    assert [entry.constraint for entry in profile.constraints] == [HORROR]


def test_excluding_a_value_narrows_a_choice(films: Catalogue) -> None:
    either = Constraint("genres", "$in", ("Comedy", "Romance", "Crime"))
    profile = add_constraints(Profile(), [either], turn=0, refines=False, fields=films.fields)
    no_crime = Constraint("genres", "$ne", "Crime")
    profile = add_constraints(profile, [no_crime], turn=2, refines=False, fields=films.fields)
    stated = [entry.constraint for entry in profile.constraints]
    assert stated == [Constraint("genres", "$in", ("Comedy", "Romance")), no_crime]


def test_wanting_a_value_ends_its_exclusion(films: Catalogue) -> None:
    no_horror = Constraint("genres", "$ne", "Horror")
    profile = add_constraints(Profile(), [no_horror], turn=0, refines=False, fields=films.fields)
    profile = add_constraints(profile, [HORROR], turn=2, refines=True, fields=films.fields)
    assert [entry.constraint for entry in profile.constraints] == [HORROR]


def test_dropping_a_field_leaves_the_others(films: Catalogue) -> None:
    profile = add_constraints(Profile(), [SINCE_1990, HORROR], turn=0, refines=False, fields=films.fields)
    assert [entry.constraint for entry in drop_constraints(profile, "year").constraints] == [HORROR]


def test_the_last_three_wishes_are_kept() -> None:
    profile = Profile()
    for turn, text in enumerate(("sad", "warm", "short", "odd")):
        profile = add_wish(profile, text, turn=turn, refines=True)
    assert [wish.text for wish in profile.wishes] == ["warm", "short", "odd"]


def test_undo_takes_everything_of_the_last_turn_but_what_was_shown() -> None:
    profile = Profile(shown=(ItemEntry(HEAT, 3),))
    profile = add_items(profile, "liked", [ALIEN], turn=0)
    later = add_wish(add_items(profile, "seen", [HEAT], turn=2), "dark", turn=2, refines=False)
    assert undo(later) == profile


def test_undo_of_nothing_is_nothing() -> None:
    assert undo(Profile()) == Profile()


def test_what_was_only_seen_or_shown_steers_nothing() -> None:
    assert is_blank(Profile(seen=(ItemEntry(ALIEN, 0),), shown=(ItemEntry(HEAT, 1),)))
    assert not is_blank(Profile(disliked=(ItemEntry(ALIEN, 0),)))


def test_the_summary_says_all_that_is_believed(films: Catalogue) -> None:
    profile = add_items(add_items(Profile(), "liked", [ALIEN], turn=0), "disliked", [HEAT], turn=0)
    until = Constraint("year", "$lte", 1999)
    profile = add_constraints(profile, [HORROR, SINCE_1990, until], turn=0, refines=False, fields=films.fields)
    profile = add_wish(profile, "a scary film", turn=0, refines=False)
    assert summary(profile, films) == (
        "You feel like: a scary film.",
        "It must be: Horror, from 1990 to 1999.",
        "You loved Alien (1979).",
        "You did not like Heat (1995).",
    )
