"""Which of several texts a model would write: it is asked only where they part, so most of their tokens are free."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from transformers import Cache

from llmrec.language_model.loading import CausalLM


def choose_row(
    model: CausalLM, prompt_ids: Sequence[int], rows: Sequence[Sequence[int]], *, deadline: float
) -> int | None:
    """Index of the row that greedy decoding after `prompt_ids` arrives at when it may write nothing else.

    Args:
        model: Continues the prompt.
        prompt_ids: Token ids up to where the answer begins.
        rows: Token ids of each text, at least one; each ends with the same end token, so none is another's beginning.
        deadline: Monotonic time after which no pass is begun.

    Returns:
        The index, the first one among equal rows; None when `deadline` came before the choice was made.
    """
    left = list(range(len(rows)))
    unread, cache, place = list(prompt_ids), None, 0
    while (options := _options(rows, left, place)) is not None:
        token = options[0]
        if len(options) > 1:
            if time.monotonic() > deadline:
                return None
            logits, cache = _read(model, unread, cache)
            unread = []
            token = options[int(logits[options].argmax())]
        left = [row for row in left if rows[row][place] == token]
        unread.append(token)
        place += 1
    return left[0]


def _options(rows: Sequence[Sequence[int]], left: Sequence[int], place: int) -> list[int] | None:
    """Tokens that may stand at `place`, in the order of the rows; None when the rows no longer part."""
    if len(left) == 1 or any(len(rows[row]) <= place for row in left):
        return None
    return list(dict.fromkeys(rows[row][place] for row in left))


def _read(model: CausalLM, ids: Sequence[int], cache: Cache | None) -> tuple[torch.Tensor, Cache | None]:
    """Logits of the next token after all that was read, float32 [n_vocabulary], and what to go on from."""
    inputs = torch.tensor([list(ids)], device=model.device)
    output = model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return output.logits[0, -1].float(), output.past_key_values
