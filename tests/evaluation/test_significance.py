import numpy as np
import pytest

from llmrec.errors import DataError
from llmrec.evaluation.estimates import bootstrap_means
from llmrec.evaluation.results import Difference, StageResult
from llmrec.evaluation.significance import paired_differences, verdict

NAN = float("nan")


def stage(name: str, **metrics: list[float]) -> StageResult:
    return StageResult(name, {metric: np.array(values) for metric, values in metrics.items()})


class TestDifferences:
    def test_what_is_better_for_every_user_is_shown(self) -> None:
        a, b = stage("ease", NDCG=[0.5, 0.6, 0.9]), stage("popularity", NDCG=[0.4, 0.5, 0.8])
        (found,) = paired_differences(a, b, seed=0)
        assert (found.a, found.b, found.metric) == ("ease", "popularity", "NDCG")
        assert found.mean == pytest.approx(0.1)
        assert found.ci95 == pytest.approx((0.1, 0.1))
        assert found.is_shown
        assert verdict(found).startswith("ease is higher than popularity in NDCG (+0.1000, 95 % interval +0.1000 to")

    def test_pairing_shows_what_two_intervals_would_hide(self) -> None:
        hard = np.random.default_rng(0).normal(size=100)
        a, b = stage("a", x=(hard + 0.1).tolist()), stage("b", x=hard.tolist())
        alone = [bootstrap_means(each.per_user, seed=0)["x"].ci95 for each in (a, b)]
        assert alone[1][1] > alone[0][0]  # they overlap
        assert paired_differences(a, b, seed=0)[0].is_shown

    def test_no_difference_is_shown_where_0_is_inside(self) -> None:
        (found,) = paired_differences(stage("a", x=[1, 0, 0, 1]), stage("b", x=[0, 1, 1, 0]), seed=0)
        assert found.mean == 0
        assert verdict(found).startswith("no difference shown between a and b in x (+0.0000, 95 % interval -1")

    def test_a_user_without_a_value_on_one_side_is_left_out_of_both(self) -> None:
        a, b = stage("a", x=[1.0, NAN, 5.0, 2.0]), stage("b", x=[0.0, 9.0, NAN, 1.0])
        assert paired_differences(a, b, seed=0)[0].mean == 1

    def test_only_metrics_of_both_are_compared_and_the_other_way_has_the_other_sign(self) -> None:
        a, b = stage("a", x=[3.0, 2.0], y=[1.0, 1.0]), stage("b", x=[1.0, 1.0], z=[1.0, 1.0])
        (found,), (back,) = paired_differences(a, b, seed=0), paired_differences(b, a, seed=0)
        assert found.metric == "x"
        assert (back.mean, back.ci95) == (-found.mean, pytest.approx((-found.ci95[1], -found.ci95[0])))
        assert verdict(back).startswith("b is lower than a in x")

    def test_no_pairs_show_no_difference(self) -> None:
        (found,) = paired_differences(stage("a", x=[1.0, NAN]), stage("b", x=[NAN, 1.0]), seed=0)
        assert verdict(found) == "no difference shown between a and b in x (no user has both)"

    def test_one_pair_shows_no_difference(self) -> None:
        (found,) = paired_differences(stage("a", x=[1.0]), stage("b", x=[0.0]), seed=0)
        assert verdict(found) == "no difference shown between a and b in x (one user alone has both)"

    def test_runs_of_different_length_are_refused(self) -> None:
        with pytest.raises(DataError, match="a has 2 users and b 1"):
            paired_differences(stage("a", x=[1.0, 2.0]), stage("b", x=[1.0]), seed=0)

    def test_zero_at_the_edge_is_inside(self) -> None:
        assert "no difference shown" in verdict(Difference("a", "b", "x", 0.1, (0.0, 0.2)))
