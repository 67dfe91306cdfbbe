"""What every Retriever promises: subclass the suite and give a `retriever` fixture over the shared films."""

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.interfaces import PartialRetriever, Retriever, lists_of
from llmrec.types import History, Interaction, ItemEntry, ItemId, Profile, Query, UserId, WishEntry


def asks(text: str = "", *, history: tuple[str, ...] = (), disliked: tuple[str, ...] = ()) -> Query:
    met = tuple(Interaction(UserId("x"), ItemId(item_id)) for item_id in history)
    profile = Profile(
        wishes=(WishEntry(text, 0),) if text else (),
        disliked=tuple(ItemEntry(ItemId(item_id), 0) for item_id in disliked),
    )
    return Query(profile=profile, history=History(met))


QUERIES = [asks("tense horror in space"), asks(history=("2", "3")), asks("comedy", history=("7",), disliked=("8",))]

MET = (("2", "3"), ("2", "3", "7"), ("3", "2"), ("gone", "2", "3"), ())


class RetrieverContract:
    @pytest.mark.parametrize("query", QUERIES)
    def test_at_most_k_come_out_best_first_with_ranks_from_one(self, retriever: Retriever, query: Query) -> None:
        found = retriever.retrieve(query, 4)
        assert len(found) <= 4
        scores = [candidate.score for candidate in found]
        assert np.isfinite(scores).all()
        assert scores == sorted(scores, reverse=True)
        assert [candidate.ranks for candidate in found] == [{retriever.name: n} for n in range(1, len(found) + 1)]
        assert {candidate.source for candidate in found} <= {retriever.name}

    @pytest.mark.parametrize("query", QUERIES)
    def test_fewer_asked_are_the_first_of_more(self, retriever: Retriever, query: Query) -> None:
        assert list(retriever.retrieve(query, 2)) == list(retriever.retrieve(query, 9))[:2]

    @pytest.mark.parametrize("query", QUERIES)
    def test_items_are_of_the_catalogue_and_come_once(
        self, retriever: Retriever, films: Catalogue, query: Query
    ) -> None:
        ids = [candidate.item_id for candidate in retriever.retrieve(query, 100)]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= set(films)

    @pytest.mark.parametrize("query", QUERIES)
    def test_only_allowed_items_come_out(self, retriever: Retriever, films: Catalogue, query: Query) -> None:
        allowed = np.arange(len(films)) % 2 == 0
        free = {candidate.item_id for candidate in retriever.retrieve(query, 100)}
        found = {candidate.item_id for candidate in retriever.retrieve(query, 100, allowed=allowed)}
        assert found == free & {item_id for item_id in films if allowed[films.position(item_id)]}
        assert not retriever.retrieve(query, 5, allowed=np.zeros(len(films), dtype=np.bool_))

    @pytest.mark.parametrize("query", QUERIES)
    def test_the_same_question_gets_the_same_answer(self, retriever: Retriever, query: Query) -> None:
        first = list(retriever.retrieve(query, 10))
        retriever.retrieve(QUERIES[0], 10)
        assert list(retriever.retrieve(query, 10)) == first

    def test_it_has_something_to_say(self, retriever: Retriever) -> None:
        assert any(retriever.retrieve(query, 10) for query in QUERIES)

    def test_items_nobody_knows_are_ignored(self, retriever: Retriever) -> None:
        known, mixed = asks(history=("2", "3")), asks(history=("2", "gone", "3", "lost"))
        assert list(retriever.retrieve(mixed, 10)) == list(retriever.retrieve(known, 10))

    def test_an_empty_query_gets_nothing_or_what_is_popular(self, retriever: Retriever) -> None:
        assert not retriever.retrieve(Query(), 3) or retriever.name == "popularity"

    @pytest.mark.parametrize("k", [0, -1])
    @pytest.mark.parametrize("query", [*QUERIES, Query()])
    def test_less_than_one_item_cannot_be_asked_for(self, retriever: Retriever, query: Query, k: int) -> None:
        with pytest.raises(ConfigError, match=f"k is {k}; ask for at least 1 item"):
            retriever.retrieve(query, k)


class BulkRetrieverContract(RetrieverContract):
    """One that is asked many queries at once."""

    def test_many_queries_together_get_what_each_gets_alone(self, retriever: Retriever, films: Catalogue) -> None:
        queries = [*QUERIES, Query(), QUERIES[0]]
        masks = [np.arange(len(films)) % 3 != number % 3 for number in range(len(queries))]
        together = retriever.retrieve_many(queries, 5, allowed=masks)
        for query, mask, found in zip(queries, masks, together, strict=True):
            alone = retriever.retrieve(query, 5, allowed=mask)
            assert [candidate.item_id for candidate in found] == [candidate.item_id for candidate in alone]
            assert [one.score for one in found] == pytest.approx([one.score for one in alone], abs=1e-5)
            assert [one.ranks for one in found] == [one.ranks for one in alone]


class PartialRetrieverContract(RetrieverContract):
    """One that says what it reads of a query."""

    def test_what_it_reads_decides_what_it_finds(self, retriever: PartialRetriever) -> None:
        queries = [*QUERIES, *(asks(*one, history=met) for one in ((), ("comedy",)) for met in MET), QUERIES[0]]
        of_heard: dict[object, list[object]] = {}
        for query in queries:
            found = [(one.item_id, one.score) for one in retriever.retrieve(query, 5)]
            assert of_heard.setdefault(retriever.heard(query), found) == found
        assert len(of_heard) < len(queries)

    def test_equal_questions_are_asked_once_and_all_are_answered(
        self, retriever: PartialRetriever, films: Catalogue
    ) -> None:
        some, others = np.arange(len(films)) % 2 == 0, np.arange(len(films)) % 2 == 1
        queries, masks = [*QUERIES, *QUERIES, Query()], [*[some] * 3, *[others] * 3, some]
        together = lists_of(retriever, queries, 5, masks)
        for query, mask, found in zip(queries, masks, together, strict=True):
            alone = retriever.retrieve(query, 5, allowed=mask)
            assert [candidate.item_id for candidate in found] == [candidate.item_id for candidate in alone]
