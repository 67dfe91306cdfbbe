"""What vague words lean to, found by facts."""

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.leanings import LeaningRetriever
from llmrec.types import Constraint, ItemId, LeaningEntry, Profile, Query


def leans(*constraints: Constraint) -> Query:
    return Query(profile=Profile(leanings=tuple(LeaningEntry(one, 0, "words", "encoder") for one in constraints)))


FUNNY, NOT_SCARY = Constraint("genres", "$eq", "Comedy"), Constraint("genres", "$ne", "Horror")


@pytest.fixture
def retriever(films: Catalogue) -> LeaningRetriever:
    return LeaningRetriever(films, {ItemId("8"): 3, ItemId("10"): 9})


def test_items_that_meet_a_leaning_come_the_most_chosen_first(retriever: LeaningRetriever) -> None:
    assert [found.item_id for found in retriever.retrieve(leans(FUNNY), 9)] == ["10", "8", "1", "6", "7"]


def test_who_meets_more_of_them_comes_first(retriever: LeaningRetriever) -> None:
    found = retriever.retrieve(leans(FUNNY, NOT_SCARY), 99)
    assert [candidate.item_id for candidate in found[:4]] == ["10", "8", "1", "7"]
    assert {"2", "4"}.isdisjoint(candidate.item_id for candidate in found)
    assert "6" in [candidate.item_id for candidate in found]


def test_nothing_is_found_where_nothing_was_inferred(retriever: LeaningRetriever) -> None:
    assert list(retriever.retrieve(Query(), 5)) == []


def test_only_allowed_items_come_out_with_ranks_from_one(retriever: LeaningRetriever, films: Catalogue) -> None:
    allowed = retriever.retrieve(leans(FUNNY), 2)
    assert [candidate.ranks for candidate in allowed] == [{"leanings": 1}, {"leanings": 2}]
    mask = np.array([item_id == "7" for item_id in films])
    assert [candidate.item_id for candidate in retriever.retrieve(leans(FUNNY), 5, allowed=mask)] == ["7"]
