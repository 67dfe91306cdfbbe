"""Hidden states of candidates that cannot see each other: each shared prompt once, then all of them in masked rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from llmrec.language_model.bounds import check_deadline
from llmrec.language_model.branching import Branching, Rows, n_rows_for
from llmrec.language_model.candidate_encoding import CandidateIds, Wanted
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.one_pass import Asked, OnePass
from llmrec.language_model.packed import pack, side_by_side, without_past
from llmrec.language_model.prefix_cache import PrefixCache, ReadText
from llmrec.language_model.prefix_cache import side_by_side as pasts_side_by_side


@dataclass(frozen=True, slots=True)
class ReadTokens:
    """Tokens of several requests' candidates that were read together.

    Attributes:
        hidden: What the model knows at each, float [n_tokens, n_dim]; one request's after the other's.
        orders: For each request, the places of its candidates in the order in which `hidden` has their tokens.
    """

    hidden: torch.Tensor
    orders: list[list[int]]

    def by_request(self, values: torch.Tensor) -> list[torch.Tensor]:
        """`values` of all candidates, in the order of `hidden`, as each request asked for them."""
        parts = torch.split(values, [len(order) for order in self.orders])
        asked = [torch.tensor(order).argsort().to(values.device) for order in self.orders]
        return [part[order] for part, order in zip(parts, asked, strict=True)]


class TokenReader:
    """Reads tokens of candidates, each after its own prompt. Not for several threads at once."""

    def __init__(self, model: CausalLM, *, name: str, kept: PrefixCache) -> None:
        """Read with `model`, called `name` in messages, and remember prompts in `kept`."""
        self._model = model
        self._name = name
        self._kept = kept
        self._one_pass = OnePass.of(model)

    def read(self, batch: Sequence[CandidateIds], wanted: Wanted, *, adapter: str, deadline: float) -> ReadTokens:
        """The `wanted` tokens of each candidate of each of `batch`, each after its own prompt.

        Raises:
            ModelTimeout: `deadline` came before the candidates were begun.
            ModelError: The model does not attend to every token.
        """
        if self._one_pass is None:
            return self._read_apart(batch, wanted, adapter=adapter, deadline=deadline)
        check_deadline(deadline, self._name)
        return self._read_at_once(self._one_pass, batch, wanted, adapter=adapter)

    def _read_at_once(
        self, one_pass: OnePass, batch: Sequence[CandidateIds], wanted: Wanted, *, adapter: str
    ) -> ReadTokens:
        rows = [balanced(ids, n_rows_for(len(ids.prefix), ids.n_tokens - len(ids.prefix))) for ids in batch]
        known = [self._kept.longest(ids.prefix, adapter=adapter) for ids in batch]
        asked = [
            Asked(Branching.of(ids, own, n_known=text.n_shared(ids.prefix) if text else 0, wanted=wanted), text)
            for ids, own, text in zip(batch, rows, known, strict=True)
        ]
        hidden, prompts = one_pass.read(asked)
        for ids, layers in zip(batch, prompts, strict=True):
            self._kept.keep(ReadText(tuple(ids.prefix), adapter, layers))
        return ReadTokens(hidden, _orders(rows))

    def _read_apart(
        self, batch: Sequence[CandidateIds], wanted: Wanted, *, adapter: str, deadline: float
    ) -> ReadTokens:
        """Each prompt by itself, as far as it is not remembered, then all candidates in one pass of any model."""
        prefixes = [self._read_prefix(ids.prefix, adapter) for ids in batch]
        check_deadline(deadline, self._name)
        # In one row every candidate passes over all others, in many the prompt is repeated: n tokens in r rows cost
        # attention n * (prompt + n / r) and copies r * prompt, least near r = n / prompt.
        rows = [balanced(ids, round((ids.n_tokens - len(ids.prefix)) / len(ids.prefix))) for ids in batch]
        parts = [
            without_past(pack([ids.only(row).segments() for row in own]), len(ids.prefix))
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
        in_rows = [ids.only(row) for ids, own in zip(batch, rows, strict=True) for row in own]
        places = [(number, column) for number, row in enumerate(in_rows) for column in row.columns(wanted)]
        row_ids, columns = torch.tensor(places, device=hidden.device).T
        return ReadTokens(hidden[row_ids, columns], _orders(rows))

    def _read_prefix(self, ids: Sequence[int], adapter: str) -> ReadText:
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


def balanced(ids: CandidateIds, n_rows: int) -> Rows:
    """Places of the candidates in `n_rows`, or as many as there are candidates, with about as many tokens in each.

    Which stand together depends on their tokens alone: a score does not change, not by a bit, with the order it was
    asked in.
    """
    lengths = [len(candidate) for candidate in ids.candidates]
    n_rows = min(max(1, n_rows), len(lengths))
    rows: Rows = [[] for _ in range(n_rows)]
    filled = [0] * n_rows
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], ids.candidates[place])):
        row = filled.index(min(filled))
        rows[row].append(place)
        filled[row] += lengths[place]
    return rows


def _orders(rows: Sequence[Rows]) -> list[list[int]]:
    return [[place for row in own for place in row] for own in rows]
