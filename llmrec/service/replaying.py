"""The profile behind a conversation whose client keeps nothing but its messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from llmrec.errors import UnknownItemError
from llmrec.recommender import Recommender
from llmrec.types import ItemEntry, ItemId, Profile, Query, Recommendation, Reply, Turn

# A card in the text of a reply, as `reply_text` writes it.
_CARD = re.compile(r"^\d{1,3}\. \*\*(?P<title>.{1,300}?)\*\*(?: - .*)?$")


def reply_text(reply: Reply) -> str:
    """`reply` as one text: its words, then its cards as a list."""
    return "\n\n".join(filter(None, [reply.text, cards_text(reply.recommendations)]))


def cards_text(cards: Sequence[Recommendation]) -> str:
    """The cards, one a line."""
    return "\n".join(
        f"{card.rank}. **{' '.join(card.title.split())}** - {' '.join(card.explanation.split())}" for card in cards
    )


def replayed(recommender: Recommender, turns: Sequence[Turn], profile: Profile) -> Profile:
    """`profile` after `turns`: the user's are read again, the assistant's say what was shown.

    No model is asked. A title that the catalogue does not have, or has twice, counts as not shown.
    """
    for number, turn in enumerate(turns):
        if turn.role == "user":
            profile = recommender.assistant.understand(Query(turns=(turn,), profile=profile)).profile
        else:
            shown = tuple(ItemEntry(item_id, number) for item_id in _shown(recommender, turn.text))
            profile = replace(profile, shown=profile.shown + shown)
    return profile


def _shown(recommender: Recommender, text: str) -> list[ItemId]:
    found = []
    for line in text.splitlines():
        if card := _CARD.match(line):
            with suppress(UnknownItemError):
                found.append(recommender.item_id(card["title"]))
    return found
