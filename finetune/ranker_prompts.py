"""From examples to token ids, by the builder and the encoding that serve; no word of a prompt is written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from llmrec.data.catalogue import Catalogue
from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.prompting.rank_prompt import CandidatePrompt, IsolatedPrompt, RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.prompting.templates import PromptLibrary
from llmrec.prompting.textualize import history_lines
from llmrec.types import ItemId, Prompt, Query


@dataclass(frozen=True, slots=True)
class EncodedSlate:
    """A prompt as it is fed, and the token of each candidate's label, in the order shown."""

    ids: list[int]
    label_ids: list[int]


class PromptEncoder:
    """Encodes what the rankers would ask, and histories as running text."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        templates: PromptLibrary,
        catalogue: Catalogue,
        *,
        name: str,
        max_tokens: int,
    ) -> None:
        """Keep the parts.

        Args:
            tokenizer: The base model's.
            templates: Those that will serve.
            catalogue: The items.
            name: The model's, for messages.
            max_tokens: Longest prompt, its candidates included.

        Raises:
            ModelError: The tokenizer has no chat template.
            ConfigError: A template asks for what a ranking prompt does not have.
        """
        self._name = name
        self._chat = ChatEncoding(tokenizer, name=name)
        self._listwise = RankPrompt(templates["rank"])
        self._isolated = IsolatedPrompt(templates["rank_isolated"])
        self._catalogue = catalogue
        self._max_tokens = max_tokens
        self._end_id = tokenizer.eos_token_id

    @cached_property
    def answers(self) -> CandidateEncoding:
        """How candidates are read apart. Raises ModelError when the tokenizer cannot tell yes from no."""
        return CandidateEncoding(self._chat, name=self._name)

    def slate_prompt(self, query: Query, item_ids: Sequence[ItemId]) -> Prompt:
        """The listwise prompt that shows `item_ids` in this order. Raises ConfigError, ModelError."""
        return self._slate_prompt(query, item_ids, lambda prompt: len(self._chat.ids(prompt)))

    def slate(self, query: Query, item_ids: Sequence[ItemId]) -> EncodedSlate:
        """The same as it is fed. Raises ConfigError when it cannot be short enough, ModelError for too few labels."""
        counted: dict[Prompt, list[int]] = {}

        def count(prompt: Prompt) -> int:
            counted[prompt] = self._chat.ids(prompt)
            return len(counted[prompt])

        # To count its tokens a prompt is encoded; once is enough.
        ids = counted[self._slate_prompt(query, item_ids, count)]
        return EncodedSlate(ids, self._chat.label_ids(self._chat.labels(len(item_ids))))

    def candidates_prompt(self, query: Query, item_ids: Sequence[ItemId]) -> CandidatePrompt:
        """The isolated prompt and its candidates. Raises ConfigError, ModelError."""
        return self._candidates_prompt(query, item_ids, lambda prompt, texts: self.answers.ids(prompt, texts).n_tokens)

    def candidates(self, query: Query, item_ids: Sequence[ItemId]) -> CandidateIds:
        """The same as they are fed. Raises ConfigError when they cannot be short enough."""
        counted: dict[tuple[Prompt, tuple[str, ...]], CandidateIds] = {}

        def count(prompt: Prompt, texts: Sequence[str]) -> int:
            counted[prompt, tuple(texts)] = self.answers.ids(prompt, texts)
            return counted[prompt, tuple(texts)].n_tokens

        built = self._candidates_prompt(query, item_ids, count)
        return counted[built.prompt, tuple(built.candidates)]

    def history(self, item_ids: Sequence[ItemId]) -> list[int]:
        """Titles as running text, oldest first, with its end; the oldest go where it is too long."""
        titles = history_lines(item_ids, self._catalogue, max_items=len(item_ids))
        (ids,) = self._chat.text_ids(["; ".join(titles)])
        return [*ids, self._end_id][-self._max_tokens :]

    def _slate_prompt(self, query: Query, item_ids: Sequence[ItemId], count: Callable[[Prompt], int]) -> Prompt:
        slate = make_slate(item_ids, self._chat.labels(len(item_ids)))
        return self._listwise.build(query, slate, self._catalogue, count_tokens=count, max_tokens=self._max_tokens)

    def _candidates_prompt(
        self, query: Query, item_ids: Sequence[ItemId], count: Callable[[Prompt, Sequence[str]], int]
    ) -> CandidatePrompt:
        return self._isolated.build(query, item_ids, self._catalogue, count_tokens=count, max_tokens=self._max_tokens)
