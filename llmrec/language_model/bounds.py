"""What bounds a call to a model: its deadline, a stop in the middle, and errors of the libraries in our words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import cast

import torch
from transformers import StoppingCriteria

from llmrec.errors import ModelError, ModelTimeout


class Stop(StoppingCriteria):
    """Ends generation at the deadline, or when somebody no longer wants it.

    Attributes:
        wanted: Set by who no longer wants it.
        late: Whether the deadline ended it.
    """

    def __init__(self, deadline: float) -> None:
        """Allow until `deadline`, a monotonic time."""
        self._deadline = deadline
        self.wanted = Event()
        self.late = False

    # The base class passes whatever a model has; nothing of it is read.
    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: object) -> torch.BoolTensor:
        """Whether each prompt is done, bool [n_prompts]."""
        self.late = self.late or time.monotonic() > self._deadline
        stopped = self.late or self.wanted.is_set()
        verdict = torch.full((input_ids.shape[0],), stopped, dtype=torch.bool, device=input_ids.device)
        # torch types every result as Tensor, whatever its dtype.
        return cast(torch.BoolTensor, verdict)


def check_deadline(deadline: float, name: str) -> None:
    """Raises ModelTimeout when `deadline`, a monotonic time, has passed for the model called `name`."""
    late = time.monotonic() - deadline
    if late > 0:
        raise ModelTimeout(f"{name} answered {late:.1f} s after the time allowed.")


@contextmanager
def foreign_errors(*, what: str) -> Iterator[None]:
    """What torch and transformers raise inside, as ModelError about `what`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"the device has no memory left for {what}.", hint="Lower ranking.slate_size or use device cpu."
        ) from error
    except (RuntimeError, IndexError, ValueError) as error:
        first_line = str(error).partition("\n")[0]
        raise ModelError(f"the model failed on {what}: {first_line}") from error
