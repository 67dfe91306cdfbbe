"""What users preferred of what they were shown, as lessons for a language model, in the prompt that serves."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmrec.data.catalogue import Catalogue
from llmrec.feedback.answers import Answer, answers
from llmrec.feedback.rows import hashed
from llmrec.feedback.store import SQLFeedbackStore
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.types import Feedback, History, ItemEntry, ItemId, Label, Profile, Prompt, Query, UserId

_T = TypeVar("_T")
MAX_PAIRS_PER_USER = 50
"""Lessons that one user gives at most, the newest ones."""
_LABELS = tuple(Label(letter) for letter in string.ascii_uppercase)
_CHARS_PER_TOKEN = 4  # of English in common tokenizers; a trainer cuts what is longer by its own count


@dataclass(frozen=True, slots=True)
class Preference:
    """The prompt of an answer, and the labels of a better and a worse item of it."""

    prompt: Prompt
    chosen: Label
    rejected: Label


@dataclass(frozen=True, slots=True)
class Judgement:
    """The prompt of an answer, and the label of one of its items that was wanted or not."""

    prompt: Prompt
    completion: Label
    is_wanted: bool


class Lessons:
    """Turns logged answers into lessons.

    A prompt shows what was known of the user when they were answered: what they did, liked and disliked before. What
    they typed is not logged, so it is not in it.
    """

    def __init__(
        self,
        store: SQLFeedbackStore,
        prompt: RankPrompt,
        catalogue: Catalogue,
        *,
        learned: Callable[[UserId], History],
        max_prompt_tokens: int,
        max_per_user: int = MAX_PAIRS_PER_USER,
    ) -> None:
        """Read `store`.

        Args:
            store: What was shown, said and done.
            prompt: The one that serves.
            catalogue: Items; an answer with an item that is gone is passed over.
            learned: What the recommender was built from, of one user.
            max_prompt_tokens: Longest prompt, estimated.
            max_per_user: Lessons of one user, the newest.
        """
        self._store = store
        self._prompt = prompt
        self._catalogue = catalogue
        self._learned = learned
        self._max_tokens = max_prompt_tokens
        self._max_per_user = max_per_user

    def preferences(self) -> Iterator[Preference]:
        """Pairs of a better and a worse item of one answer, newest answers first. Raises FeedbackError, ConfigError."""
        for answer, pairs in self._bounded(lambda answer: answer.preferences):
            prompt, labels = self._asked(answer)
            yield from (Preference(prompt, labels[better], labels[worse]) for better, worse in pairs)

    def judgements(self) -> Iterator[Judgement]:
        """Single items that were wanted or not, newest answers first. Raises FeedbackError, ConfigError."""
        for answer, judged in self._bounded(lambda answer: tuple(answer.judgements.items())):
            prompt, labels = self._asked(answer)
            yield from (Judgement(prompt, labels[item_id], is_wanted) for item_id, is_wanted in judged)

    def _bounded(
        self, lessons: Callable[[Answer], Sequence[tuple[ItemId, _T]]]
    ) -> Iterator[tuple[Answer, Sequence[tuple[ItemId, _T]]]]:
        given: Counter[UserId] = Counter()
        for answer in self._answers():
            kept = lessons(answer)[: self._max_per_user - given[answer.user_id]]
            given[answer.user_id] += len(kept)
            if kept:
                yield answer, kept

    def _answers(self) -> Iterator[Answer]:
        away = self._store.opted_out_hashes()
        found = list(answers(self._store.impressions(), self._store.reactions()))
        for answer in reversed(found):
            is_known = len(answer.item_ids) <= len(_LABELS) and all(i in self._catalogue for i in answer.item_ids)
            if is_known and hashed(answer.user_id) not in away:
                yield answer

    def _asked(self, answer: Answer) -> tuple[Prompt, Mapping[ItemId, Label]]:
        slate = make_slate(_shuffled(answer), _LABELS)
        prompt = self._prompt.build(
            self._query(answer), slate, self._catalogue, count_tokens=_n_tokens, max_tokens=self._max_tokens
        )
        return prompt, dict(zip(slate.item_ids, slate.labels, strict=True))

    def _query(self, answer: Answer) -> Query:
        done = (*self._learned(answer.user_id).interactions, *self._store.interactions_of(answer.user_id))
        # An item of the slate that also stands in the history would be an answer in the question.
        known = tuple(row for row in done if row.item_id in self._catalogue and row.item_id not in answer.item_ids)
        before = [row for row in self._store.for_user(answer.user_id) if row.at < answer.at]
        return Query(history=History(known).before(answer.at), profile=_profile(before, self._catalogue))


def _shuffled(answer: Answer) -> Sequence[ItemId]:
    """In an order drawn from the answer: as it was shown, what is better would always have the later label."""
    return sorted(answer.item_ids, key=lambda item_id: hashed(f"{answer.query_id}\n{item_id}"))


def _profile(said: Iterable[Feedback], catalogue: Catalogue) -> Profile:
    latest = {row.item_id: row.signal for row in said if row.signal in ("like", "dislike", "purchase")}
    entries = {
        liked: tuple(ItemEntry(i, 0) for i, s in latest.items() if (s != "dislike") is liked and i in catalogue)
        for liked in (True, False)
    }
    return Profile(liked=entries[True], disliked=entries[False])


def _n_tokens(prompt: Prompt) -> int:
    return sum(len(message.content) for message in prompt.messages) // _CHARS_PER_TOKEN
