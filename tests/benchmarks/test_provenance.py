from benchmarks.provenance import median_ci95, quantile_ci95


def test_the_quantile_of_the_sample_stands_between_the_ends_of_its_interval() -> None:
    value, (low, high) = quantile_ci95([float(n) for n in range(1, 101)], 0.95)
    assert value == 95.05
    assert low < value < high <= 100.0


def test_equal_values_leave_no_doubt() -> None:
    assert quantile_ci95([3.0] * 5, 0.95) == (3.0, [3.0, 3.0])
    assert median_ci95([3.0] * 5) == {"median": 3.0, "ci95": [3.0, 3.0]}
