import pytest

from llmrec.explanation.wording import merged, wordings
from llmrec.types import Evidence, ItemId

DRAMA = Evidence("constraint", "its genres include Drama, as you asked", "genres", "Drama")
CRIME = Evidence("constraint", "its genres include Crime, as you asked", "genres", "Crime")
FROM_1996 = Evidence("constraint", "it is from 1996, within 1990 to 1999", "year", "1996")
WISH = Evidence("wish", '"scary" fits its description', "description", "scary")


def shared(value: str, title: str, said: str) -> Evidence:
    return Evidence("shared_fact", f"it shares {value} with {title}, which {said}", "genres", value, ItemId(title))


def thanks_to(title: str, said: str) -> Evidence:
    return Evidence("contribution", f"it scores higher thanks to {title}, which {said}", item_id=ItemId(title))


def test_one_reason_is_said_behind_each_opening() -> None:
    assert list(wordings([WISH.text], place=0)) == [
        'You might enjoy it because "scary" fits its description.',
        'Recommended because "scary" fits its description.',
        '"scary" fits its description, so you might enjoy it.',
    ]


def test_neighbours_open_and_close_differently() -> None:
    frames = [{text.replace(WISH.text, "") for text in wordings([WISH.text], place=place)} for place in range(4)]
    assert frames[0].isdisjoint(frames[1] | frames[2])
    assert frames[1].isdisjoint(frames[2])
    assert frames[0] == frames[3]


@pytest.mark.parametrize(("n", "n_texts"), [(0, 0), (1, 3), (2, 12), (3, 36), (4, 0)])
def test_every_order_and_every_joint_is_offered_once(n: int, n_texts: int) -> None:
    texts = list(wordings([f"reason {number}" for number in range(n)], place=0))
    assert len(set(texts)) == len(texts) == n_texts


def test_every_sentence_says_every_reason_whole() -> None:
    reasons = [FROM_1996.text, WISH.text, shared("Horror", "Alien (1979)", "you loved").text]
    texts = [f"{text[:1].casefold()}{text[1:]}" for text in wordings(reasons, place=1)]
    assert all(reason in text for text in texts for reason in reasons)


def test_wanted_values_of_one_field_are_said_together() -> None:
    assert merged([DRAMA, WISH, CRIME]) == ["its genres include Drama and Crime, as you asked", WISH.text]


def test_facts_shared_with_two_loved_items_are_said_together() -> None:
    both = [shared("Crime", "Heat (1995)", "you loved"), shared("Drama", "Good, Bad (1972)", "you loved")]
    assert merged(both) == ["it shares Crime with Heat (1995) and Drama with Good, Bad (1972), which you loved"]


def test_what_is_said_of_two_items_of_a_history_is_said_in_the_plural() -> None:
    both = [shared("Crime", "Heat", "is in your history"), shared("Drama", "Alien", "is in your history")]
    assert merged(both) == ["it shares Crime with Heat and Drama with Alien, which are in your history"]


def test_what_only_begins_alike_is_said_once_and_each_keeps_its_end() -> None:
    both = [thanks_to("Heat", "you loved"), thanks_to("Alien", "is in your history")]
    assert merged(both) == [
        "it scores higher thanks to Heat, which you loved, and thanks to Alien, which is in your history"
    ]


def test_what_only_ends_alike_is_said_of_both_and_thanks_come_last() -> None:
    both = [thanks_to("Heat", "you loved"), WISH, shared("Drama", "Alien", "you loved")]
    assert merged(both) == [
        "it shares Drama with Alien and scores higher thanks to Heat, both of which you loved",
        WISH.text,
    ]


def test_three_items_of_a_history_end_together() -> None:
    three = [shared("Crime", "Heat", "is in your history"), shared("Drama", "Alien", "is in your history")]
    assert merged([*three, thanks_to("Jaws", "is in your history")]) == [
        "it shares Crime with Heat and Drama with Alien and scores higher thanks to Jaws, "
        "all of which are in your history"
    ]


def test_words_and_an_item_that_both_lift_it_are_said_together() -> None:
    heard = Evidence("wish", 'it scores higher thanks to your words "dark"', value="dark")
    assert merged([heard, thanks_to("Alien", "you loved")]) == [
        'it scores higher thanks to your words "dark", and thanks to Alien, which you loved'
    ]


@pytest.mark.parametrize(
    "apart",
    [
        [shared("Crime", "Heat", "you loved"), thanks_to("Alien", "is in your history")],
        [DRAMA, Evidence("constraint", "its country is France, as you asked", "country", "France")],
        [FROM_1996, WISH],
        [],
    ],
)
def test_reasons_that_do_not_begin_and_end_alike_stay_apart(apart: list[Evidence]) -> None:
    assert merged(apart) == [piece.text for piece in apart]
