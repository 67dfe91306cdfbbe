"""What stands in for the last step's weights: what it is, that it comes and goes, and that checkpoints keep it."""

import pytest
import torch
from torch import nn

from finetune.moving_mean import MovingMean


def one(value: float) -> dict[str, nn.Parameter]:
    return {"weight": nn.Parameter(torch.tensor([value]))}


def test_the_first_steps_soon_outweigh_what_was_drawn_before_them() -> None:
    parameters = one(0.0)
    mean = MovingMean(parameters, n_steps=100)
    parameters["weight"].data.fill_(1.0)
    mean.update(1)
    # After step 1 the mean keeps 1/11 of what was before it.
    with mean.in_place():
        assert parameters["weight"].item() == pytest.approx(10 / 11)


def test_later_on_a_step_counts_for_its_share_of_the_length() -> None:
    parameters = one(0.0)
    mean = MovingMean(parameters, n_steps=4)
    parameters["weight"].data.fill_(1.0)
    mean.update(1000)
    with mean.in_place():
        assert parameters["weight"].item() == pytest.approx(1 / 4)


@pytest.mark.parametrize("n_steps", [0.0, 0.5, 1.0])
def test_a_mean_over_one_step_is_that_step(n_steps: float) -> None:
    parameters = one(0.0)
    mean = MovingMean(parameters, n_steps=n_steps)
    parameters["weight"].data.fill_(3.0)
    mean.update(50)
    with mean.in_place():
        assert parameters["weight"].item() == 3.0


def test_afterwards_the_parameters_are_what_they_were_even_when_something_failed() -> None:
    parameters = one(1.0)
    mean = MovingMean(parameters, n_steps=10)
    parameters["weight"].data.fill_(2.0)

    def fail_within() -> None:
        with mean.in_place():
            assert parameters["weight"].item() == 1.0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    assert parameters["weight"].item() == 2.0


def test_adopting_it_is_for_good_and_a_checkpoint_brings_it_back() -> None:
    parameters, others = one(1.0), one(7.0)
    MovingMean(parameters, n_steps=10)
    kept = MovingMean(parameters, n_steps=10).state()
    mean = MovingMean(others, n_steps=10)
    mean.load(kept)
    mean.adopt()
    assert others["weight"].item() == 1.0
    with pytest.raises(KeyError):
        mean.load({})
