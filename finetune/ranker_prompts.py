"""From examples to token ids, by the builder and the encoding that serve; no word of a prompt is written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import torch
from transformers import PreTrainedTokenizerBase

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.language_model.candidate_encoding import CandidateEncoding, CandidateIds
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.continuation_reader import continuation_ids
from llmrec.prompting.rank_prompt import CandidatePrompt, IsolatedPrompt, RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.prompting.templates import PromptLibrary
from llmrec.prompting.textualize import history_lines
from llmrec.settings import RankingSettings
from llmrec.types import ChatMessage, History, Interaction, ItemId, Prompt, Query, UserId


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
        ranking: RankingSettings,
    ) -> None:
        """Keep the parts.

        Args:
            tokenizer: The base model's.
            templates: Those that will serve.
            catalogue: The items.
            name: The model's, for messages.
            ranking: How items are shown, and how long a prompt may be.

        Raises:
            ModelError: The tokenizer has no chat template.
            ConfigError: A template asks for what a ranking prompt does not have.
        """
        self._name = name
        self._chat = ChatEncoding(tokenizer, name=name)
        self._listwise = RankPrompt(templates["rank"], max_history=ranking.max_history, text=ranking.text)
        self._isolated = IsolatedPrompt(templates["rank_isolated"], max_history=ranking.max_history, text=ranking.text)
        self._catalogue = catalogue
        self._max_tokens = ranking.max_prompt_tokens
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


@dataclass(frozen=True, slots=True)
class TitleSpan:
    """Where a title stands among tokens, the sign after it included, and which place of the list it has."""

    place: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class EncodedList:
    """A prompt with its answer as they are fed, and the titles in both."""

    ids: list[int]
    titles: list[TitleSpan]


class ListEncoder:
    """Encodes lists of items as prompts that ask how they go on, with the last item as the answer.

    Attributes:
        vocabulary: int64, the tokens that titles have, in order.
        numbers: int64 [n_tokens of the model]; each token's place in `vocabulary`, -1 for others.
        first_numbers: int64 [n_items], in catalogue order; number of the token that begins each title.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        templates: PromptLibrary,
        catalogue: Catalogue,
        *,
        name: str,
        ranking: RankingSettings,
    ) -> None:
        """Encode as a ranker with these settings asks. Raises ModelError, ConfigError."""
        self._name = name
        self._chat = ChatEncoding(tokenizer, name=name)
        self._prompt = IsolatedPrompt(templates["rank_likelihood"], max_history=ranking.max_history, text=ranking.text)
        self._catalogue = catalogue
        self._max_tokens = ranking.max_prompt_tokens
        item_ids = list(catalogue)
        texts = self._prompt.build(Query(), item_ids, catalogue, count_tokens=_nothing, max_tokens=1).candidates
        # A text's first token is the prompt's last.
        encoded = continuation_ids(self._chat, _ANY_PROMPT, texts).candidates
        self._titles = {item_id: ids[1:] for item_id, ids in zip(item_ids, encoded, strict=True)}
        self.vocabulary = torch.tensor(sorted({token for ids in self._titles.values() for token in ids}))
        self.numbers = torch.full((len(tokenizer),), -1)
        self.numbers[self.vocabulary] = torch.arange(len(self.vocabulary))
        self.first_numbers = self.numbers[torch.tensor([ids[0] for ids in self._titles.values()])].numpy()
        self._bare = _prompt_ids(self._fed([], item_ids[0]))

    def encoded(self, item_ids: Sequence[ItemId]) -> EncodedList:
        """The list, its oldest items left out where it is too long. Raises ModelError, ConfigError."""
        *history, answer = item_ids
        fed = self._fed(history, answer)
        prompt, ids = _prompt_ids(fed), [*fed.prefix, *fed.candidates[0]]
        n_shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(prompt, self._bare, strict=False))))
        end = len(prompt) - (len(self._bare) - n_shared)
        spans = [TitleSpan(len(history), len(ids) - len(self._titles[answer]), len(ids))]
        # An item met twice stands where it was met last.
        places = {item_id: place for place, item_id in enumerate(history)}
        for place in sorted(places.values(), reverse=True):
            if end <= n_shared:
                break
            spans.append(TitleSpan(place, end - len(self._titles[history[place]]), end))
            end = spans[-1].start
        if end != n_shared:
            raise ModelError(f"the tokenizer of {self._name} joins titles, so what is learned could not be told apart.")
        return EncodedList(ids, spans[::-1])

    def _fed(self, history: Sequence[ItemId], answer: ItemId) -> CandidateIds:
        counted: dict[Prompt, CandidateIds] = {}

        def count(prompt: Prompt, texts: Sequence[str]) -> int:
            counted[prompt] = continuation_ids(self._chat, prompt, texts)
            return counted[prompt].n_tokens

        query = Query(history=History(tuple(Interaction(_SOMEBODY, item_id) for item_id in history)))
        built = self._prompt.build(query, [answer], self._catalogue, count_tokens=count, max_tokens=self._max_tokens)
        return counted[built.prompt]


_SOMEBODY = UserId("")
_ANY_PROMPT = Prompt((ChatMessage("user", "-"),), "")


def _prompt_ids(fed: CandidateIds) -> list[int]:
    return [*fed.prefix, fed.candidates[0][0]]


def _nothing(_prompt: Prompt, _texts: Sequence[str]) -> int:
    return 0
