"""What every Ranker must do; a test class inherits from the suite and gives it a `ranker` fixture over `films`."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import BulkRanker, Ranker, rankings_of
from llmrec.types import Candidate, History, Interaction, ItemId, Query, Turn, UserId

QUERY = Query(history=History((Interaction(UserId("ann"), ItemId("1")),)))


def candidates_of(films: Catalogue, n: int) -> list[Candidate]:
    """The first `n` items of the catalogue as candidates, scores falling from 1."""
    return [Candidate(item_id, 1 - place / 100, "fusion") for place, item_id in enumerate(films.ids[:n])]


class RankerContract:
    """Inherit and define the fixture `ranker`."""

    @pytest.mark.parametrize("n", [1, 2, 9])
    def test_what_comes_out_is_what_went_in(self, ranker: Ranker, films: Catalogue, n: int) -> None:
        candidates = candidates_of(films, n)
        ranking = ranker.rank(QUERY, candidates)
        assert sorted(ranking.item_ids) == sorted(candidate.item_id for candidate in candidates)
        assert len(ranking.scores) == n

    def test_scores_never_rise_down_the_list(self, ranker: Ranker, films: Catalogue) -> None:
        scores = list(ranker.rank(QUERY, candidates_of(films, 9)).scores)
        assert scores == sorted(scores, reverse=True)

    def test_nothing_ranks_to_nothing(self, ranker: Ranker) -> None:
        assert ranker.rank(QUERY, []).item_ids == ()

    def test_the_same_call_gives_the_same_ranking(self, ranker: Ranker, films: Catalogue) -> None:
        first, again = (ranker.rank(QUERY, candidates_of(films, 9)) for _ in range(2))
        assert first.item_ids == again.item_ids
        assert first.scores == again.scores

    def test_the_order_of_candidates_does_not_change_which_items_come_out(
        self, ranker: Ranker, films: Catalogue
    ) -> None:
        candidates = candidates_of(films, 9)
        turned = ranker.rank(QUERY, candidates[::-1])
        assert set(turned.item_ids) == set(ranker.rank(QUERY, candidates).item_ids)

    def test_what_is_ranked_together_is_ranked_as_alone(self, ranker: Ranker, films: Catalogue) -> None:
        two = History((Interaction(UserId("bob"), ItemId("7")), Interaction(UserId("bob"), ItemId("10"))))
        queries = [QUERY, Query(history=two), Query(), Query(turns=(Turn("user", "scary"),)), QUERY]
        candidates = [candidates_of(films, n) for n in (9, 4, 9, 2, 0)]
        together = (
            ranker.rank_many(queries, candidates)
            if isinstance(ranker, BulkRanker)
            else rankings_of(ranker, queries, candidates)
        )
        for query, own, found in zip(queries, candidates, together, strict=True):
            alone = ranker.rank(query, own)
            assert found.item_ids == alone.item_ids
            assert found.scores == pytest.approx(alone.scores, abs=1e-4)
            assert found.ranked_by == alone.ranked_by
            assert found.report.degraded == alone.report.degraded
            assert found.report.lm_scores == pytest.approx(alone.report.lm_scores, abs=1e-4)
