"""Questions between items are answered from what is recorded of them."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item, ItemEntry, ItemId, Profile, Understanding
from tests.dialogue.reading_out import say, tracker_of

LAMPS = Catalogue(
    [
        Item(ItemId("1"), "Low Lamp", {"price": 20, "colour": "White", "maker": "Oslo"}),
        Item(ItemId("2"), "Tall Lamp", {"price": 45, "colour": "White", "maker": "Fjord"}),
        Item(ItemId("3"), "Wide Lamp", {"colour": "Black"}),
    ]
)


def asked(text: str, *shown: str) -> Understanding:
    profile = Profile(shown=tuple(ItemEntry(ItemId(item_id), 1) for item_id in shown))
    return say(tracker_of(LAMPS), text, profile=profile)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("which one is cheaper?", "Low Lamp: price 20."),
        ("which is the most expensive?", "Tall Lamp: price 45."),
        ("what's the cheapest one", "Low Lamp: price 20."),
    ],
)
def test_the_item_with_most_or_least_is_told(text: str, note: str) -> None:
    understanding = asked(text, "1", "2", "3")
    assert understanding.notes == (note,)
    assert not understanding.wants_items


def test_items_are_compared_by_the_facts_in_which_they_differ() -> None:
    notes = ("Low Lamp: price 20; maker Oslo.", "Tall Lamp: price 45; maker Fjord.")
    assert asked("compare the first two", "1", "2", "3").notes == notes
    assert asked("what is the difference between Low Lamp and Tall Lamp?").notes == notes


def test_what_is_not_recorded_is_said_to_be_so() -> None:
    understanding = asked("which one is longer?", "1", "2")
    assert understanding.notes == (
        'I cannot act on "which one is longer": nothing that is recorded of the items says it.',
    )
    assert not understanding.wants_items
