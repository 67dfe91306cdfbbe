"""The mean of what recent steps left behind, which generalises better than the last step alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_PREFIX = "mean."


class MovingMean:
    """Exponential moving mean of parameters, which can stand in their place.

    It begins as a plain mean, so that what was drawn before training is soon forgotten. Source: Polyak & Juditsky 1992.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], *, n_steps: float) -> None:
        """Begin at what the parameters are now.

        Args:
            parameters: By name; they are watched, not kept.
            n_steps: Over about how many steps the mean is taken; at most 1 takes the last step alone.
        """
        self._parameters = dict(parameters)
        self._longest = max(0.0, 1.0 - 1.0 / n_steps) if n_steps > 0 else 0.0
        self._means = {name: value.detach().clone() for name, value in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after step number `step`, from 1 on."""
        share = 1.0 - min(self._longest, step / (step + 10.0))
        torch._foreach_lerp_(list(self._means.values()), [p.detach() for p in self._parameters.values()], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within, the parameters are the mean; after it they are what they were."""
        before = {name: value.detach().clone() for name, value in self._parameters.items()}
        self.adopt()
        try:
            yield
        finally:
            self._set(before)

    def adopt(self) -> None:
        """Make the parameters the mean, for good."""
        self._set(self._means)

    def state(self) -> Mapping[str, Tensor]:
        """For a checkpoint: the means under names of their own."""
        return {_PREFIX + name: value.cpu().contiguous() for name, value in self._means.items()}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave; other names in it are left alone. Raises KeyError when one is missing."""
        for name, value in self._means.items():
            value.copy_(state[_PREFIX + name])

    @torch.no_grad()
    def _set(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(values[name])
