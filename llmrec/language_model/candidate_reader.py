"""Scores of candidates that cannot see each other: the shared prompt once, then all of them in a few masked rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from llmrec.language_model.bounds import check_deadline
from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.packed import Packed, pack, without_past
from llmrec.language_model.prefix_cache import PrefixCache, ReadText


class CandidateReader:
    """Reads a model's yes or no at the end of each candidate. Not for several threads at once."""

    def __init__(self, model: CausalLM, encoding: CandidateEncoding, *, name: str, kept: PrefixCache) -> None:
        """Read with `model`, called `name` in messages, and remember prompts in `kept`."""
        self._model = model
        self._answer_ids = [encoding.yes_id, encoding.no_id]
        self._name = name
        self._kept = kept

    def read(self, ids: CandidateIds, *, adapter: str, deadline: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Each candidate's score, and how probable yes or no is: both float32 [n_candidates], on the model's device.

        Raises:
            ModelTimeout: `deadline` came before the candidates were begun.
            ModelError: The model does not attend to every token.
        """
        if not ids.candidates:
            return torch.zeros(0), torch.zeros(0)
        try:
            prefix = self.read_prefix(ids.prefix, adapter)
            check_deadline(deadline, self._name)
            rows = balanced(ids)
            scores, mass = self._answers(self._ends(ids, rows, prefix))
            back = torch.tensor([place for row in rows for place in row]).argsort().to(scores.device)
            return scores[back], mass[back]
        except torch.OutOfMemoryError:
            self._kept.clear()
            raise

    def read_prefix(self, ids: Sequence[int], adapter: str) -> ReadText:
        """What all candidates share, read as far as it is not remembered."""
        known = self._kept.longest(ids, adapter=adapter)
        n_known = known.n_shared(ids) if known else 0
        if known and n_known == len(ids):
            return known
        output = self._model.base_model(
            input_ids=torch.tensor([list(ids[n_known:])], device=self._model.device),
            past_key_values=known.first(n_known) if known else None,
            use_cache=True,
        )
        read = ReadText.of(ids, adapter, output.past_key_values)
        self._kept.keep(read)
        return read

    def read_rows(
        self, ids: CandidateIds, rows: Sequence[Sequence[int]], prefix: ReadText
    ) -> tuple[Packed, torch.Tensor]:
        """The candidates packed in `rows` (places in `ids`), and what the model knows at each of their tokens."""
        segments = [CandidateIds(ids.prefix, [ids.candidates[place] for place in row]).segments() for row in rows]
        packed = without_past(pack(segments), len(ids.prefix)).to(self._model.device)
        hidden = self._model.base_model(
            input_ids=packed.input_ids,
            position_ids=packed.position_ids,
            attention_mask=packed.additive_mask(prefix.dtype),
            past_key_values=prefix.first(len(ids.prefix), n_rows=len(rows)),
            use_cache=True,
        ).last_hidden_state
        return packed, hidden

    def _ends(self, ids: CandidateIds, rows: Sequence[Sequence[int]], prefix: ReadText) -> torch.Tensor:
        """What the model knows where each candidate ends, float [n_candidates, n_dim], row after row."""
        packed, hidden = self.read_rows(ids, rows, prefix)
        return torch.cat([hidden[n, packed.ends[n, 1 : len(row) + 1]] for n, row in enumerate(rows)])

    def _answers(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        head = self._model.get_output_embeddings()
        logits = head(hidden).float()
        answers = (
            _exact_rows(head, hidden, self._answer_ids) if type(head) is nn.Linear else logits[:, self._answer_ids]
        )
        mass = (answers - logits.logsumexp(dim=-1, keepdim=True)).exp().sum(dim=-1).clamp(max=1.0)
        return answers[:, 0] - answers[:, 1], mass


def balanced(ids: CandidateIds) -> list[list[int]]:
    """Places of the candidates in rows of about as many tokens as the prefix has, and about as many in each.

    In one row every candidate passes over all others, in many the prefix is repeated: n tokens in r rows cost
    attention n * (prefix + n / r) and copies r * prefix, least near r = n / prefix. Which stand together depends on
    their tokens alone: a score does not change, not by a bit, with the order it was asked in.
    """
    lengths = [len(candidate) for candidate in ids.candidates]
    n_rows = min(max(1, round(sum(lengths) / len(ids.prefix))), len(lengths))
    rows: list[list[int]] = [[] for _ in range(n_rows)]
    filled = [0] * n_rows
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], ids.candidates[place])):
        row = filled.index(min(filled))
        rows[row].append(place)
        filled[row] += lengths[place]
    return rows


def _exact_rows(head: nn.Linear, hidden: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
    """Logits of some tokens in float32: in bfloat16 those near 20 lie 1/8 apart, and their difference is what ranks."""
    bias = getattr(head, "bias", None)  # torch types it as never None
    row_ids = list(rows)
    return functional.linear(
        hidden.float(), head.weight[row_ids].float(), None if bias is None else bias[row_ids].float()
    )
