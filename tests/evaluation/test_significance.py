import numpy as np
import pytest
from scipy import stats

from llmrec.errors import DataError
from llmrec.evaluation.results import Difference, StageResult
from llmrec.evaluation.significance import bootstrap_draws, bootstrap_means, paired_differences, verdict

NAN = float("nan")


def stage(name: str, **metrics: list[float]) -> StageResult:
    return StageResult(name, {metric: np.array(values) for metric, values in metrics.items()})


class TestDraws:
    def test_two_users_give_the_three_means_there_are_as_often_as_they_should(self) -> None:
        draws = bootstrap_draws(np.array([[0.0], [1.0]]), seed=0)[:, 0]
        values, times = np.unique(draws, return_counts=True)
        assert values.tolist() == [0, 0.5, 1]
        # 1/4, 1/2, 1/4; four standard errors of 10,000 draws are .02.
        np.testing.assert_allclose(times / len(draws), [0.25, 0.5, 0.25], atol=0.02)

    def test_all_columns_see_the_same_samples(self) -> None:
        values = np.random.default_rng(0).random((30, 1))
        draws = bootstrap_draws(np.hstack([values, 2 * values + 1]), seed=1, n_draws=50)
        np.testing.assert_allclose(draws[:, 1], 2 * draws[:, 0] + 1)

    def test_a_mean_is_over_the_users_of_the_sample_who_have_the_metric(self) -> None:
        draws = bootstrap_draws(np.array([[5.0, 1.0], [NAN, 1.0], [5.0, 1.0]]), seed=0, n_draws=2000)
        assert set(draws[~np.isnan(draws[:, 0]), 0]) == {5.0}
        # The middle user fills a sample of three with chance 1/27.
        assert 0 < np.isnan(draws[:, 0]).mean() < 0.1
        assert set(draws[:, 1]) == {1.0}

    def test_no_users_give_no_means(self) -> None:
        assert np.isnan(bootstrap_draws(np.full((4, 2), NAN), seed=0, n_draws=3)).all()
        assert bootstrap_draws(np.zeros((0, 2)), seed=0, n_draws=3).shape == (3, 2)

    def test_more_draws_than_fit_in_memory_at_once_go_on_where_fewer_stopped(self) -> None:
        values = np.random.default_rng(0).random((100_000, 1))
        some, more = (bootstrap_draws(values, seed=3, n_draws=n_draws) for n_draws in (7, 100))
        np.testing.assert_allclose(more[:7], some, rtol=1e-12)
        assert len(np.unique(more)) == 100


class TestMeans:
    def test_the_interval_is_that_of_scipys_percentile_bootstrap(self) -> None:
        values = np.random.default_rng(5).exponential(size=200)
        found = bootstrap_means({"x": values}, seed=0)["x"]
        low, high = stats.bootstrap(
            (values,), np.mean, method="percentile", rng=1, n_resamples=10_000
        ).confidence_interval
        assert found.mean == pytest.approx(values.mean())
        assert found.ci95 == pytest.approx((low, high), abs=0.01)

    def test_about_95_in_100_intervals_hold_the_truth(self) -> None:
        rng = np.random.default_rng(0)
        samples = {str(number): rng.normal(size=100) for number in range(400)}
        # Samples are independent of each other, so drawing users once for all of them does no harm.
        found = bootstrap_means(samples, seed=0, n_draws=1000).values()
        held = np.mean([low <= 0 <= high for low, high in (estimate.ci95 for estimate in found)])
        assert 0.91 <= held <= 0.98

    def test_the_same_seed_gives_the_same_interval_and_another_a_similar_one(self) -> None:
        values = {"x": np.random.default_rng(5).random(50)}
        first, again, other = (bootstrap_means(values, seed=seed)["x"] for seed in (1, 1, 2))
        assert first == again
        assert first != other
        assert first.ci95 == pytest.approx(other.ci95, abs=0.01)

    def test_users_without_a_metric_are_left_out_of_it(self) -> None:
        found = bootstrap_means({"x": np.array([1.0, NAN, 3.0]), "y": np.array([0.0, 3.0, 6.0])}, seed=0)
        assert (found["x"].mean, found["y"].mean) == (2, 3)

    def test_one_user_has_a_mean_and_no_interval(self) -> None:
        found = bootstrap_means({"x": np.array([NAN, 3.0])}, seed=0)["x"]
        assert found.mean == 3
        assert np.isnan(found.ci95).all()

    def test_nobody_and_nothing_have_no_mean(self) -> None:
        assert np.isnan(bootstrap_means({"x": np.array([NAN])}, seed=0)["x"].mean)
        assert bootstrap_means({}, seed=0) == {}


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
