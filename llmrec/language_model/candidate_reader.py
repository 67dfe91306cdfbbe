"""Whether a model says yes or no after each of many candidates, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.prefix_cache import PrefixCache
from llmrec.language_model.token_reader import TokenReader


class CandidateReader:
    """Reads a model's yes or no at the end of each candidate. Not for several threads at once."""

    def __init__(self, model: CausalLM, encoding: CandidateEncoding, *, name: str, kept: PrefixCache) -> None:
        """Read with `model`, called `name` in messages, and remember prompts in `kept`."""
        self._model = model
        self._answer_ids = [encoding.yes_id, encoding.no_id]
        self._kept = kept
        self.tokens = TokenReader(model, name=name, kept=kept)

    def read(self, ids: CandidateIds, *, adapter: str, deadline: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Each candidate's score, and how probable yes or no is: both float32 [n_candidates], on the model's device.

        Raises:
            ModelTimeout: `deadline` came before the candidates were begun.
            ModelError: The model does not attend to every token.
        """
        return self.read_many([ids], adapter=adapter, deadline=deadline)[0]

    def read_many(
        self, batch: Sequence[CandidateIds], *, adapter: str, deadline: float
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What `read` gives for each of `batch`: all their candidates in one pass, each after its own prompt."""
        asked = [ids for ids in batch if ids.candidates]
        if not asked:
            return [(torch.zeros(0), torch.zeros(0)) for _ in batch]
        try:
            tokens = self.tokens.read(asked, last_token, adapter=adapter, deadline=deadline)
            scores, mass = self._answers(tokens.hidden)
        except torch.OutOfMemoryError:
            self._kept.clear()
            raise
        found = zip(tokens.by_request(scores), tokens.by_request(mass), strict=True)
        return [next(found) if ids.candidates else (torch.zeros(0), torch.zeros(0)) for ids in batch]

    def _answers(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        head = self._model.get_output_embeddings()
        logits = head(hidden).float()
        answers = (
            _exact_rows(head, hidden, self._answer_ids) if type(head) is nn.Linear else logits[:, self._answer_ids]
        )
        mass = (answers - logits.logsumexp(dim=-1, keepdim=True)).exp().sum(dim=-1).clamp(max=1.0)
        return answers[:, 0] - answers[:, 1], mass


def last_token(n_tokens: int) -> range:
    """Where yes or no follows, of a candidate of so many tokens."""
    return range(n_tokens - 1, n_tokens)


def _exact_rows(head: nn.Linear, hidden: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
    """Logits of some tokens in float32: in bfloat16 those near 20 lie 1/8 apart, and their difference is what ranks."""
    bias = getattr(head, "bias", None)  # torch types it as never None
    row_ids = list(rows)
    return functional.linear(
        hidden.float(), head.weight[row_ids].float(), None if bias is None else bias[row_ids].float()
    )
