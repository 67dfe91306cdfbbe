from math import log2

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.evaluation.beyond_accuracy import (
    Popularity,
    TieKeys,
    coverage,
    diversity,
    exposure,
    gini,
    list_metrics,
    novelty,
    popularity_bias,
    tie_keys,
    top_items,
)
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.evaluation.tiny import histories, table


def keys(*order: int) -> TieKeys:
    return np.array(order, dtype=np.uint64)


def lists(*rows: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    return np.array(rows, dtype=np.int32)


IDS = [ItemId(f"item-{number}") for number in range(40)]


class TestTopItems:
    def test_the_best_come_first(self) -> None:
        found = top_items(table([0.1, 0.9, 0.5, 0.7]), histories([]), 3, keys=keys(0, 1, 2, 3))
        assert found.tolist() == [[1, 3, 2]]
        assert found.dtype == np.int32

    def test_the_history_is_not_shown(self) -> None:
        found = top_items(table([0.1, 0.9, 0.5], [0.1, 0.9, 0.5]), histories([1], []), 2, keys=keys(0, 1, 2))
        assert found.tolist() == [[2, 0], [1, 2]]

    def test_fewer_candidates_than_k_are_filled_up(self) -> None:
        allowed = np.array([True, True, False])
        found = top_items(table([0.1, 0.9, 0.5]), histories([0]), 3, keys=keys(0, 1, 2), candidates=allowed)
        assert found.tolist() == [[1, -1, -1]]

    def test_equal_scores_are_ordered_by_key(self) -> None:
        scores = table([0.5, 0.5, 0.9, 0.5])
        assert top_items(scores, histories([]), 4, keys=keys(7, 1, 9, 3)).tolist() == [[2, 1, 3, 0]]

    def test_a_tie_over_the_border_is_cut_by_key(self) -> None:
        scores = table([0.5, 0.5, 0.9, 0.5])
        assert top_items(scores, histories([]), 2, keys=keys(7, 3, 9, 1)).tolist() == [[2, 3]]

    def test_a_score_that_is_no_number_is_refused(self) -> None:
        with pytest.raises(DataError, match="nan or infinity"):
            top_items(table([0.5, np.nan]), histories([]), 1, keys=keys(0, 1))

    def test_it_agrees_with_sorting_everything(self) -> None:
        rng = np.random.default_rng(0)
        scores, order = rng.integers(6, size=(50, 40)).astype(np.float32), tie_keys(IDS, seed=1)
        found = top_items(scores, histories(*[[u % 40] for u in range(50)]), 10, keys=order)
        for user, row in enumerate(scores):
            best = [item for item in np.lexsort((order, -row)).tolist() if item != user % 40]
            assert found[user].tolist() == best[:10]

    def test_renumbering_the_catalogue_changes_no_list(self) -> None:
        rng = np.random.default_rng(0)
        scores, to = rng.integers(3, size=(20, 40)).astype(np.float32), rng.permutation(40)
        moved, moved_ids = np.empty_like(scores), [IDS[0]] * 40
        moved[:, to] = scores
        for old, new in enumerate(to.tolist()):
            moved_ids[new] = IDS[old]
        before = top_items(scores, histories(*[[]] * 20), 7, keys=tie_keys(IDS, seed=0))
        after = top_items(moved, histories(*[[]] * 20), 7, keys=tie_keys(moved_ids, seed=0))
        np.testing.assert_array_equal(after, to[before])


class TestTieKeys:
    def test_they_depend_on_the_id_and_the_seed_alone(self) -> None:
        here, there = tie_keys(IDS, seed=0), tie_keys(IDS[::-1], seed=0)
        np.testing.assert_array_equal(here, there[::-1])
        assert (here != tie_keys(IDS, seed=1)).all()

    def test_their_order_has_nothing_to_do_with_the_order_of_ids(self) -> None:
        many = [ItemId(str(number)) for number in range(2000)]
        ranks = np.argsort(np.argsort(tie_keys(many, seed=0)))
        assert abs(np.corrcoef(ranks, np.arange(2000))[0, 1]) < 0.08  # 3.5 standard errors

    def test_no_items_have_no_keys(self) -> None:
        assert len(tie_keys([], seed=0)) == 0


class TestAllLists:
    def test_exposure_counts_users(self) -> None:
        assert exposure(lists([0, 1], [0, -1]), 3).tolist() == [2, 1, 0]

    def test_coverage_is_the_share_of_items_anybody_sees(self) -> None:
        assert coverage(np.array([2.0, 1, 0, 0])) == 0.5

    def test_gini_is_0_when_all_are_shown_alike_and_largest_when_one_is(self) -> None:
        assert gini(np.array([3.0, 3, 3, 3])) == 0
        assert gini(np.array([0.0, 8, 0, 0])) == pytest.approx(3 / 4)

    def test_gini_of_one_and_three(self) -> None:
        assert gini(np.array([3.0, 1])) == pytest.approx((-1 * 1 + 1 * 3) / (2 * 4))

    def test_nothing_shown_has_no_gini(self) -> None:
        assert np.isnan(gini(np.zeros(3)))
        assert np.isnan(gini(np.zeros(0)))
        assert np.isnan(coverage(np.zeros(0)))


class TestPopularity:
    def test_users_are_counted_not_interactions(self) -> None:
        catalogue = Catalogue([Item(ItemId(item_id), item_id) for item_id in ("a", "b", "c")])
        met = [("ann", "a"), ("ann", "a"), ("bob", "a"), ("bob", "b")]
        rows = [Interaction(UserId(user), ItemId(item), 1.0, float(at)) for at, (user, item) in enumerate(met)]
        found = Popularity.of(Interactions.from_rows(rows, catalogue))
        assert (found.counts.tolist(), found.n_users) == ([2, 1, 0], 2)
        assert found.shares.tolist() == [1, 0.5, 0]

    def test_novelty_is_the_mean_of_bits(self) -> None:
        popularity = Popularity(np.array([8.0, 2, 1, 0]), 8)
        found = novelty(lists([0, 1], [1, 2], [3, -1], [-1, -1]), popularity)
        np.testing.assert_allclose(found, [(0 + 2) / 2, (2 + 3) / 2, log2(8), np.nan])

    def test_bias_compares_the_list_with_the_history(self) -> None:
        popularity = Popularity(np.array([8.0, 4, 2, 0]), 8)
        shown, met = lists([0, 1], [2, -1], [0, 1], [0, 1], [-1, -1]), histories([1, 2], [1], [], [3], [0])
        np.testing.assert_allclose(popularity_bias(shown, met, popularity), [6 / 3, 0.5, np.nan, np.nan, np.nan])


class TestDiversity:
    vectors = np.array([[1, 0], [0, 2], [3, 0], [-1, 0], [0, 0]], dtype=np.float32)

    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            ([0, 1], 1.0),  # at right angles
            ([0, 2], 0.0),  # the same direction
            ([0, 3], 2.0),  # opposite
            ([0, 1, 2], 1 - (0 + 1 + 0) / 3),
            ([0, 2, -1], 0.0),
            ([0, 2, 4], 1 - 1 / 3),  # nothing is known of item 4
            ([0, -1], np.nan),
        ],
    )
    def test_it_is_one_minus_the_mean_cosine_of_pairs(self, items: list[int], expected: float) -> None:
        np.testing.assert_allclose(diversity(lists(items), self.vectors), [expected], atol=1e-6)

    def test_batches_do_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(30, 8)).astype(np.float32)
        shown = np.array([rng.permutation(30)[:5] for _ in range(9000)], dtype=np.int32)
        found = diversity(shown, vectors)
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for user in (0, 4000, 8999):
            cosines = units[shown[user]] @ units[shown[user]].T
            assert found[user] == pytest.approx(1 - cosines[np.triu_indices(5, 1)].mean(), abs=1e-6)

    def test_no_users_have_none(self) -> None:
        assert len(diversity(np.zeros((0, 5), np.int32), self.vectors)) == 0


class TestListMetrics:
    popularity = Popularity(np.array([4.0, 2, 1, 1]), 4)

    def test_every_metric_has_its_name_and_k(self) -> None:
        vectors = np.eye(4, dtype=np.float32)
        shown, met = lists([0, 1], [2, 0]), histories([3], [1])
        found = list_metrics(shown, met, self.popularity, vectors=vectors, cutoffs=(1, 2))
        assert set(found.overall) == {"coverage@1", "coverage@2", "gini@1", "gini@2"}
        names = {f"{name}@{k}" for name in ("novelty", "popularity_bias") for k in (1, 2)}
        assert set(found.per_user) == names | {"diversity@2"}
        assert (found.overall["coverage@1"], found.overall["coverage@2"]) == (0.5, 0.75)
        assert found.per_user["novelty@1"].tolist() == [0, 2]
        assert found.per_user["diversity@2"].tolist() == [1, 1]

    def test_without_vectors_there_is_no_diversity(self) -> None:
        found = list_metrics(lists([0, 1]), histories([3]), self.popularity, cutoffs=(2,))
        assert set(found.per_user) == {"novelty@2", "popularity_bias@2"}
