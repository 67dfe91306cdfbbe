"""How likely each of many texts is to come next after one prompt, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from llmrec.errors import ModelError
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.token_reader import ReadTokens, TokenReader
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


class ContinuationReader:
    """Reads how likely texts are. Not for several threads at once."""

    def __init__(self, model: CausalLM, tokens: TokenReader) -> None:
        """Read with `model`; `tokens` reads prompts and candidates with the same."""
        self._model = model
        self._tokens = tokens

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
        tokens = self._tokens.read(asked, foretelling_tokens, adapter=adapter, deadline=deadline)
        likely = _log_likelihoods(asked, tokens, self._model.get_output_embeddings()(tokens.hidden))
        found = iter(tokens.by_request(likely))
        return [next(found) if ids.candidates else torch.zeros(0) for ids in batch]


def foretelling_tokens(n_tokens: int) -> range:
    """Of a candidate of so many tokens, those after which another one follows."""
    return range(n_tokens - 1)


def _log_likelihoods(batch: Sequence[CandidateIds], tokens: ReadTokens, logits: torch.Tensor) -> torch.Tensor:
    """Each candidate's log-probability, float32 [n_candidates], in the order of `tokens`.

    `logits`, [n_tokens, n_vocabulary], are those at every token of a candidate but the last, about the next one.
    """
    texts = [ids.candidates[place][1:] for ids, order in zip(batch, tokens.orders, strict=True) for place in order]
    next_ids = torch.tensor([token_id for text in texts for token_id in text], device=logits.device)
    lengths = torch.tensor([len(text) for text in texts], device=logits.device)
    owners = torch.arange(len(texts), device=logits.device).repeat_interleave(lengths)
    log_probs = torch.log_softmax(logits.float(), dim=-1).gather(1, next_ids[:, None])[:, 0]
    return log_probs.new_zeros(len(texts)).index_add(0, owners, log_probs)
