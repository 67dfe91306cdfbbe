"""From a prompt and its candidates to token ids, for serving and for training alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from llmrec.errors import ModelError
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.packed import Segment
from llmrec.types import Prompt

Wanted = Callable[[int], range]  # of a candidate with so many tokens, those whose hidden states are read

_BEFORE = "Answer:"
_ANSWERS = (" Yes", " No")


@dataclass(frozen=True, slots=True)
class CandidateIds:
    """Token ids of a prompt up to where the answer begins, and of each candidate up to where yes or no follows."""

    prefix: list[int]
    candidates: list[list[int]]

    @property
    def n_tokens(self) -> int:
        """Of all of it."""
        return len(self.prefix) + sum(map(len, self.candidates))

    def only(self, places: Sequence[int]) -> CandidateIds:
        """The same prompt with some of the candidates."""
        return CandidateIds(self.prefix, [self.candidates[place] for place in places])

    def columns(self, wanted: Wanted) -> list[int]:
        """Where the wanted tokens of each candidate stand when the candidates follow one another."""
        starts = accumulate(map(len, self.candidates[:-1]), initial=0)
        return [start + place for start, ids in zip(starts, self.candidates, strict=True) for place in wanted(len(ids))]

    def segments(self) -> list[Segment]:
        """The prefix, then each candidate after it."""
        return [Segment(self.prefix), *(Segment(ids, after=0) for ids in self.candidates)]


class CandidateEncoding:
    """Encodes candidates as beginnings of the model's own answer.

    Attributes:
        yes_id: The token that says yes where a candidate ends.
        no_id: The token that says no.
        lead: What both answers begin with, as a space by itself; read along with the candidate.
    """

    def __init__(self, chat: ChatEncoding, *, name: str) -> None:
        """Find the answers among the tokens of the model `name`. Raises ModelError when it cannot tell them apart."""
        self._chat = chat
        before, yes, no = chat.text_ids([_BEFORE, *(_BEFORE + answer for answer in _ANSWERS)])
        shared = [a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(yes, no, strict=False))]
        if shared[: len(before)] != before or len(shared) == min(len(yes), len(no)):
            raise ModelError(f"{name} does not read{' and'.join(_ANSWERS)} as two answers to one question.")
        self.lead = shared[len(before) :]
        self.yes_id, self.no_id = yes[len(shared)], no[len(shared)]

    def ids(self, prompt: Prompt, candidates: Sequence[str]) -> CandidateIds:
        """Token ids; no control token but those of the chat template. Raises ModelError."""
        encoded = [[*ids, *self.lead] for ids in self._chat.text_ids(candidates)]
        for place, ids in enumerate(encoded):
            if not ids:
                raise ModelError(f"candidate {place + 1} of {len(encoded)} has no text.")
        return CandidateIds(self._chat.ids(prompt), encoded)
