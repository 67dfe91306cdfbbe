"""How likely each of many texts is to come next after one prompt, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from llmrec.errors import ModelError
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.language_model.candidate_reader import CandidateReader
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.packed import Packed
from llmrec.types import Prompt


def continuation_ids(chat: ChatEncoding, prompt: Prompt, texts: Sequence[str]) -> CandidateIds:
    """Token ids whose every token but a candidate's first is to be foretold from those before it.

    A candidate begins with the prompt's last token, for what the model says there foretells the text's first one.

    Raises:
        ModelError: The prompt cannot be encoded, or a text is empty.
    """
    *prefix, last = chat.ids(prompt)
    # As a word within a text: most tokenizers have another token for one that begins it.
    encoded = chat.text_ids([f" {text}" for text in texts])
    for place, text in enumerate(texts):
        if not text:
            raise ModelError(f"candidate {place + 1} of {len(encoded)} has no text.")
    return CandidateIds(prefix, [[last, *ids] for ids in encoded])


@dataclass(frozen=True, slots=True)
class Foretold:
    """The tokens of packed candidates that are foretold, one after the other, and where.

    Attributes:
        rows: int64 [n_tokens], each one's row.
        columns: int64 [n_tokens]; what the model says there is about the next token.
        tokens: int64 [n_tokens], the next one's id.
        owners: int64 [n_tokens]; number of the candidate it belongs to, row after row.
        n_candidates: Of all rows.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    tokens: torch.Tensor
    owners: torch.Tensor
    n_candidates: int

    @classmethod
    def of(cls, packed: Packed, lengths: Sequence[Sequence[int]]) -> Foretold:
        """Those of rows of a prompt and then candidates of so many tokens each, as `continuation_ids` has them."""
        ends = packed.ends.tolist()
        spots = [
            (row, column, owner)
            for owner, (row, place, n_tokens) in enumerate(
                (row, place, n_tokens)
                for row, each in enumerate(lengths)
                for place, n_tokens in enumerate(each, start=1)
            )
            for column in range(ends[row][place] - n_tokens + 1, ends[row][place])
        ]
        rows, columns, owners = torch.tensor(spots, device=packed.input_ids.device).T
        return cls(rows, columns, packed.input_ids[rows, columns + 1], owners, sum(map(len, lengths)))

    def log_likelihoods(self, logits: torch.Tensor) -> torch.Tensor:
        """Each candidate's log-probability, float32 [n_candidates]; `logits` are [n_tokens, n_vocabulary]."""
        log_probs = torch.log_softmax(logits.float(), dim=-1).gather(1, self.tokens[:, None])[:, 0]
        return log_probs.new_zeros(self.n_candidates).index_add(0, self.owners, log_probs)


class ContinuationReader:
    """Reads how likely texts are. Not for several threads at once."""

    def __init__(self, model: CausalLM, rows: CandidateReader) -> None:
        """Read with `model`; `rows` reads prompts and candidates with the same."""
        self._model = model
        self._rows = rows

    def read_many(self, batch: Sequence[CandidateIds], *, adapter: str, deadline: float) -> list[torch.Tensor]:
        """How likely each candidate of each request is, log P(text | prompt), float32 [n_candidates] for each.

        All are read in one pass, each after its own prompt; they stay on the model's device.

        Raises:
            ModelTimeout: `deadline` came before the candidates were begun.
            ModelError: The model does not attend to every token.
        """
        asked = [ids for ids in batch if ids.candidates]
        if not asked:
            return [torch.zeros(0) for _ in batch]
        rows = self._rows.read_rows(asked, adapter=adapter, deadline=deadline)
        places = Foretold.of(rows.packed, rows.lengths)
        logits = self._model.get_output_embeddings()(rows.hidden[places.rows, places.columns])
        found = iter(rows.by_request(places.log_likelihoods(logits)))
        return [next(found) if ids.candidates else torch.zeros(0) for ids in batch]
