"""Means and their bootstrap intervals."""

import numpy as np
import pytest
from scipy import stats

from llmrec.evaluation.estimates import bootstrap_draws, bootstrap_means

NAN = float("nan")


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
