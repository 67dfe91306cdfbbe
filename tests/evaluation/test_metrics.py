from collections.abc import Sequence
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrec.errors import DataError
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks, answer_ranks, answers_of, user_metrics
from tests.evaluation.tiny import answers, histories, table


def metrics_of(scores: Sequence[float], sought: Sequence[int], history: Sequence[int] = ()) -> dict[str, float]:
    """The metrics of one user."""
    ranks = answer_ranks(table(scores), histories(history), answers(sought))
    return {name: float(values[0]) for name, values in user_metrics(ranks).items()}


class TestRanks:
    def test_the_best_item_has_rank_one(self) -> None:
        found = answer_ranks(table([0.1, 0.9, 0.5]), histories([]), answers([1, 2, 0]))
        assert found.ranks.tolist() == [1, 2, 3]
        assert found.n_candidates.tolist() == [3]

    def test_equal_scores_get_the_mean_of_their_places(self) -> None:
        found = answer_ranks(table([0.5, 0.9, 0.5, 0.5, 0.1]), histories([]), answers([2]))
        assert found.ranks.tolist() == [3.0]  # places 2, 3 and 4
        assert found.tied.tolist() == [3]

    def test_two_equal_scores_make_half_a_rank(self) -> None:
        assert answer_ranks(table([0.5, 0.5]), histories([]), answers([0])).ranks.tolist() == [1.5]

    def test_ones_own_history_is_out_of_the_ranking(self) -> None:
        found = answer_ranks(table([0.9, 0.8, 0.7], [0.9, 0.8, 0.7]), histories([0, 0], [1]), answers([2], [2]))
        assert found.ranks.tolist() == [2, 2]
        assert found.n_candidates.tolist() == [2, 2]

    def test_a_mask_of_candidates_leaves_the_others_out(self) -> None:
        cold = np.array([False, True, True, False])
        found = answer_ranks(table([0.9, 0.5, 0.8, 0.7]), histories([3]), answers([1]), candidates=cold)
        assert (found.ranks.tolist(), found.n_candidates.tolist()) == ([2], [2])

    def test_the_scores_are_left_as_they_were(self) -> None:
        scores = table([0.9, 0.8, 0.7])
        answer_ranks(scores, histories([0]), answers([2]))
        assert scores.tolist() == table([0.9, 0.8, 0.7]).tolist()

    def test_batches_joined_are_the_whole(self) -> None:
        rng = np.random.default_rng(0)
        scores = rng.integers(5, size=(7, 9)).astype(np.float32)
        met, sought = histories(*[[u % 3] for u in range(7)]), answers(*[[3 + u % 4, 8][: u % 3] for u in range(7)])
        whole = answer_ranks(scores, met, sought)
        pieces = [slice(0, 3), slice(3, 6), slice(6, 7)]
        parts = [answer_ranks(scores[at], met.of(at), answers_of(sought, at)) for at in pieces]
        joined = AnswerRanks.joined(parts)
        for column in ("users", "items", "ranks", "tied", "n_candidates"):
            np.testing.assert_array_equal(getattr(joined, column), getattr(whole, column))

    def test_a_model_that_scores_all_alike_is_no_better_than_chance(self) -> None:
        found = metrics_of([0.0] * 101, [7])
        assert (found["R@10"], found["R@50"], found["AUC"]) == (0, 0, 0.5)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_score_that_is_no_number_is_refused(self, bad: float) -> None:
        with pytest.raises(DataError, match="scores of user row 1 hold nan or infinity"):
            answer_ranks(table([1, 2], [1, bad]), histories([], []), answers([0], [0]))

    def test_an_answer_from_the_history_is_refused(self) -> None:
        with pytest.raises(DataError, match="answer 1 of user row 0 is in the history"):
            answer_ranks(table([1, 2]), histories([1]), answers([1]))

    def test_an_answer_outside_the_candidates_is_refused(self) -> None:
        with pytest.raises(DataError, match="no candidate"):
            answer_ranks(table([1, 2]), histories([]), answers([1]), candidates=np.array([True, False]))

    def test_an_answer_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(DataError, match="twice"):
            answer_ranks(table([1, 2]), histories([]), answers([1, 1]))

    def test_an_answer_outside_the_catalogue_is_refused(self) -> None:
        with pytest.raises(DataError, match="from 0 to 1"):
            answer_ranks(table([1, 2]), histories([]), answers([2]))

    def test_answers_of_more_users_than_scores_are_refused(self) -> None:
        with pytest.raises(DataError, match="below 1"):
            answer_ranks(table([1, 2]), histories([]), answers([0], [1]))

    def test_scores_of_other_users_than_the_histories_are_refused(self) -> None:
        with pytest.raises(DataError, match="1 rows for 2 users"):
            answer_ranks(table([1, 2]), histories([], []), answers([0]))


