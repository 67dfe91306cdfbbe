import pytest

from llmrec.explanation.wording import merged, wordings
from llmrec.types import Evidence, ItemId

DRAMA = Evidence("constraint", "its genres include Drama, as you asked", "genres", "Drama")
CRIME = Evidence("constraint", "its genres include Crime, as you asked", "genres", "Crime")
FROM_1996 = Evidence("constraint", "it is from 1996, within 1990 to 1999", "year", "1996")
WISH = Evidence("wish", '"scary" fits its description', "description", "scary")


def shared(value: str, title: str, said: str) -> Evidence:
    return Evidence("shared_fact", f"it shares {value} with {title}, which {said}", "genres", value, ItemId(title))


def test_one_reason_is_said_behind_each_opening() -> None:
    assert list(wordings([WISH.text], place=0)) == [
        'You might enjoy it because "scary" fits its description.',
        'Recommended because "scary" fits its description.',
    ]


def test_neighbours_open_differently() -> None:
    openings = [{text[:8] for text in wordings([WISH.text], place=place)} for place in range(4)]
    assert openings[0].isdisjoint(openings[1] | openings[2])
    assert openings[1].isdisjoint(openings[2])
    assert openings[0] == openings[3]


@pytest.mark.parametrize(("n", "n_texts"), [(0, 0), (1, 2), (2, 8), (3, 24), (4, 0)])
def test_every_order_and_every_joint_is_offered_once(n: int, n_texts: int) -> None:
    texts = list(wordings([f"reason {number}" for number in range(n)], place=0))
    assert len(set(texts)) == len(texts) == n_texts


def test_every_sentence_says_every_reason_whole() -> None:
    reasons = [FROM_1996.text, WISH.text, shared("Horror", "Alien (1979)", "you loved").text]
    assert all(reason in text for text in wordings(reasons, place=1) for reason in reasons)


def test_wanted_values_of_one_field_are_said_together() -> None:
    assert merged([DRAMA, WISH, CRIME]) == ["its genres include Drama and Crime, as you asked", WISH.text]


def test_facts_shared_with_two_loved_items_are_said_together() -> None:
    both = [shared("Crime", "Heat (1995)", "you loved"), shared("Drama", "Good, Bad (1972)", "you loved")]
    assert merged(both) == ["it shares Crime with Heat (1995) and Drama with Good, Bad (1972), which you loved"]


def test_what_is_said_of_two_items_of_a_history_is_said_in_the_plural() -> None:
    both = [shared("Crime", "Heat", "is in your history"), shared("Drama", "Alien", "is in your history")]
    assert merged(both) == ["it shares Crime with Heat and Drama with Alien, which are in your history"]


@pytest.mark.parametrize(
    "apart",
    [
        [shared("Crime", "Heat", "you loved"), shared("Drama", "Alien", "is in your history")],
        [DRAMA, Evidence("constraint", "its country is France, as you asked", "country", "France")],
        [FROM_1996, WISH],
        [],
    ],
)
def test_reasons_that_do_not_begin_and_end_alike_stay_apart(apart: list[Evidence]) -> None:
    assert merged(apart) == [piece.text for piece in apart]
