from benchmarks.loop_experiments import rows


def test_intervals_hold_in_a_few_simulated_experiments() -> None:
    found = {row.what: row.value for row in rows(30, seed=0)}
    assert len(found) == 10
    for what, value in found.items():
        if "holds the truth" in what:
            assert value >= 0.8, what
        if what.startswith("always-valid: false positives"):
            assert value <= 0.2, what
