"""Profiles survive the trip through JSON; whatever a browser may send instead is refused with a sentence."""

import json

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import LLMRecError
from llmrec.types import Constraint, ConstraintEntry, ItemEntry, ItemId, LeaningEntry, Profile, WishEntry
from llmrec.wire import profile_from_json, profile_to_json

FULL = Profile(
    liked=(ItemEntry(ItemId("2"), 0),),
    disliked=(ItemEntry(ItemId("6"), 2),),
    seen=(ItemEntry(ItemId("3"), 2),),
    shown=(ItemEntry(ItemId("4"), 1),),
    constraints=(
        ConstraintEntry(Constraint("year", "$gte", 1990), 0),
        ConstraintEntry(Constraint("year", "$lte", 1999), 0),
        ConstraintEntry(Constraint("genres", "$ne", "Comedy"), 2),
        ConstraintEntry(Constraint("genres", "$ne", "Crime"), 2),
        ConstraintEntry(Constraint("genres", "$in", ("Horror", "Sci-Fi")), 2),
    ),
    wishes=(WishEntry("a scary film", 0),),
    pending=(ItemId("7"), ItemId("8")),
    pending_as="liked",
    last_question="how long is it",
    last_asked=(ItemId("7"),),
    leanings=(LeaningEntry(Constraint("genres", "$eq", "Comedy"), 2, "had a rough day", "encoder"),),
)


def test_a_profile_comes_back_equal(films: Catalogue) -> None:
    data = json.loads(json.dumps(profile_to_json(FULL, films)))
    assert profile_from_json(data, films) == FULL


def test_titles_and_a_summary_of_constraints_are_there_to_read(films: Catalogue) -> None:
    data = profile_to_json(FULL, films)
    assert data["liked"] == [{"item_id": "2", "title": "Alien (1979)", "turn": 0}]
    assert data["where"] == {
        "year": {"$gte": 1990, "$lte": 1999},
        "genres": {"$ne": ["Comedy", "Crime"], "$in": ["Horror", "Sci-Fi"]},
    }


def test_items_that_left_the_catalogue_are_not_written(films: Catalogue) -> None:
    gone = Profile(liked=(ItemEntry(ItemId("999"), 0),))
    assert profile_to_json(gone, films)["liked"] == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        [],
        "{}",
        {"liked": 1},
        {"liked": [1]},
        {"liked": [{}]},
        {"liked": [{"item_id": 2}]},
        {"liked": [{"item_id": "999"}]},
        {"liked": [{"item_id": "2", "turn": -1}]},
        {"liked": [{"item_id": "2", "turn": "1"}]},
        {"liked": [{"item_id": "2", "turn": True}]},
        {"liked": [{"item_id": "2"}] * 10_001},
        {"constraints": [{"field": "yaer", "op": "$gte", "value": 1990}]},
        {"constraints": [{"field": "year", "op": "$near", "value": 1990}]},
        {"constraints": [{"field": "year", "op": "$gte", "value": {"$gte": 1}}]},
        {"constraints": [{}]},
        {"wishes": [{"text": 3}]},
        {"wishes": [{"text": "x" * 20_001}]},
        {"leanings": [{"field": "genres", "op": "$eq", "value": "Comedy", "words": "x", "read_by": "me"}]},
        {"leanings": [{"field": "genres", "op": "$eq", "value": "Comedy", "read_by": "model"}]},
        {"pending_as": "shown"},
        {"pending": ["999"]},
    ],
)
def test_forged_data_is_refused(films: Catalogue, data: object) -> None:
    with pytest.raises(LLMRecError):
        profile_from_json(data, films)
