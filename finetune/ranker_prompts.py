"""From examples to token ids, by the builder and the encoding that serve; no word of a prompt is written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from llmrec.data.catalogue import Catalogue
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.prompting.textualize import history_lines
from llmrec.types import ItemId, Prompt, Query


@dataclass(frozen=True, slots=True)
class EncodedSlate:
    """A prompt as it is fed, and the token of each candidate's label, in the order shown."""

    ids: list[int]
    label_ids: list[int]


class PromptEncoder:
    """Encodes what a ranker would ask, and histories as running text."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        prompt: RankPrompt,
        catalogue: Catalogue,
        *,
        name: str,
        max_tokens: int,
        slate_size: int,
    ) -> None:
        """Keep the parts.

        Args:
            tokenizer: The base model's.
            prompt: The builder that serves.
            catalogue: The items.
            name: The model's, for messages.
            max_tokens: Longest prompt.
            slate_size: Most candidates.

        Raises:
            ModelError: The tokenizer has no chat template, or fewer labels than `slate_size`.
        """
        self._chat = ChatEncoding(tokenizer, name=name)
        self._prompt = prompt
        self._catalogue = catalogue
        self._max_tokens = max_tokens
        self._labels = self._chat.labels(slate_size)
        self._end_id = tokenizer.eos_token_id

    def prompt(self, query: Query, item_ids: Sequence[ItemId]) -> Prompt:
        """The prompt that shows `item_ids` in this order. Raises ConfigError when it cannot be short enough."""
        return self._built(query, item_ids, lambda prompt: len(self._chat.ids(prompt)))

    def slate(self, query: Query, item_ids: Sequence[ItemId]) -> EncodedSlate:
        """The same as it is fed."""
        counted: dict[Prompt, list[int]] = {}

        def count(prompt: Prompt) -> int:
            counted[prompt] = self._chat.ids(prompt)
            return len(counted[prompt])

        # To count its tokens a prompt is encoded; once is enough.
        ids = counted[self._built(query, item_ids, count)]
        return EncodedSlate(ids, self._chat.label_ids(self._labels[: len(item_ids)]))

    def history(self, item_ids: Sequence[ItemId]) -> list[int]:
        """Titles as running text, oldest first, with its end; the oldest go where it is too long."""
        titles = history_lines(item_ids, self._catalogue, max_items=len(item_ids))
        (ids,) = self._chat.text_ids(["; ".join(titles)])
        return [*ids, self._end_id][-self._max_tokens :]

    def _built(self, query: Query, item_ids: Sequence[ItemId], count: Callable[[Prompt], int]) -> Prompt:
        slate = make_slate(item_ids, self._labels)
        return self._prompt.build(query, slate, self._catalogue, count_tokens=count, max_tokens=self._max_tokens)
