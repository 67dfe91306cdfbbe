"""The ranking prompt: one builder for chat, evaluation and fine-tuning, and what to leave out when it is too long."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmrec.errors import ConfigError, UnknownItemError
from llmrec.prompting.neutralise import neutralise
from llmrec.prompting.templates import PromptTemplate
from llmrec.prompting.textualize import history_lines, item_line
from llmrec.types import Item, ItemId, Label, Prompt, Query, Slate

T = TypeVar("T")

_INPUTS = ("history", "likes", "dislikes", "wish", "turns", "items")
_SPEAKERS = {"user": "User", "assistant": "Assistant"}
_WISH_CHARS = 300
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


class RankPrompt:
    """Builds the prompt that asks for one label of a slate."""

    def __init__(
        self,
        template: PromptTemplate,
        *,
        max_history: int = 20,
        max_turns: int = 6,
        max_description_chars: int = 100,
    ) -> None:
        """Keep the template and how much to show when there is room.

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
        self._limits = _Extent(max_history, max_turns, max_description_chars)

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
        parts = _Parts.of(query, slate, catalogue, self._limits)
        extents = parts.extents(self._limits)

        def saved(extent: _Extent) -> int:
            return -count_tokens(self._render(parts, extent))

        # Most prompts fit whole; only one that does not is worth the search.
        chosen = 0 if -saved(extents[0]) <= max_tokens else bisect_left(extents, -max_tokens, lo=1, key=saved)
        if chosen == len(extents):
            raise ConfigError(
                f"a slate of {len(slate.item_ids)} items does not fit into {max_tokens} prompt tokens.",
                hint="Lower ranking.slate_size or raise ranking.max_prompt_tokens.",
            )
        return self._render(parts, extents[chosen])

    def _render(self, parts: _Parts, extent: _Extent) -> Prompt:
        values = parts.values(extent)
        return self.template.render(**{name: values[name] for name in self.template.inputs})


@dataclass(frozen=True, slots=True)
class _Parts:
    """Everything the prompt can say, neutralised, before anything is left out."""

    history: tuple[str, ...]
    likes: tuple[str, ...]
    dislikes: tuple[str, ...]
    wish: str
    turns: tuple[SpokenLine, ...]
    labels: tuple[Label, ...]
    items: tuple[Item, ...]

    @classmethod
    def of(cls, query: Query, slate: Slate, catalogue: Mapping[ItemId, Item], limits: _Extent) -> _Parts:
        liked = tuple(entry.item_id for entry in query.profile.liked)
        disliked = tuple(entry.item_id for entry in query.profile.disliked)
        named = {*liked, *disliked}
        met = [item_id for item_id in query.history.item_ids if item_id not in named]
        return cls(
            history=history_lines(met, catalogue, max_items=limits.n_history),
            likes=history_lines(liked, catalogue, max_items=_MAX_LIKES),
            dislikes=history_lines(disliked, catalogue, max_items=_MAX_LIKES),
            # The newest words weigh most, and they stand last.
            wish=neutralise(query.text[-_WISH_CHARS:], max_chars=_WISH_CHARS),
            turns=tuple(
                SpokenLine(_SPEAKERS[turn.role], neutralise(turn.text, max_chars=_TURN_CHARS))
                for turn in _last(query.turns, limits.n_turns)
            ),
            labels=slate.labels,
            items=tuple(_item(catalogue, item_id) for item_id in slate.item_ids),
        )

    def extents(self, limits: _Extent) -> Sequence[_Extent]:
        """From everything to as little as possible, one thing less each time."""
        n_history, n_turns, chars = len(self.history), len(self.turns), limits.description_chars
        fewer_history = [_Extent(n, n_turns, chars) for n in range(n_history, -1, -1)]
        fewer_turns = [_Extent(0, n, chars) for n in range(n_turns - 1, -1, -1)]
        shorter = [_Extent(0, 0, chars * quarters // 4) for quarters in (3, 2, 1, 0)]
        return [*fewer_history, *fewer_turns, *shorter]

    def values(self, extent: _Extent) -> Mapping[str, object]:
        """The template's inputs at this extent."""
        return {
            "history": _last(self.history, extent.n_history),
            "likes": self.likes,
            "dislikes": self.dislikes,
            "wish": self.wish,
            "turns": _last(self.turns, extent.n_turns),
            "items": tuple(
                SlateLine(label, item_line(item, max_description_chars=extent.description_chars))
                for label, item in zip(self.labels, self.items, strict=True)
            ),
        }


def _item(catalogue: Mapping[ItemId, Item], item_id: ItemId) -> Item:
    try:
        return catalogue[item_id]
    except KeyError:
        raise UnknownItemError(f"the slate names the item {item_id!r}, which is not in the catalogue.") from None


def _last(values: Sequence[T], n: int) -> tuple[T, ...]:
    return tuple(values[-n:]) if n else ()
