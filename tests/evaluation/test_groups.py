import numpy as np
import pytest

from llmrec.errors import DataError
from llmrec.evaluation.groups import (
    Groups,
    activity_groups,
    answer_group_metrics,
    item_popularity_groups,
    label_groups,
    user_group_metrics,
)
from llmrec.evaluation.metrics import answer_ranks
from tests.evaluation.tiny import answers, histories, table


def named(groups: Groups) -> list[str]:
    return [groups.names[number] if number >= 0 else "" for number in groups.of]


class TestParts:
    def test_activity_is_parted_at_the_quartiles(self) -> None:
        assert named(activity_groups(np.array([5, 1, 8, 3]))) == ["more", "fewest", "most", "fewer"]

    def test_users_of_equal_activity_stay_together(self) -> None:
        assert set(named(activity_groups(np.array([5, 5, 5, 5, 5])))) == {"fewest"}
        assert named(activity_groups(np.array([2, 2, 2, 2, 2, 9]))) == ["fewest"] * 5 + ["most"]

    def test_nobody_can_be_parted(self) -> None:
        assert named(activity_groups(np.zeros(0, dtype=np.int64))) == []

    def test_labels_part_users_and_blanks_belong_nowhere(self) -> None:
        groups = label_groups("job", ["cook", None, "artist", " ", "cook "])
        assert (groups.column, groups.names) == ("job", ("artist", "cook"))
        assert named(groups) == ["cook", "", "artist", "", "cook"]

    def test_head_and_tail_have_a_fifth_of_interactions_each(self) -> None:
        # 100 interactions: 25 of the first item, 5 of each of the last three.
        groups = item_popularity_groups(np.array([25.0, 20, 20, 20, 5, 5, 5]))
        assert named(groups) == ["head", "middle", "middle", "middle", "tail", "tail", "tail"]

    def test_equally_popular_items_stay_together(self) -> None:
        # The five once met have 5 of 22 interactions, the two met five times 10: their middle is at half.
        groups = item_popularity_groups(np.array([7.0, 5, 5, 1, 1, 1, 1, 1]))
        assert named(groups) == ["head", "middle", "middle"] + ["tail"] * 5

    def test_items_all_alike_are_the_middle(self) -> None:
        assert set(named(item_popularity_groups(np.array([3.0, 3, 3, 3])))) == {"middle"}

    def test_there_is_a_head_and_a_tail_however_few_items_there_are(self) -> None:
        assert named(item_popularity_groups(np.array([90.0, 60, 50]))) == ["head", "middle", "tail"]

    def test_what_nobody_met_is_tail(self) -> None:
        assert named(item_popularity_groups(np.array([0.0, 7, 0]))) == ["tail", "head", "tail"]
        assert named(item_popularity_groups(np.zeros(2))) == ["tail", "tail"]
        assert named(item_popularity_groups(np.zeros(0))) == []

    def test_the_order_of_the_items_does_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        counts, order = rng.integers(9, size=50).astype(np.float64), rng.permutation(50)
        np.testing.assert_array_equal(
            item_popularity_groups(counts[order]).of, item_popularity_groups(counts).of[order]
        )


class TestUserGroups:
    def test_each_part_has_its_mean_and_number(self) -> None:
        groups = label_groups("job", ["cook", "artist", "cook", None])
        found = user_group_metrics(groups, {"R@10": np.array([1.0, 0.5, 0.0, 9.0])}, seed=0)
        rows = [(each.group, each.metric, each.n_users, each.estimate.mean) for each in found.estimates]
        assert rows == [("artist", "R@10", 1, 0.5), ("cook", "R@10", 2, 0.5)]

    def test_the_gap_is_the_best_part_minus_the_worst(self) -> None:
        groups = label_groups("job", ["a", "a", "b", "b", "c", "c"])
        found = user_group_metrics(groups, {"R@10": np.array([0.2, 0.2, 0.9, 0.9, 0.5, 0.5])}, seed=0, n_draws=500)
        (gap,) = found.gaps
        assert (gap.column, gap.metric, gap.highest, gap.lowest) == ("job", "R@10", "b", "a")
        assert gap.estimate.mean == pytest.approx(0.7)
        assert gap.estimate.ci95 == pytest.approx((0.7, 0.7))

    def test_parts_that_differ_by_chance_have_a_gap_that_holds_0(self) -> None:
        values = np.random.default_rng(1).random(200)
        (gap,) = user_group_metrics(label_groups("coin", ["a", "b"] * 100), {"x": values}, seed=0).gaps
        low, high = gap.estimate.ci95
        assert low < 0 < gap.estimate.mean < high

    def test_users_without_the_metric_do_not_count(self) -> None:
        found = user_group_metrics(label_groups("job", ["a", "a", "b"]), {"x": np.array([1.0, np.nan, np.nan])}, seed=0)
        assert [(each.group, each.n_users) for each in found.estimates] == [("a", 1)]
        assert found.gaps == ()

    def test_a_part_of_one_user_has_a_mean_and_no_interval(self) -> None:
        found = user_group_metrics(label_groups("job", ["a", "b", "b"]), {"x": np.array([1.0, 0.2, 0.4])}, seed=0)
        assert np.isnan(found.estimates[0].estimate.ci95).all()
        assert not np.isnan(found.estimates[1].estimate.ci95).any()
        assert np.isnan(found.gaps[0].estimate.ci95).all()

    def test_no_parts_have_no_metrics(self) -> None:
        found = user_group_metrics(label_groups("job", [None, None]), {"x": np.array([1.0, 0.2])}, seed=0)
        assert (found.estimates, found.gaps) == ((), ())

    def test_a_column_of_other_users_is_refused(self) -> None:
        with pytest.raises(DataError, match="x has 1 users and job 2"):
            user_group_metrics(label_groups("job", ["a", "b"]), {"x": np.array([1.0])}, seed=0)


class TestAnswerGroups:
    def test_each_part_seeks_its_own_answers_at_their_ranks_among_all(self) -> None:
        # Item 0 is head, 1 middle, 2 and 3 tail; user 0 seeks 0 and 2, user 1 seeks 3.
        items = Groups("item popularity", ("head", "middle", "tail"), np.array([0, 1, 2, 2]))
        ranks = answer_ranks(table([9, 8, 7, 6], [9, 8, 7, 6]), histories([], [0]), answers([0, 2], [3]))
        found = answer_group_metrics(items, ranks, ["MRR@5", "R@1"], seed=0)
        rows = {(each.group, each.metric): (each.n_users, each.estimate.mean) for each in found.estimates}
        assert rows == {
            ("head", "MRR@5"): (1, 1.0),
            ("head", "R@1"): (1, 1.0),
            ("tail", "MRR@5"): (2, pytest.approx(1 / 3)),
            ("tail", "R@1"): (2, 0.0),
        }
        assert [(gap.metric, gap.highest, gap.lowest) for gap in found.gaps] == [
            ("MRR@5", "head", "tail"),
            ("R@1", "head", "tail"),
        ]
