"""Scores of candidates that cannot see each other: each shared prompt once, then all of them in a few masked rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from llmrec.language_model.bounds import check_deadline
from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.packed import Packed, pack, side_by_side, without_past
from llmrec.language_model.prefix_cache import PrefixCache, ReadText
from llmrec.language_model.prefix_cache import side_by_side as pasts_side_by_side

Rows = list[list[int]]  # places of candidates


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Candidates of several requests that were read together.

    Attributes:
        packed: Their rows, one request's after the other's.
        hidden: What the model knows at each token, float [n_rows, n_tokens, n_dim].
        lengths: Tokens of each row's candidates.
        orders: For each request, where its candidates ended up among its own, in the order they were asked in.
    """

    packed: Packed
    hidden: torch.Tensor
    lengths: list[list[int]]
    orders: list[torch.Tensor]

    @classmethod
    def of(cls, batch: Sequence[CandidateIds], rows: Sequence[Rows], packed: Packed, hidden: torch.Tensor) -> ReadRows:
        """What was read of `batch`, each with its rows."""
        lengths = [
            [len(ids.candidates[place]) for place in row] for ids, own in zip(batch, rows, strict=True) for row in own
        ]
        orders = [torch.tensor([place for row in own for place in row]).argsort() for own in rows]
        return cls(packed, hidden, lengths, orders)

    def by_request(self, values: torch.Tensor) -> list[torch.Tensor]:
        """`values` of all candidates, row after row, as each request asked for them."""
        parts = torch.split(values, [len(order) for order in self.orders])
        return [part[order.to(values.device)] for part, order in zip(parts, self.orders, strict=True)]


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
        return self.read_many([ids], adapter=adapter, deadline=deadline)[0]

    def read_many(
        self, batch: Sequence[CandidateIds], *, adapter: str, deadline: float
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What `read` gives for each of `batch`: all their candidates in one pass, each after its own prompt."""
        asked = [ids for ids in batch if ids.candidates]
        if not asked:
            return [(torch.zeros(0), torch.zeros(0)) for _ in batch]
        try:
            rows = self.read_rows(asked, adapter=adapter, deadline=deadline)
            places = [(n, end) for n, row in enumerate(rows.lengths) for end in rows.packed.ends[n, 1 : len(row) + 1]]
            row_ids, ends = torch.tensor(places, device=rows.hidden.device).T
            scores, mass = self._answers(rows.hidden[row_ids, ends])
        except torch.OutOfMemoryError:
            self._kept.clear()
            raise
        found = zip(rows.by_request(scores), rows.by_request(mass), strict=True)
        return [next(found) if ids.candidates else (torch.zeros(0), torch.zeros(0)) for ids in batch]

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

    def read_rows(self, batch: Sequence[CandidateIds], *, adapter: str, deadline: float) -> ReadRows:
        """The candidates of each of `batch` after its own prefix, in one pass. Raises ModelError, ModelTimeout."""
        prefixes = [self.read_prefix(ids.prefix, adapter) for ids in batch]
        check_deadline(deadline, self._name)
        rows = [balanced(ids) for ids in batch]
        parts = [
            without_past(pack([_only(ids, row).segments() for row in own]), len(ids.prefix))
            for ids, own in zip(batch, rows, strict=True)
        ]
        pasts = [
            prefix.first(len(ids.prefix), n_rows=len(own))
            for prefix, ids, own in zip(prefixes, batch, rows, strict=True)
        ]
        # Padding one alone would copy it for nothing.
        packed = (side_by_side(parts) if len(parts) > 1 else parts[0]).to(self._model.device)
        hidden = self._model.base_model(
            input_ids=packed.input_ids,
            position_ids=packed.position_ids,
            attention_mask=packed.additive_mask(prefixes[0].dtype),
            past_key_values=pasts_side_by_side(pasts) if len(pasts) > 1 else pasts[0],
            use_cache=True,
        ).last_hidden_state
        return ReadRows.of(batch, rows, packed, hidden)

    def _answers(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        head = self._model.get_output_embeddings()
        logits = head(hidden).float()
        answers = (
            _exact_rows(head, hidden, self._answer_ids) if type(head) is nn.Linear else logits[:, self._answer_ids]
        )
        mass = (answers - logits.logsumexp(dim=-1, keepdim=True)).exp().sum(dim=-1).clamp(max=1.0)
        return answers[:, 0] - answers[:, 1], mass


def balanced(ids: CandidateIds) -> Rows:
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


def _only(ids: CandidateIds, places: Sequence[int]) -> CandidateIds:
    return CandidateIds(ids.prefix, [ids.candidates[place] for place in places])


def _exact_rows(head: nn.Linear, hidden: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
    """Logits of some tokens in float32: in bfloat16 those near 20 lie 1/8 apart, and their difference is what ranks."""
    bias = getattr(head, "bias", None)  # torch types it as never None
    row_ids = list(rows)
    return functional.linear(
        hidden.float(), head.weight[row_ids].float(), None if bias is None else bias[row_ids].float()
    )
