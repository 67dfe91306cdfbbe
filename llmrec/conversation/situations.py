"""A moment of a conversation: what was said and which items were spoken of, before the next recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from llmrec.conversation.files import Row
from llmrec.conversation.item_names import ItemNames
from llmrec.types import Turn

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Mention:
    """An item that was spoken of.

    Attributes:
        item: Its position in the catalogue.
        turn: Number of the turn, from 0.
    """

    item: int
    turn: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when something is to be recommended.

    Attributes:
        turns: Oldest first; a turn may be empty.
        mentions: In the order of the turns.
        wishes: The turns' texts without the names of items, in the order of the turns.
    """

    turns: tuple[Turn, ...]
    mentions: tuple[Mention, ...]
    wishes: tuple[str, ...]

    @property
    def items(self) -> tuple[int, ...]:
        """Positions of all items spoken of, each once, in order."""
        return tuple(dict.fromkeys(mention.item for mention in self.mentions))

    def said(self, n_turns: int) -> str:
        """The last `n_turns` as one text."""
        return _joined(turn.text for turn in self.turns[-n_turns:])


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A whole conversation, to learn from.

    Attributes:
        id: As its source has it.
        turns: Of alternating roles, the user's first (it may be empty).
        mentions: In the order of the turns.
        wishes: The turns' texts without the names of items.
    """

    id: str
    turns: tuple[Turn, ...]
    mentions: tuple[Mention, ...]
    wishes: tuple[str, ...]

    @property
    def items(self) -> tuple[int, ...]:
        """Positions of all items spoken of, each once, in order."""
        return tuple(dict.fromkeys(mention.item for mention in self.mentions))

    def before(self, turn: int) -> Situation:
        """What was known before turn number `turn`."""
        earlier = tuple(mention for mention in self.mentions if mention.turn < turn)
        return Situation(self.turns[:turn], earlier, self.wishes[:turn])


@dataclass(frozen=True, slots=True)
class Lesson:
    """A moment of a training dialogue and what was named next for the first time.

    Attributes:
        new_items: Positions, each once.
        by_assistant: Whether the assistant named them, not the user.
    """

    dialogue: str
    situation: Situation
    new_items: tuple[int, ...]
    by_assistant: bool


def lessons(dialogues: Iterable[Dialogue]) -> Iterator[Lesson]:
    """Every turn but the first that names something that had not been named before."""
    for dialogue in dialogues:
        known: set[int] = set()
        for number, turn in enumerate(dialogue.turns):
            named = dict.fromkeys(mention.item for mention in dialogue.mentions if mention.turn == number)
            new = tuple(item for item in named if item not in known)
            if new and number:
                yield Lesson(dialogue.id, dialogue.before(number), new, turn.role == "assistant")
            known.update(named)


def situation_of(row: Row, names: ItemNames) -> Situation:
    """What `row` tells; roles alternate and end with the user.

    Where the row says what was spoken of, a name in the text counts only if it is among that, for a short name may be
    a common word; what the text does not spell the same stands at the end.
    """
    roles: Sequence[Role] = ("user", "assistant")
    turns = tuple(Turn(roles[(len(row.context) - 1 - number) % 2], text) for number, text in enumerate(row.context))
    mentions = [Mention(item, number) for number, turn in enumerate(turns) for item in names.found_in(turn.text)]
    if row.mentioned is not None:
        told = [item for name in row.mentioned if (item := names.position(name)) is not None]
        mentions = [mention for mention in mentions if mention.item in told]
        spelled = {mention.item for mention in mentions}
        mentions += [Mention(item, max(len(turns) - 1, 0)) for item in told if item not in spelled]
    return Situation(turns, tuple(mentions), tuple(names.without_names(turn.text) for turn in turns))


def _joined(texts: Iterable[str]) -> str:
    return " ".join(text.strip() for text in texts if text.strip())
