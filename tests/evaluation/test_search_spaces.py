"""Spaces name real settings, whatever is drawn from them is valid, and a stage knows what its fit depends on."""

import numpy as np
import pytest

from llmrec.evaluation.search_spaces import (
    ALL_ALIKE,
    BY_DEFAULT,
    READ_HALF_LIFE,
    TUNABLE,
    Choice,
    Range,
    Subset,
    drawn,
    settings_of,
    space_of,
    stepped,
    with_values,
)
from llmrec.settings import Settings
from llmrec.stages import STAGES


@pytest.mark.parametrize("stage", TUNABLE)
def test_whatever_is_drawn_is_a_setting(stage: str) -> None:
    rng = np.random.default_rng(0)
    space = space_of(stage, Settings(), tuned=())
    values = settings_of(stage, Settings())
    assert space.keys() <= values.keys()
    for _ in range(50):
        draw = drawn(space, rng)
        assert draw.keys() == space.keys()
        step = stepped(space, draw, rng)
        assert 1 <= len(step) <= len(space)
        for change in (draw, {**draw, **step}):
            changed = settings_of(stage, with_values(Settings(), change))
            assert {key: changed[key] for key in change} == change


def test_what_can_be_tuned_is_what_can_be_fitted_each_after_what_it_reads() -> None:
    assert set(TUNABLE) == set(STAGES)
    assert set(BY_DEFAULT) == set(STAGES) - {"sasrec", "text_sequential"}
    assert TUNABLE.index("sasrec") < TUNABLE.index("text_sequential") < TUNABLE.index("hybrid") == len(TUNABLE) - 1
    assert all(key in space_of(stage, Settings(), tuned=()) for stage, key in READ_HALF_LIFE.items())


def test_numbers_are_even_on_the_logarithmic_scale() -> None:
    rng = np.random.default_rng(0)
    values = [float(str(Range(10, 1000).draw(rng))) for _ in range(2000)]
    assert 10 <= min(values) <= 11
    assert 950 <= max(values) <= 1000
    assert np.mean([value < 100 for value in values]) == pytest.approx(0.5, abs=0.04)


def test_whole_numbers_and_linear_ranges_keep_their_ends() -> None:
    rng = np.random.default_rng(0)
    whole = {Range(1, 4, kind="whole").draw(rng) for _ in range(200)}
    assert whole == {1, 2, 3, 4}
    assert all(isinstance(value, int) for value in whole)
    decays = [float(str(Range(0.3, 1.0, "linear").draw(rng))) for _ in range(500)]
    assert np.mean(decays) == pytest.approx(0.65, abs=0.03)


def test_no_decay_is_drawn_now_and_then() -> None:
    rng = np.random.default_rng(0)
    half_lives = [space_of("ease", Settings(), tuned=())["retrieval.ease_half_life"].draw(rng) for _ in range(500)]
    assert 20 <= half_lives.count(ALL_ALIKE) <= 90


def test_a_step_from_outside_begins_at_the_nearer_end() -> None:
    rng = np.random.default_rng(0)
    steps = [float(str(Range(1, 300, otherwise=ALL_ALIKE).near(ALL_ALIKE, rng))) for _ in range(200)]
    assert max(steps) == 300.0
    assert np.median(steps) > 150


def test_names_are_added_or_left_out_one_at_a_time_and_never_all() -> None:
    rng = np.random.default_rng(0)
    some = Subset(("ease", "slit", "itemknn"))
    for _ in range(50):
        assert some.draw(rng)
        assert len(set(some.near(("ease", "slit"), rng)) ^ {"ease", "slit"}) == 1
    assert Subset(("ease",)).near(("ease",), rng) == ("ease",)
    assert some.near(("ease", "itemknn"), np.random.default_rng(1)) in {
        ("itemknn",), ("ease",), ("ease", "slit", "itemknn"),
    }  # fmt: skip


def test_a_choice_steps_to_another() -> None:
    rng = np.random.default_rng(0)
    assert {Choice(("plain", "idf", "bm25")).near("idf", rng) for _ in range(50)} == {"plain", "bm25"}
    assert Choice(("idf",)).near("idf", rng) == "idf"


def test_the_hybrid_depends_on_its_parts_and_may_take_in_what_is_tuned() -> None:
    settings = with_values(Settings(), {"models.hybrid_parts": ("ease", "slit")})
    values = settings_of("hybrid", settings)
    assert {"models.hybrid_l2", "models.slit_past", "retrieval.ease_half_life"} <= values.keys()
    assert not any(key.startswith(("models.itemknn", "models.sequential")) for key in values)
    assert space_of("hybrid", settings, tuned=("popularity", "sasrec"))["models.hybrid_parts"] == Subset(
        ("ease", "slit", "sasrec")
    )
    assert "models.hybrid_parts" not in space_of("hybrid", with_values(settings, {"models.hybrid_parts": ()}), tuned=())


def test_sasrec_does_not_depend_on_texts_and_nothing_on_the_device() -> None:
    sasrec, text = (settings_of(stage, Settings()) for stage in ("sasrec", "text_sequential"))
    assert text.keys() - sasrec.keys() == {"models.sequential_id_dropout", "models.sequential_cold_bonus"}
    assert not any("device" in key for key in text)