class TestMetrics:
    def test_third_place_of_one_answer(self) -> None:
        found = metrics_of([9, 8, 7, 6, 5, 4], [2])
        assert (found["R@1"], found["R@5"], found["HR@5"]) == (0, 1, 1)
        assert found["NDCG@5"] == pytest.approx(1 / log2(4))
        assert found["MRR@5"] == pytest.approx(1 / 3)
        assert found["MAP@5"] == pytest.approx(1 / 3)
        assert found["P@5"] == pytest.approx(1 / 5)
        assert found["F1@5"] == pytest.approx(2 * (1 / 5) * 1 / (1 / 5 + 1))
        assert found["AUC"] == pytest.approx(3 / 5)

    def test_three_answers_of_which_one_is_outside_k(self) -> None:
        found = metrics_of([9, 8, 7, 6, 5, 4, 3], [0, 3, 5])  # ranks 1, 4, 6
        assert found["R@5"] == pytest.approx(2 / 3)
        assert found["P@5"] == pytest.approx(2 / 5)
        assert found["F1@5"] == pytest.approx(2 * 2 / (5 + 3))
        assert found["MAP@5"] == pytest.approx((1 / 1 + 2 / 4) / 3)
        assert found["MRR@5"] == 1
        assert found["NDCG@5"] == pytest.approx((1 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4)))
        assert found["AUC"] == pytest.approx(1 - (0 + 2 + 3) / (3 * 4))

    def test_the_best_order_of_more_answers_than_k_is_perfect(self) -> None:
        found = metrics_of([9, 8, 7, 1, 1, 1], [0, 1, 2])
        assert (found["NDCG@1"], found["P@1"], found["R@1"], found["AUC"]) == (1, 1, pytest.approx(1 / 3), 1)

    def test_no_answer_inside_k_makes_zeros(self) -> None:
        found = metrics_of([9, 8, 7], [2])
        assert [found[f"{name}@1"] for name in ("R", "HR", "NDCG", "MRR", "MAP", "P", "F1")] == [0] * 7

    def test_a_user_without_answers_has_no_metrics(self) -> None:
        ranks = answer_ranks(table([1, 2], [1, 2]), histories([], []), answers([], [1]))
        for values in user_metrics(ranks).values():
            assert np.isnan(values).tolist() == [True, False]
            assert values.dtype == np.float64

    def test_nobody_has_metrics_of_length_zero(self) -> None:
        ranks = answer_ranks(np.zeros((0, 4), np.float32), histories(), answers())
        assert {len(values) for values in user_metrics(ranks).values()} == {0}

    def test_there_is_no_auc_where_every_candidate_is_an_answer(self) -> None:
        assert np.isnan(metrics_of([1, 2], [0, 1])["AUC"])

    def test_every_metric_is_there_for_every_k(self) -> None:
        names = {f"{name}@{k}" for name in ("R", "HR", "NDCG", "MRR", "MAP", "P", "F1") for k in CUTOFFS}
        assert set(metrics_of([1, 2], [0])) == names | {"AUC"}

    def test_an_answer_left_out_stays_among_the_candidates(self) -> None:
        ranks = answer_ranks(table([9, 8, 7]), histories([]), answers([0, 1]))
        found = user_metrics(ranks.where(ranks.items == 1), cutoffs=[5])
        assert (found["MRR@5"][0], found["R@5"][0]) == (0.5, 1)


class TestTies:
    def test_one_tied_answer_counts_at_its_mean_rank(self) -> None:
        found = metrics_of([5, 5, 1, 1], [0])
        assert found["NDCG@5"] == pytest.approx(1 / log2(2.5))
        assert found["MRR@5"] == pytest.approx(1 / 1.5)
        assert found["R@1"] == 0  # 1.5 is not inside 1
        assert found["AUC"] == pytest.approx(2.5 / 3)

    def test_a_tie_over_the_border_is_inside_when_its_mean_is(self) -> None:
        assert metrics_of([1] * 9, [4])["R@5"] == 1  # places 1 to 9, mean 5
        assert metrics_of([1] * 10, [4])["R@5"] == 0  # mean 5.5

    def test_answers_tied_with_each_other_alone_are_no_tie(self) -> None:
        found = metrics_of([5, 5, 5, 1], [0, 1, 2])
        assert (found["NDCG@5"], found["MAP@5"], found["MRR@5"], found["P@1"]) == (1, 1, 1, 1)

    def test_answers_tied_with_others_stand_where_they_do_on_average(self) -> None:
        found = metrics_of([5, 5, 5, 5, 5, 1], [0, 3])  # of five places the two have, on average, 2 and 4
        assert found["NDCG@5"] == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))
        assert found["MAP@5"] == pytest.approx((1 / 2 + 2 / 4) / 2)

    @given(
        st.lists(st.integers(0, 2), min_size=2, max_size=30).flatmap(
            lambda scores: st.tuples(
                st.just(scores), st.sets(st.integers(0, len(scores) - 1), min_size=1, max_size=len(scores))
            )
        )
    )
    def test_no_metric_leaves_its_range(self, drawn: tuple[list[int], set[int]]) -> None:
        scores, sought = drawn
        for name, value in metrics_of(scores, sorted(sought)).items():
            assert np.isnan(value) or -1e-12 <= value <= 1 + 1e-12, name

    def test_renumbering_the_items_changes_no_metric(self) -> None:
        rng = np.random.default_rng(3)
        scores = rng.integers(4, size=(20, 30)).astype(np.float32)
        met, sought = [[u % 5, 6] for u in range(20)], [[7 + u % 9, 20, 21 + u % 3] for u in range(20)]
        to = rng.permutation(30)
        moved = np.empty_like(scores)
        moved[:, to] = scores
        before = user_metrics(answer_ranks(scores, histories(*met), answers(*sought)))
        after = user_metrics(
            answer_ranks(moved, histories(*[to[each] for each in met]), answers(*[to[each] for each in sought]))
        )
        for name, values in before.items():
            np.testing.assert_allclose(after[name], values, atol=1e-12)
