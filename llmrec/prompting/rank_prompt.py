"""The ranking prompts: one builder for chat, evaluation and fine-tuning, and what a long one leaves out."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmrec.errors import ConfigError, UnknownItemError
from llmrec.prompting.neutralise import neutralise
from llmrec.prompting.templates import PromptTemplate
from llmrec.prompting.textualize import ItemText, history_lines, item_line
from llmrec.types import Item, ItemId, Label, Prompt, Query, Slate

T = TypeVar("T")

_INPUTS = ("history", "likes", "dislikes", "wish", "turns", "items")
_SPEAKERS = {"user": "User", "assistant": "Assistant"}
_WISH_CHARS = 300
_CONTEXT_CHARS = 200
_TURN_CHARS = 300
_MAX_LIKES = 20


@dataclass(frozen=True, slots=True)
class SlateLine:
    """One candidate as the template sees it."""

    label: Label
    text: str


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """One message of the conversation as the template sees it."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much of each part that may be shortened is kept."""

    n_history: int
    n_turns: int
    description_chars: int


@dataclass(frozen=True, slots=True)
class CandidatePrompt:
    """A prompt whose answer begins anew with each candidate.

    Attributes:
        prompt: All that the candidates share.
        candidates: Text of each, up to where yes or no follows.
    """

    prompt: Prompt
    candidates: tuple[str, ...]


class _Builder:
    """What all ranking prompts have in common: a template, and how much of a query to show."""

    def __init__(
        self,
        template: PromptTemplate,
        *,
        max_history: int = 20,
        max_turns: int = 6,
        max_description_chars: int = 100,
        text: ItemText = "full",
    ) -> None:
        """Keep the template and how much to show when there is room; only full texts have descriptions.

        Raises:
            ConfigError: `template` asks for an input that this prompt does not have, or does not show the items.
        """
        for name in template.inputs:
            if name not in _INPUTS:
                nearest = difflib.get_close_matches(name, _INPUTS, n=1)
                hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(_INPUTS)}."
                raise ConfigError(f"prompt {template.name}: a ranking prompt has no input {name!r}.", hint=hint)
        if "items" not in template.inputs:
            raise ConfigError(f"prompt {template.name} does not show the items; it must use the input 'items'.")
        self.template = template
        self._limits = _Extent(max_history, max_turns, max_description_chars if text == "full" else 0)
        self._text: ItemText = text

    def _parts(self, query: Query, item_ids: Sequence[ItemId], catalogue: Mapping[ItemId, Item]) -> _Parts:
        return _Parts.of(query, item_ids, catalogue, self._limits, text=self._text)

    def _longest(self, parts: _Parts, render: Callable[[_Extent], T], *, count: Callable[[T], int], at_most: int) -> T:
        """What `render` makes of the largest extent that is at most `at_most` tokens long. Raises ConfigError."""
        extents = parts.extents(self._limits)

        def saved(extent: _Extent) -> int:
            return -count(render(extent))

        # Most prompts fit whole; only one that does not is worth the search.
        whole = render(extents[0])
        if count(whole) <= at_most:
            return whole
        chosen = bisect_left(extents, -at_most, lo=1, key=saved)
        if chosen == len(extents):
            raise ConfigError(
                f"a slate of {len(parts.items)} items does not fit into {at_most} prompt tokens.",
                hint="Lower ranking.slate_size or raise ranking.max_prompt_tokens.",
            )
        return render(extents[chosen])

    def _rendered(self, parts: _Parts, extent: _Extent, items: Sequence[object]) -> Prompt:
        values = {**parts.values(extent), "items": items}
        return self.template.render(**{name: values[name] for name in self.template.inputs})


class RankPrompt(_Builder):
    """Builds the prompt that asks for one label of a slate."""

    def build(
        self,
        query: Query,
        slate: Slate,
        catalogue: Mapping[ItemId, Item],
        *,
        count_tokens: Callable[[Prompt], int],
        max_tokens: int,
    ) -> Prompt:
        """The prompt for `slate`, at most `max_tokens` long by `count_tokens`.

        What does not fit goes in this order: oldest history, oldest turns, ends of descriptions; never a candidate and
        never the instruction.

        Raises:
            ConfigError: It does not fit even so.
            UnknownItemError: The slate names an item that is not in `catalogue`.
        """
        parts = self._parts(query, slate.item_ids, catalogue)

        def render(extent: _Extent) -> Prompt:
            lines = zip(slate.labels, parts.lines(extent), strict=True)
            return self._rendered(parts, extent, [SlateLine(label, text) for label, text in lines])

        return self._longest(parts, render, count=count_tokens, at_most=max_tokens)


