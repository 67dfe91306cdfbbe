import time

import pytest
import torch

from llmrec.language_model.choosing import choose_row
from llmrec.language_model.loading import CausalLM
from tests.language_model.tiny import tiny_model

END = 2
PROMPT = [1, 40, 41, 42]
ROWS = [[10, 11, 12, END], [10, 11, 13, 14, END], [10, 15, END], [16, 11, 12, END], [16, 11, END]]


class CountedModel:
    """Passes every call on and keeps how many tokens each one read."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.read: list[int] = []
        self.device = torch.device("cpu")
        self._model = model

    def __call__(self, *, input_ids: torch.Tensor, **rest: object) -> object:
        self.read.append(input_ids.shape[1])
        return self._model(input_ids=input_ids, **rest)


def soon() -> float:
    return time.monotonic() + 60


def model(seed: int = 0) -> CausalLM:
    return tiny_model(seed=seed)  # type: ignore[return-value]


def by_hand(network: torch.nn.Module, rows: list[list[int]]) -> list[int]:
    """The greedy path, each step from a full pass without a cache over all that was written."""
    written: list[int] = []
    while written not in rows:
        allowed = sorted({row[len(written)] for row in rows if row[: len(written)] == written})
        with torch.inference_mode():
            logits = network(torch.tensor([PROMPT + written])).logits[0, -1]
        written.append(max(allowed, key=lambda token: float(logits[token])))
    return written


@pytest.mark.parametrize("seed", range(8))
def test_the_row_is_the_one_greedy_decoding_arrives_at(seed: int) -> None:
    with torch.inference_mode():
        chosen = choose_row(model(seed), PROMPT, ROWS, deadline=soon())
    assert chosen is not None
    assert ROWS[chosen] == by_hand(tiny_model(seed=seed), ROWS)


def test_the_model_reads_the_prompt_once_and_is_asked_only_where_rows_part() -> None:
    counted = CountedModel(tiny_model())
    rows = [[10, 11, 12, 13, END], [10, 11, 12, 14, END]]
    with torch.inference_mode():
        choose_row(counted, PROMPT, rows, deadline=soon())  # type: ignore[arg-type]
    assert counted.read == [len(PROMPT) + 3]


def test_later_passes_read_only_what_is_new() -> None:
    counted = CountedModel(tiny_model())
    # Whichever of 10 and 11 is taken, three tokens more are certain before the rows part again.
    rows = [[first, 20, 21, last, END] for first in (10, 11) for last in (30, 31)]
    with torch.inference_mode():
        choose_row(counted, PROMPT, rows, deadline=soon())  # type: ignore[arg-type]
    assert counted.read == [len(PROMPT), 3]


def test_equal_rows_are_one_row() -> None:
    assert choose_row(model(), PROMPT, [[10, END], [10, END]], deadline=soon()) == 0


def test_after_the_deadline_no_pass_is_begun() -> None:
    assert choose_row(model(), PROMPT, ROWS, deadline=time.monotonic() - 1) is None
