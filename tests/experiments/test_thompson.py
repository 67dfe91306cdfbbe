from pathlib import Path

import numpy as np
import pytest

from llmrec.experiments.learned import explored, read_tallies, style_values, tallies_of, write_tallies
from llmrec.experiments.outcomes import answered
from llmrec.experiments.thompson import MIN_PROPENSITY, Tally, win_probabilities
from tests.experiments.rows import feedback, impression


def test_two_styles_without_clicks_win_alike() -> None:
    np.testing.assert_allclose(win_probabilities([Tally(), Tally()]), [0.5, 0.5])


def test_probabilities_are_those_of_drawing_rates() -> None:
    tallies = [Tally(20, 4), Tally(30, 9), Tally(10, 1)]
    rng = np.random.default_rng(0)
    draws = [rng.beta(1 + each.clicked, 1 + each.shown - each.clicked, size=200_000) for each in tallies]
    drawn = np.bincount(np.argmax(draws, axis=0), minlength=3) / 200_000
    np.testing.assert_allclose(
        win_probabilities(tallies), MIN_PROPENSITY + (1 - 3 * MIN_PROPENSITY) * drawn, atol=0.005
    )


def test_what_never_wins_is_still_shown_sometimes() -> None:
    found = win_probabilities([Tally(10_000, 5000), Tally(10_000, 100)])
    np.testing.assert_allclose(found, [1 - MIN_PROPENSITY, MIN_PROPENSITY])


def test_a_style_alone_always_wins() -> None:
    np.testing.assert_allclose(win_probabilities([Tally(5, 1)]), [1.0])


def test_tallies_count_what_was_drawn_and_clicked() -> None:
    rows = [
        impression("ann", "x", "", stage="rare", propensity=0.5),
        impression("bob", "x", "", stage="rare", propensity=0.5),
        impression("cho", "y", "", stage="ranking", propensity=0.5),
        impression("cho", "z", "", stage="fused"),
    ]
    drawn = explored(rows)
    clicked = answered(drawn, [feedback("bob", "x", "like")], ["like"])
    assert tallies_of(drawn, clicked) == {"rare": Tally(2, 1), "ranking": Tally(1, 0)}


def test_what_was_learned_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_tallies(tmp_path) == {}
    write_tallies(tmp_path, {"rare": Tally(7, 2)})
    assert read_tallies(tmp_path) == {"rare": Tally(7, 2)}
    assert [path.name for path in tmp_path.iterdir()] == ["exploration.json"]


def test_a_logged_bandit_tells_what_each_style_earns_by_itself() -> None:
    """A bandit that learns each day, many times: inverse propensities find each style's click rate without bias."""
    rates = {"ranking": 0.10, "rare": 0.05, "different": 0.2}
    names, rng = list(rates), np.random.default_rng(1)
    found: dict[str, list[float]] = {name: [] for name in names}
    held: dict[str, list[bool]] = {name: [] for name in names}
    for _ in range(60):
        rows, said, tallies = [], [], {name: Tally() for name in names}
        for day in range(3):
            chances = win_probabilities([tallies[name] for name in names])
            for visit, number in enumerate(rng.choice(3, size=100, p=chances).tolist()):
                user, name = f"{day}-{visit}", names[number]
                rows.append(impression(user, "x", "", stage=name, propensity=float(chances[number])))
                if rng.random() < rates[name]:
                    said.append(feedback(user, "x", "like"))
            clicked = answered(rows, said, ["like"])
            tallies = {**tallies, **tallies_of(rows, clicked)}
        for value in style_values(rows, clicked):
            found[value.style].append(value.ips.value)
            low, high = value.snips.fixed_interval()
            held[value.style].append(low <= rates[value.style] <= high)
    for name, values in found.items():
        error = np.std(values) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(rates[name], abs=3 * error), name
    assert np.mean(held["different"]) > 0.88