class IsolatedPrompt(_Builder):
    """Builds the prompt after which each candidate stands alone; its template ends in one line per item."""

    def build(
        self,
        query: Query,
        item_ids: Sequence[ItemId],
        catalogue: Mapping[ItemId, Item],
        *,
        count_tokens: Callable[[Prompt, Sequence[str]], int],
        max_tokens: int,
    ) -> CandidatePrompt:
        """The prompt and the texts of `item_ids`, together at most `max_tokens` long by `count_tokens`.

        What does not fit goes as for RankPrompt.

        Raises:
            ConfigError: It does not fit even so, or the template does not end in one line per item.
            UnknownItemError: An item is not in `catalogue`.
        """
        parts = self._parts(query, item_ids, catalogue)

        def render(extent: _Extent) -> CandidatePrompt:
            return self._apart(self._rendered(parts, extent, parts.lines(extent)), len(item_ids))

        def count(built: CandidatePrompt) -> int:
            return count_tokens(built.prompt, built.candidates)

        return self._longest(parts, render, count=count, at_most=max_tokens)

    def shows(self, query: Query, catalogue: Mapping[ItemId, Item]) -> bool:
        """Whether the prompt would say anything of `query`; of nobody and nothing a model knows only what is common."""
        values = self._parts(query, [], catalogue).values(self._limits)
        return any(values[name] for name in self.template.inputs if name != "items")

    def _apart(self, whole: Prompt, n_items: int) -> CandidatePrompt:
        *shared, last = whole.messages
        lines = tuple(last.content.split("\n"))
        if last.role != "assistant" or not shared or len(lines) != n_items:
            raise ConfigError(
                f"prompt {self.template.name} must end in an assistant: section with one line per item.",
                hint="Begin from prompts/rank_isolated.jinja.",
            )
        return CandidatePrompt(Prompt(tuple(shared), whole.template_hash), lines)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Everything the prompt can say, neutralised, before anything is left out."""

    history: tuple[str, ...]
    likes: tuple[str, ...]
    dislikes: tuple[str, ...]
    wish: str
    turns: tuple[SpokenLine, ...]
    items: tuple[Item, ...]
    text: ItemText

    @classmethod
    def of(
        cls,
        query: Query,
        item_ids: Sequence[ItemId],
        catalogue: Mapping[ItemId, Item],
        limits: _Extent,
        *,
        text: ItemText,
    ) -> _Parts:
        liked = tuple(entry.item_id for entry in query.profile.liked)
        disliked = tuple(entry.item_id for entry in query.profile.disliked)
        named = {*liked, *disliked}
        met = [item_id for item_id in query.history.item_ids if item_id not in named]
        return cls(
            history=history_lines(met, catalogue, max_items=limits.n_history, text=text),
            likes=history_lines(liked, catalogue, max_items=_MAX_LIKES, text=text),
            dislikes=history_lines(disliked, catalogue, max_items=_MAX_LIKES, text=text),
            # The newest words weigh most, and they stand last.
            wish=neutralise(_wish(query), max_chars=_WISH_CHARS + _CONTEXT_CHARS),
            turns=tuple(
                SpokenLine(_SPEAKERS[turn.role], neutralise(turn.text, max_chars=_TURN_CHARS))
                for turn in _last(query.turns, limits.n_turns)
            ),
            items=tuple(_item(catalogue, item_id) for item_id in item_ids),
            text=text,
        )

    def extents(self, limits: _Extent) -> Sequence[_Extent]:
        """From everything to as little as possible, one thing less each time."""
        n_history, n_turns, chars = len(self.history), len(self.turns), limits.description_chars
        fewer_history = [_Extent(n, n_turns, chars) for n in range(n_history, -1, -1)]
        fewer_turns = [_Extent(0, n, chars) for n in range(n_turns - 1, -1, -1)]
        shorter = [_Extent(0, 0, chars * quarters // 4) for quarters in (3, 2, 1, 0)]
        return [*fewer_history, *fewer_turns, *shorter]

    def values(self, extent: _Extent) -> Mapping[str, object]:
        """The template's inputs at this extent, without the items."""
        return {
            "history": _last(self.history, extent.n_history),
            "likes": self.likes,
            "dislikes": self.dislikes,
            "wish": self.wish,
            "turns": _last(self.turns, extent.n_turns),
        }

    def lines(self, extent: _Extent) -> tuple[str, ...]:
        """The items at this extent."""
        chars = extent.description_chars
        return tuple(item_line(item, max_description_chars=chars, text=self.text) for item in self.items)


def _wish(query: Query) -> str:
    """What is felt like, and in which context; of a query without one the plain words, as adapters learned them."""
    text = query.text[-_WISH_CHARS:]
    context = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in query.context.items())
    return f"{text} ({context[: _CONTEXT_CHARS - 3]})".lstrip() if context else text


def _item(catalogue: Mapping[ItemId, Item], item_id: ItemId) -> Item:
    try:
        return catalogue[item_id]
    except KeyError:
        raise UnknownItemError(f"the slate names the item {item_id!r}, which is not in the catalogue.") from None


def _last(values: Sequence[T], n: int) -> tuple[T, ...]:
    return tuple(values[-n:]) if n else ()
